"""Conform, second half: the rows of one feed from the typed file, with derived amounts, keys, rules and outcome.

May import: `config`, `schemas`, `tasks.conform_plan`, `tasks.conformed`, `tasks.row_rules`. SQL text in, SQL text
out; the statements are run by `tasks.conform`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kehu.schemas import fields as f
from kehu.schemas.rendering import literal, quoted
from kehu.schemas.types import IDENTIFIER
from kehu.tasks.conform_plan import FILLED_FROM_MAPPING, GENERATED_KEYS, WRITTEN_BY_US, FeedPlan, FilePlan
from kehu.tasks.conformed import DELETED_COLUMN
from kehu.tasks.row_rules import QUARANTINING, RowContext, RowRule, row_rules

REPEATED = "kehu_repeated_rows"
"""Table made before the rows are written, of the few that repeat: by key where the export has one (`is_conflict`,
`first_row`), else by record (`occurrence`, `is_repeated`). A join with it spares a window over all columns of all
rows."""

SAME_CONTENT, SAME_KEY, REPEATED_LINE, NOT_SELECTED = "same_content", "same_key", "repeated_line", "not_selected"
"""Reasons beside the outcomes: an identical row of one key; a further row of a distinct feed; a line that repeats
another in full; a row the feed's `where` (or its `sql`) leaves to others."""

_NEGATIVE_IN_RETURNS = (f.quantity, f.amount_gross, f.amount_net, f.amount_tax_unknown, f.cost_net)
_TURNED_IN_RETURNS = (f.gross_profit_net, f.gross_profit_tax_unknown)


@dataclass(frozen=True)
class FeedContext:
    """What a feed's rows depend on beside the file.

    Attributes:
        system: source system.
        company_id: legal entity where the rows do not say.
        currency: currency where the rows do not say.
        delivery_id: the delivery.
        delivered: its day.
        reporting_currency: currency that needs no rate.
        source_tax_rate: the source's own rate for lines that state none.
        tax_rates: (first day, rate) of the policy, ascending; None where it is blank from then on.
        rates: (first day, currencies that have a rate), ascending.
        first_record: number of the first record of the typed file.
    """

    system: str
    company_id: str
    currency: str
    delivery_id: str
    delivered: date
    reporting_currency: str
    source_tax_rate: Decimal | None
    tax_rates: tuple[tuple[date, Decimal | None], ...]
    rates: tuple[tuple[date, tuple[str, ...]], ...]
    first_record: int


@dataclass(frozen=True)
class FeedSql:
    """The statements of one feed.

    Attributes:
        repeated: SELECT for the table `REPEATED`; None for distinct feeds, where repetition is the rule.
        flagged: SELECT of all data rows by contract with flags, `is_dropped`, `outcome` and `reason`.
        accepted: SELECT of the accepted rows over `{flagged}`, in key order.
        rules: the row rules, in order.
        conflicts: columns of a distinct feed that may carry several values per key.
        contract: the contract columns of `accepted`, `is_deleted` last where there is one.
    """

    repeated: str | None
    flagged: str
    accepted: str
    rules: tuple[RowRule, ...]
    conflicts: tuple[str, ...]
    contract: tuple[str, ...]


def feed_sql(file_plan: FilePlan, plan: FeedPlan, typed: str, context: FeedContext) -> FeedSql:
    """Write the statements of a feed.

    Args:
        file_plan: the typed pass.
        plan: the feed.
        typed: path of the typed file.
        context: see `FeedContext`.
    """
    table = plan.table
    rows = _derived(plan, _typed_rows(plan, file_plan, typed, context), context)
    key = [quoted(name) for name in table.key_names]
    rules = row_rules(table, _row_context(file_plan, plan, context))
    repeated, joined = _identified(plan, rows, key)
    flagged = _flagged(plan, joined, rules, key)
    contract = [quoted(name) for name in table.column_names]
    if plan.deleted is not None:
        contract.append(DELETED_COLUMN)
    ordered = f"ORDER BY {', '.join(key)}"
    if plan.feed.distinct:
        accepted = f"{_one_row_per_key(plan, key)} {ordered}"
    else:
        accepted = f"SELECT {', '.join(contract)} FROM {{flagged}} WHERE outcome = 'accepted' {ordered}"
    return FeedSql(
        repeated=repeated,
        flagged=flagged,
        accepted=accepted,
        rules=rules,
        conflicts=tuple(column for column in _attributes(plan) if column in plan.slots) if plan.feed.distinct else (),
        contract=tuple(name.strip('"') for name in contract),
    )


# --- contract columns -------------------------------------------------------------------------------------------------


def _typed_rows(plan: FeedPlan, file_plan: FilePlan, typed: str, context: FeedContext) -> str:
    given = {
        f.source.name: literal(context.system),
        f.delivery_id.name: literal(context.delivery_id),
        f.source_row.name: f"CAST(file_row_number AS BIGINT) + {context.first_record}",
        **plan.constants,
        **{name: f"v{number}" for name, number in plan.slots.items()},
    }
    stated = {f.company_id.name: context.company_id, f.currency.name: context.currency}
    for name in FILLED_FROM_MAPPING:
        given[name] = f"coalesce({given[name]}, {literal(stated[name])})" if name in given else literal(stated[name])
    cells = [
        f"CAST({given[column.name]} AS {column.type.duckdb}) AS {quoted(column.name)}"
        if column.name in given
        else f"CAST(NULL AS {column.type.duckdb}) AS {quoted(column.name)}"
        for column in plan.table.columns
    ]
    helpers = sorted({f"u{number}" for number in plan.slots.values()})
    helpers += sorted(f"s{number}" for number in _identifier_slots(file_plan, plan))
    helpers += [name for name in (plan.where, plan.deleted, *(name for name, _ in plan.drops)) if name is not None]
    helpers += ["has_surplus"]
    helpers += ["raw_hash"] if file_plan.has_raw_hash else []
    helpers += [f"v{plan.label_date} AS label_date"] if plan.label_date is not None else []
    records = f"read_parquet({literal(typed)}, file_row_number = true)"
    return f"SELECT {', '.join([*cells, *dict.fromkeys(helpers)])} FROM {records} WHERE record_class = 'data'"


def _derived(plan: FeedPlan, rows: str, context: FeedContext) -> str:
    names = set(plan.table.column_names)
    if f.is_return.name in plan.slots and f.quantity.name in names:
        rows = f"SELECT * REPLACE ({', '.join(_red_letters())}) FROM ({rows})"
    if f.tax_rate.name in names and not {f.amount_net.name, f.amount_gross.name}.isdisjoint(plan.slots):
        rows = _with_both_tax_bases(rows, context)
    if f.ship_to_customer_id.name in names:
        rows = f"SELECT * REPLACE (coalesce(ship_to_customer_id, customer_id) AS ship_to_customer_id) FROM ({rows})"
    return rows


def _red_letters() -> list[str]:
    """Rows marked as returns count negative, whether the export prints their numbers with a sign or without.

    Column by column, since an export may print a signed amount beside an unsigned cost. Profit may be of either sign,
    so it turns only where the row's amount stood without one.
    """
    amount = "coalesce(amount_gross, amount_net, amount_tax_unknown, quantity)"
    negative = [
        f"CASE WHEN is_return THEN -abs({column.name}) ELSE {column.name} END AS {column.name}"
        for column in _NEGATIVE_IN_RETURNS
    ]
    turned = [
        f"CASE WHEN is_return AND {amount} > 0 THEN -{column.name} ELSE {column.name} END AS {column.name}"
        for column in _TURNED_IN_RETURNS
    ]
    return [*negative, *turned]


def _with_both_tax_bases(rows: str, context: FeedContext) -> str:
    """Net from gross and gross from net (R11): by the line's rate, else the source's, else the policy's of the
    document's day.

    An amount of unknown basis beside one of known basis is left out: it would count the line twice.
    """
    whens = " ".join(
        f"WHEN document_date >= DATE {literal(first.isoformat())} THEN {'NULL' if rate is None else f'{rate:f}'}"
        for first, rate in reversed(context.tax_rates)
    )
    policy = f"CASE {whens} END" if whens else "NULL"
    assumed = f"{context.source_tax_rate:f}" if context.source_tax_rate is not None else policy
    rate = f"coalesce(tax_rate, CAST({assumed} AS DECIMAL(18,6)))"
    is_converted = f"(amount_gross IS NULL) <> (amount_net IS NULL) AND {rate} IS NOT NULL"
    is_known = "amount_gross IS NOT NULL OR amount_net IS NOT NULL"
    replaced = [
        f"coalesce(amount_net, kehu_without_tax(amount_gross, {rate})) AS amount_net",
        f"coalesce(amount_gross, kehu_with_tax(amount_net, {rate})) AS amount_gross",
        f"CASE WHEN {is_known} THEN NULL ELSE amount_tax_unknown END AS amount_tax_unknown",
        f"CASE WHEN {is_converted} THEN tax_rate IS NULL WHEN {is_known} THEN FALSE END AS is_tax_assumed",
    ]
    rows = f"SELECT * REPLACE ({', '.join(replaced)}) FROM ({rows})"
    profit = "coalesce(gross_profit_net, CAST(amount_net - cost_net AS DECIMAL(18,6)))"
    return f"SELECT * REPLACE ({profit} AS gross_profit_net) FROM ({rows})"


# --- identity ---------------------------------------------------------------------------------------------------------


def _identified(plan: FeedPlan, rows: str, key: Sequence[str]) -> tuple[str | None, str]:
    """The statement for `REPEATED`, and the rows with what it says and with their full key."""
    if plan.feed.distinct:
        return None, rows
    if plan.is_line_generated:
        return _repeated_lines(plan, rows), _with_line_ids(plan, rows)
    return _duplicate_keys(plan, rows, key), f"SELECT * FROM ({rows}) LEFT JOIN {REPEATED} USING ({', '.join(key)})"


def _content_md5(plan: FeedPlan) -> str:
    content = [name for name in plan.table.column_names if name in plan.slots and name not in plan.table.key_names]
    return f"md5({_row_text(content)})"


def _repeated_lines(plan: FeedPlan, rows: str) -> str:
    """Lines without a number whose content occurs more than once in their document: which occurrence each is."""
    same = ", ".join([*(quoted(name) for name in plan.table.key_names if name not in GENERATED_KEYS), "content_md5"])
    lines = (
        f"SELECT {same.removesuffix('content_md5')} {_content_md5(plan)} AS content_md5, raw_hash, source_row FROM "
        f"({rows})"
    )
    several = (
        f"SELECT {same}, list({{'source_row': source_row, 'raw_hash': raw_hash}}) AS lines FROM ({lines}) GROUP BY "
        f"{same} HAVING count(*) > 1"
    )
    return (
        f"SELECT line.source_row AS source_row, row_number() OVER (PARTITION BY {same} ORDER BY line.source_row) AS "
        f"occurrence, "
        f"row_number() OVER (PARTITION BY {same}, line.raw_hash ORDER BY line.source_row) > 1 AS is_repeated "
        f"FROM (SELECT {same}, unnest(lines) AS line FROM ({several}))"
    )


def _with_line_ids(plan: FeedPlan, rows: str) -> str:
    """Give lines without a number one: `~`, twelve hex digits over the line's content, and its occurrence in the
    document.
    """
    line = f"'~' || left({_content_md5(plan)}, 12) || '-' || coalesce(occurrence, 1)"
    rows = f"SELECT * FROM ({rows}) LEFT JOIN {REPEATED} USING (source_row)"
    return f"SELECT * REPLACE ({line} AS line_id, coalesce(is_repeated, FALSE) AS is_repeated) FROM ({rows})"


def _row_text(columns: Sequence[str]) -> str:
    """The content of a row as one text: values parted by U+001F, null told from empty by U+001E."""
    cells = [f"coalesce(CAST({quoted(name)} AS VARCHAR), chr(30))" for name in columns]
    return f"concat_ws(chr(31), {', '.join(cells)})" if cells else "''"


def _in_scope(plan: FeedPlan) -> str:
    tests = [plan.where] if plan.where is not None else []
    tests += [f"NOT {name}" for name, _ in plan.drops]
    return " AND ".join(tests) or "TRUE"


def _duplicate_keys(plan: FeedPlan, rows: str, key: Sequence[str]) -> str:
    own = {f.delivery_id.name, f.source_row.name}
    content = [name for name in plan.table.column_names if name not in own]
    unreadable = "".join(f", u{number}" for number in sorted(set(plan.slots.values())))
    deleted = f", {plan.deleted}" if plan.deleted is not None else ""
    is_complete = " AND ".join(f"{name} IS NOT NULL" for name in key)
    whole = f"concat_ws(chr(31), {_row_text(content)}{unreadable}{deleted})"
    scoped = f"SELECT * FROM ({rows}) WHERE {_in_scope(plan)} AND {is_complete}"
    repeated = f"SELECT {', '.join(key)} FROM ({scoped}) GROUP BY ALL HAVING count(*) > 1"
    again = (
        f"SELECT {', '.join(key)}, {whole} AS whole, source_row FROM ({scoped}) SEMI JOIN ({repeated}) USING "
        f"({', '.join(key)})"
    )
    return (
        f"SELECT {', '.join(key)}, min(whole) <> max(whole) AS is_conflict, min(source_row) AS first_row FROM "
        f"({again}) "
        f"GROUP BY {', '.join(key)}"
    )


# --- rules and outcome ------------------------------------------------------------------------------------------------


def _identifier_slots(file_plan: FilePlan, plan: FeedPlan) -> list[int]:
    return sorted({n for n in plan.slots.values() if file_plan.slots[n].column.type.name == IDENTIFIER.name})


def _row_context(file_plan: FilePlan, plan: FeedPlan, context: FeedContext) -> RowContext:
    unreadable = {name: f"u{number}" for name, number in plan.slots.items()}
    has_duplicates = not plan.is_line_generated and not plan.feed.distinct
    return RowContext(
        delivered=context.delivered,
        reporting_currency=context.reporting_currency,
        rates=context.rates,
        unreadable=unreadable,
        scientific=" OR ".join(f"s{number}" for number in _identifier_slots(file_plan, plan)) or "FALSE",
        surplus="has_surplus",
        duplicate="is_conflict" if has_duplicates else "FALSE",
    )


def _flagged(plan: FeedPlan, rows: str, rules: Sequence[RowRule], key: Sequence[str]) -> str:
    flags = ", ".join(f"{rule.condition} AS {quoted(rule.flag)}" for rule in rules)
    rows = f"SELECT *, {flags} FROM ({rows})"
    putting_aside = [rule for rule in rules if rule.severity == QUARANTINING]
    whens = [f"WHEN NOT {plan.where} THEN 'unmapped'"] if plan.where is not None else []
    whens += [f"WHEN {name} THEN 'dropped'" for name, _ in plan.drops]
    whens += [f"WHEN {quoted(rule.flag)} THEN 'quarantined'" for rule in putting_aside]
    reasons = [f"WHEN NOT {plan.where} THEN '{NOT_SELECTED}'"] if plan.where is not None else []
    reasons += [f"WHEN {name} THEN {literal(reason)}" for name, reason in plan.drops]
    reasons += [f"WHEN {quoted(rule.flag)} THEN {literal(rule.name)}" for rule in putting_aside]
    merged, merged_reason, kept_reason = _merging(plan)
    outcome = f"CASE {' '.join(whens)} {merged} ELSE 'accepted' END"
    reason = f"CASE {' '.join(reasons)} {merged_reason} ELSE {kept_reason} END"
    rows = f"SELECT *, {outcome} AS outcome, {reason} AS reason FROM ({rows})"
    if plan.feed.distinct:
        rows = _first_of_each_key(rows, key)
    contract = [quoted(name) for name in plan.table.column_names]
    contract += [f"{plan.deleted} AS {DELETED_COLUMN}"] if plan.deleted is not None else []
    contract += ["label_date"] if plan.label_date is not None else []
    names = [quoted(rule.flag) for rule in rules]
    return (
        f"SELECT {', '.join([*contract, *names])}, outcome IN ('dropped', 'unmapped') AS is_dropped, outcome, reason "
        f"FROM ({rows})"
    )


def _merging(plan: FeedPlan) -> tuple[str, str, str]:
    """CASE branches for rows another row stands for, and the reason of those that are kept."""
    if plan.feed.distinct:
        return "", "", "''"
    if not plan.is_line_generated:
        is_further = "first_row IS NOT NULL AND source_row <> first_row"
        return f"WHEN {is_further} THEN 'merged_into_key'", f"WHEN {is_further} THEN '{SAME_CONTENT}'", "''"
    if plan.feed.duplicates == "drop":
        return "WHEN is_repeated THEN 'merged_into_key'", f"WHEN is_repeated THEN '{REPEATED_LINE}'", "''"
    return "", "", f"CASE WHEN is_repeated THEN '{REPEATED_LINE}' ELSE '' END"


def _first_of_each_key(rows: str, key: Sequence[str]) -> str:
    first = f"source_row = min(source_row) OVER (PARTITION BY {', '.join(key)}, outcome)"
    rows = f"SELECT *, {first} AS is_first FROM ({rows})"
    is_further = "outcome = 'accepted' AND NOT is_first"
    return (
        f"SELECT * REPLACE (CASE WHEN {is_further} THEN 'merged_into_key' ELSE outcome END AS outcome, "
        f"CASE WHEN {is_further} THEN '{SAME_KEY}' ELSE reason END AS reason) FROM ({rows})"
    )


# --- one row per key --------------------------------------------------------------------------------------------------


def _attributes(plan: FeedPlan) -> list[str]:
    outside = {*plan.table.key_names, *WRITTEN_BY_US}
    return [name for name in plan.table.column_names if name not in outside]


def _one_row_per_key(plan: FeedPlan, key: Sequence[str]) -> str:
    """Distinct feeds: constant columns as they are, labels by the newest row (then the smallest text), others null."""
    cells = []
    for column in plan.table.columns:
        name = quoted(column.name)
        if column.name in plan.table.key_names:
            cells.append(name)
        elif column.name == f.source_row.name or column.name == f.delivery_id.name or column.name not in plan.slots:
            cells.append(f"min({name}) AS {name}")
        elif column.is_label:
            newest = "label_date DESC NULLS LAST, " if plan.label_date is not None else ""
            cells.append(f"first({name} ORDER BY {newest}{name}) FILTER (WHERE {name} IS NOT NULL) AS {name}")
        else:
            cells.append(f"CASE WHEN min({name}) = max({name}) THEN min({name}) END AS {name}")
    if plan.deleted is not None:
        cells.append(f"bool_and({DELETED_COLUMN}) AS {DELETED_COLUMN}")
    kept = "outcome IN ('accepted', 'merged_into_key')"
    return f"SELECT {', '.join(cells)} FROM {{flagged}} WHERE {kept} GROUP BY {', '.join(key)}"
