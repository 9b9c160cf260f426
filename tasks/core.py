"""Core: the facts as of a day, a pure function of the deliveries known.

May import: `config`, `schemas`, `tasks.conformed`, `tasks.exact`, `tasks.in_force`. Tables in, table out: nothing
here runs a query (`tasks/build.py` does).

Two dates rule (design.md §3): `known_at` says which deliveries may be used, `as_of` is the day that is judged. Which
files count `tasks.in_force` settles; here which of their rows, by mode, then which of their columns (R8): fixed columns
may be read on any day, a column dated by another is null before that date, a current one is null on days before its
delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from kehu.config.errors import InputError
from kehu.config.policy import RATE_DECIMALS, Policy
from kehu.schemas import fields as f
from kehu.schemas.model import Table, TimeKind
from kehu.schemas.rendering import arrow_schema
from kehu.tasks import exact
from kehu.tasks.conformed import ACCEPTED_FILE, DELETED_COLUMN
from kehu.tasks.in_force import ConformedFile, delivery_order, files_in_force

IS_DESCRIBED = "is_described"
"""Added to entities without event date: true where the row stands in a delivery made up to as_of, so that its current
columns may be read."""

FILE_ORDER = "file_order"
"""Position of a row's file among the files given, by `tasks.in_force.delivery_order`."""

_PATH = "filename"
_GROUP = "file_group"
_BY_AS_OF = "is_delivered_by_as_of"
_DAY_ORDER = "day_order"
_PARTITION = "partition_column"
_REPLACED = "is_replaced"
_NEWEST = "is_newest"
_NOT_PARTITIONED = ""


# --- rows of an entity as of a day ------------------------------------------------------------------------------------


def entity_as_of(
    backend: Backend, table: Table, files: Sequence[ConformedFile], *, home: Path, as_of: date, known_at: date
) -> ir.Table:
    """The rows of an entity that hold on `as_of`, as far as known on `known_at`: one row per contract key.

    Rule: rows in force by mode (see `files_in_force`; `append` and `upsert`: newest delivery per key, deleted keys
    gone; `partition`: newest delivery per value of the partition column, months for a date); then rows dated after
    as_of are left out; then columns by their time (R8).

    Units and shape: the contract's columns; entities without event date carry `is_described` beside. Of those, what was
    in force on as_of gives the current columns, what is known on known_at the fixed ones and the names; keys known only
    from later deliveries stand there with their current columns null.

    Edges: no delivery gives an empty table; an event-dated value without its date is treated as current; one key in
    several file mappings: the newest row of an event, column by column the newest value of an entity without event
    date.
    """
    of_entity = [file for file in files if file.entity == table.name]
    known = files_in_force(of_entity, known_at)
    if not known:
        return _empty(table)
    rows = _rows_in_force(backend, table, known, home=home, as_of=as_of)
    if table.event_date is not None:
        rows = rows.filter(rows[table.event_date.name] <= _day(as_of))
        return _masked(table, rows, as_of).select(*table.column_names)
    newest = _state(table, rows, known, as_of)
    past = files_in_force(of_entity, min(as_of, known_at))
    if not past or all(file.delivered_date <= as_of for file in known):
        return newest
    described = _state(table, _rows_in_force(backend, table, past, home=home, as_of=as_of), past, as_of)
    return _state_of_two_days(table, newest, described)


def rows_with_outcome(
    backend: Backend, table: Table, files: Sequence[ConformedFile], *, home: Path, as_of: date
) -> ir.Table:
    """Every accepted row of the files in force with its `outcome` in this run, for the account of the night.

    Columns: `file_order`, `outcome` (accepted, later_than_as_of, merged_into_key, dropped), `reason` (empty,
    `newer_delivery` or `deleted_in_source`), and the entity's measures.
    """
    rows = _ranked(backend, table, files, home=home, as_of=as_of)
    is_later = (rows[table.event_date.name] > _day(as_of)).fill_null(False) if table.event_date else ibis.literal(False)
    outcome = ibis.cases(
        (~rows[_NEWEST], "merged_into_key"),
        (rows[DELETED_COLUMN], "dropped"),
        (is_later, "later_than_as_of"),
        else_="accepted",
    )
    reason = ibis.cases((~rows[_NEWEST], "newer_delivery"), (rows[DELETED_COLUMN], "deleted_in_source"), else_="")
    return rows.select(FILE_ORDER, *(column.name for column in table.measure), outcome=outcome, reason=reason)


def vanished_keys(
    backend: Backend, table: Table, before: Sequence[ConformedFile], now: Sequence[ConformedFile], *, home: Path
) -> ir.Table:
    """The contract keys that stand in the files `before` and not in the files `now`, once each."""
    keys = list(table.key_names)
    old, new = (_read_parquet(backend, files, home).select(*keys) for files in (before, now))
    return old.anti_join(new, keys).distinct()


def _rows_in_force(
    backend: Backend, table: Table, files: Sequence[ConformedFile], *, home: Path, as_of: date
) -> ir.Table:
    rows = _ranked(backend, table, files, home=home, as_of=as_of)
    return rows.filter(rows[_NEWEST] & ~rows[DELETED_COLUMN])


def _ranked(backend: Backend, table: Table, files: Sequence[ConformedFile], *, home: Path, as_of: date) -> ir.Table:
    """All rows of the files; `is_newest` is true for the one that counts of each key."""
    rows = _read(backend, table, files, home=home, as_of=as_of)
    if len(files) == 1:
        return rows.mutate(**{_NEWEST: ibis.literal(True)})
    rows = rows.mutate(**{_REPLACED: _is_replaced(table, rows, files)})
    # An event stands once, whichever mapping told of it; a state is put together from its mappings, column by column.
    by = [*table.key_names, *([] if table.event_date else [_GROUP])]
    order = [rows[_REPLACED].asc(), rows[FILE_ORDER].desc(), rows[f.source_row.name].desc()]
    position = ibis.row_number().over(ibis.window(group_by=by, order_by=order))
    return rows.mutate(**{_NEWEST: (position == 0) & ~rows[_REPLACED]})


def _is_replaced(table: Table, rows: ir.Table, files: Sequence[ConformedFile]) -> ir.BooleanValue:
    """True where a later delivery of the same mapping brought the row's partition anew."""
    columns = sorted({_partition_of(file) for file in files} - {_NOT_PARTITIONED})
    if not columns:
        return ibis.literal(False)
    values = [(rows[_PARTITION] == name, _partition_value(rows[name])) for name in map(_known_column(table), columns)]
    value = ibis.cases(*values)
    newest_day = rows[_DAY_ORDER].max().over(ibis.window(group_by=[rows[_GROUP], value]))
    return (rows[_PARTITION] != _NOT_PARTITIONED) & (rows[_DAY_ORDER] < newest_day)


def _partition_value(column: ir.Value) -> ir.StringValue:
    return column.truncate("M").cast("string") if column.type().is_date() else column.cast("string")


def _partition_of(file: ConformedFile) -> str:
    is_by_row = file.mode == "partition" and file.partition_value is None
    return file.partition or _NOT_PARTITIONED if is_by_row else _NOT_PARTITIONED


def _known_column(table: Table) -> Callable[[str], str]:
    def known(name: str) -> str:
        return table.column(name).name

    return known


def _read(backend: Backend, table: Table, files: Sequence[ConformedFile], *, home: Path, as_of: date) -> ir.Table:
    ordered = sorted(files, key=delivery_order)
    rows = _read_parquet(backend, ordered, home)
    if DELETED_COLUMN in rows.columns:
        rows = rows.mutate(**{DELETED_COLUMN: rows[DELETED_COLUMN].fill_null(False)})
    else:
        rows = rows.mutate(**{DELETED_COLUMN: ibis.literal(False)})
    days = sorted({file.delivered_date for file in ordered})
    groups = sorted({(file.system, file.file_mapping) for file in ordered})
    about = pa.table(
        {
            _PATH: pa.array([_path(file, home) for file in ordered], pa.string()),
            FILE_ORDER: pa.array(range(len(ordered)), pa.int64()),
            _DAY_ORDER: pa.array([days.index(file.delivered_date) for file in ordered], pa.int64()),
            _GROUP: pa.array([groups.index((file.system, file.file_mapping)) for file in ordered], pa.int64()),
            _PARTITION: pa.array([_partition_of(file) for file in ordered], pa.string()),
            _BY_AS_OF: pa.array([file.delivered_date <= as_of for file in ordered], pa.bool_()),
        }
    )
    if len(ordered) == 1:
        facts = {name: ibis.literal(about[name][0].as_py()) for name in about.column_names if name != _PATH}
        return rows.mutate(**facts).drop(_PATH)
    return rows.join(ibis.memtable(about), _PATH).drop(_PATH)


def _read_parquet(backend: Backend, files: Sequence[ConformedFile], home: Path) -> ir.Table:
    paths = [_path(file, home) for file in files]
    return backend.read_parquet(paths, filename=True, union_by_name=True, hive_partitioning=False)


def _path(file: ConformedFile, home: Path) -> str:
    return str(home.joinpath(file.directory, ACCEPTED_FILE))


def _empty(table: Table) -> ir.Table:
    schema = arrow_schema(table)
    empty = ibis.memtable(pa.table({name: pa.array([], schema.field(name).type) for name in table.column_names}))
    return empty if table.event_date else empty.mutate(**{IS_DESCRIBED: ibis.literal(False)})


# --- columns by their time (R8) ---------------------------------------------------------------------------------------


def _masked(table: Table, rows: ir.Table, as_of: date) -> ir.Table:
    """Current columns null in rows delivered after as_of, event-dated ones null before their date."""
    by_as_of = rows[_BY_AS_OF]
    masks: dict[str, ir.Value] = {}
    for column in table.columns:
        value = rows[column.name]
        if column.time is TimeKind.CURRENT:
            masks[column.name] = ibis.ifelse(by_as_of, value, ibis.null(value.type()))
        if column.time is TimeKind.EVENT_DATED:
            dated = rows[str(column.dated_by)]
            is_true_yet = (dated <= _day(as_of)) | (dated.isnull() & by_as_of)
            masks[column.name] = ibis.ifelse(is_true_yet, value, ibis.null(value.type()))
    return rows.mutate(**masks)


def _state(table: Table, rows: ir.Table, files: Sequence[ConformedFile], as_of: date) -> ir.Table:
    """One row per key: of several mappings, each column from the newest that gives it."""
    rows = _masked(table, rows, as_of)
    if len({(file.system, file.file_mapping) for file in files}) == 1:
        return rows.select(*table.column_names, **{IS_DESCRIBED: rows[_BY_AS_OF]})
    newest_first = [rows[FILE_ORDER].desc(), rows[f.source_row.name].desc()]
    others = [name for name in table.column_names if name not in table.key_names]
    given = {name: rows[name].first(where=rows[name].notnull(), order_by=newest_first) for name in others}
    merged = rows.group_by(list(table.key_names)).aggregate(**given, **{IS_DESCRIBED: rows[_BY_AS_OF].any()})
    return merged.select(*table.column_names, IS_DESCRIBED)


def _state_of_two_days(table: Table, known: ir.Table, past: ir.Table) -> ir.Table:
    """Fixed columns and names as known last, current ones as in force on as_of; keys of either."""
    both = known.outer_join(past, list(table.key_names), rname="{name}_past")
    # Ibis folds what is computed on a join into the join, and then cannot join the result again: columns come first.
    both = both.select(*both.columns)
    columns: dict[str, ir.Value] = {}
    for column in table.columns:
        last, then = both[column.name], both[f"{column.name}_past"]
        columns[column.name] = then if column.time is TimeKind.CURRENT else ibis.coalesce(last, then)
    return both.select(**columns, **{IS_DESCRIBED: both[f"{IS_DESCRIBED}_past"].fill_null(False)})


def _day(day: date) -> ir.DateScalar:
    return ibis.literal(day)


# --- merged customers and groups --------------------------------------------------------------------------------------

ALIAS_COLUMNS = (
    f.source.name, f.company_id.name, f.old_customer_id.name, f.customer_id.name, f.from_date.name,
)  # fmt: skip
"""What `final_customers` takes of an alias row."""

Code = tuple[str, str, str]
"""Source, company and customer code."""


def final_customers(statements: Iterable[tuple[str, str, str, str, date]]) -> dict[Code, str]:
    """Which customer each former code counts for, after following chains of merges to their end.

    Args:
        statements: (source, company, former code, code, from date), all in force on the judged day. Of several for one
            former code the newest counts; a code that names itself stands for itself again (a merge taken back).

    Raises:
        InputError: the merges go round in a circle (code `customer_alias_cycle`).
    """
    newest: dict[Code, str] = {}
    for source, company, former, code, _ in sorted(statements, key=lambda said: (said[4], said[3])):
        newest[(source, company, former)] = code
    final, circular = _followed(newest)
    if circular:
        raise InputError(
            "Merged customers go round in a circle: no code is the last.",
            code="customer_alias_cycle",
            column=f.old_customer_id.name,
            rule="merges_end",
            count=len(circular),
            keys=circular,
            hint="mend the exported merges, or take one of them out with a correction",
        )
    return final


def group_tops(heads: Mapping[Code, str]) -> dict[Code, str]:
    """The top of each customer's group, however many levels up; who stands at the top himself is left out.

    Args:
        heads: the head office of each customer that has one, after merges. A customer that is its own head office is
            a top.

    Raises:
        InputError: the head offices go round in a circle (code `customer_group_cycle`).
    """
    tops, circular = _followed(heads)
    if circular:
        raise InputError(
            "Head offices go round in a circle: the group has no top.",
            code="customer_group_cycle",
            column=f.parent_customer_id.name,
            rule="groups_have_a_top",
            count=len(circular),
            keys=circular,
            hint="mend the head offices in the customer master or with a correction, or judge by another party.scored",
        )
    return tops


def _followed(steps: Mapping[Code, str]) -> tuple[dict[Code, str], list[str]]:
    """Where a chain of codes ends, for each code that leads to another; and the codes whose chain never ends."""
    steps = {code: following for code, following in steps.items() if code[2] != following}
    last: dict[Code, str] = {}
    circular: list[str] = []
    for start in sorted(steps):
        met = {start}
        at = start
        while at in steps and (following := (*start[:2], steps[at])) not in met:
            at = following
            met.add(at)
        if at in steps:
            circular.append(start[2])
        else:
            last[start] = at[2]
    return last, circular


def merges_table(final: Mapping[Code, str]) -> ir.Table:
    """Former codes as a table: source, company_id, old_customer_id, final_customer_id."""
    return _codes_table(final, f.old_customer_id.name, _FINAL)


def groups_table(tops: Mapping[Code, str]) -> ir.Table:
    """Customers under the top of a group as a table: source, company_id, customer_id, top_customer_id."""
    return _codes_table(tops, f.customer_id.name, TOP)


def _codes_table(codes: Mapping[Code, str], from_name: str, to_name: str) -> ir.Table:
    rows = sorted((*code, last) for code, last in codes.items())
    names = (f.source.name, f.company_id.name, from_name, to_name)
    return ibis.memtable(
        pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)})
    )


_FINAL = "final_customer_id"

TOP = "top_customer_id"
"""Column of `groups_table`: the top of the customer's group."""


def with_merges(rows: ir.Table, merges: ir.Table, *columns: str) -> ir.Table:
    """The rows with the customer codes in `columns` replaced by the customer they count for."""
    names = rows.columns
    for column in columns:
        on = [f.source.name, f.company_id.name, (column, f.old_customer_id.name)]
        joined = rows.left_join(merges, on, rname="merge_{name}")
        rows = joined.mutate(**{column: ibis.coalesce(joined[_FINAL], joined[column])}).select(*names)
    return rows


# --- sales ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rate:
    """The value of one unit of a foreign currency in the reporting currency, for documents of some days.

    Attributes:
        currency: the foreign currency.
        from_date: first day, inclusive.
        until_date: first day on which it no longer holds; None = holds on.
        value: reporting currency for one unit.
    """

    currency: str
    from_date: date
    until_date: date | None
    value: Decimal


def dated_rates(values: Sequence[tuple[date, Mapping[str, Decimal] | None]]) -> tuple[Rate, ...]:
    """The dated lists of policy `currency.rates` as spans: each list holds until the next, and lists all it knows."""
    ordered = sorted(values, key=lambda dated: dated[0])
    ends = [*(first_day for first_day, _ in ordered[1:]), None]
    return tuple(
        Rate(currency, first_day, end, value)
        for (first_day, listed), end in zip(ordered, ends, strict=True)
        for currency, value in sorted((listed or {}).items())
    )


@dataclass(frozen=True)
class SalesRules:
    """What counts as sales, and for whom.

    Attributes:
        basis: document type that counts (policy `sales.basis`).
        basis_by_system: document type of systems whose source mapping says otherwise (`sales_basis`).
        scored_party: `account`, `bill_to` or `group` (policy `party.scored`).
        internal_customer_ids: codes of our own companies (policy `party.internal_customer_ids`).
        reporting_currency: currency of all amounts in marts.
        rates: dated rates of foreign currencies (policy `currency.rates`).
    """

    basis: str
    scored_party: str
    reporting_currency: str
    basis_by_system: Mapping[str, str] = field(default_factory=dict)
    internal_customer_ids: tuple[str, ...] = ()
    rates: tuple[Rate, ...] = ()

    @classmethod
    def from_policy(cls, policy: Policy, *, reporting_currency: str, basis_by_system: Mapping[str, str]) -> SalesRules:
        """The rules in force.

        Raises:
            PolicyBlank: a policy value they need is blank.
        """
        return cls(
            basis=policy.value("sales.basis"),
            scored_party=policy.value("party.scored"),
            reporting_currency=reporting_currency,
            basis_by_system=dict(basis_by_system),
            internal_customer_ids=tuple(policy.value("party.internal_customer_ids")),
            rates=dated_rates([(dated.from_date, dated.value) for dated in policy.dated_values("currency.rates")]),
        )


def sales_bases(rules: SalesRules) -> str:
    """The document types that count as sales, as skipped marts name them: the policy's and those of source mappings."""
    return ", ".join(sorted({rules.basis, *rules.basis_by_system.values()}))


def sales_documents(lines: ir.Table, merges: ir.Table) -> ir.Table:
    """Every sales line known and dated up to as_of, whatever its type and status, under the customers' final codes.

    `account_customer_id` is the customer on the document, `ship_to_customer_id` the one the goods went to (the same
    where the export has only one), `is_in_force` false for drafts and cancelled documents (no status counts as
    approved).
    """
    status = lines[f.document_status.name]
    lines = lines.mutate(
        account_customer_id=lines[f.customer_id.name],
        ship_to_customer_id=ibis.coalesce(lines[f.ship_to_customer_id.name], lines[f.customer_id.name]),
        is_in_force=(status == "approved").fill_null(True),
    ).drop(f.customer_id.name)
    return with_merges(lines, merges, "account_customer_id", f.ship_to_customer_id.name)


def sales_facts(documents: ir.Table, customers: ir.Table, rules: SalesRules) -> ir.Table:
    """The sales lines that count, in one currency, each with the customer it is scored under.

    Rule: document type of the source's basis, in force; `customer_id` is the party scored (`scored_customer_id` of
    `dim_customer`); `amount` is the net amount where known (`tax_basis` net), else the amount of unknown tax basis
    (`unknown`); `gross_profit` as delivered, else net amount − cost; foreign amounts times the rate in force on the
    document's date.

    Units and shape: one row per line; amounts DECIMAL(38, 6) in the reporting currency.

    Edges: no cost and no profit: `gross_profit` null, never zero; a foreign amount without rate is null; conform always
    fills the net amount where the tax basis is known, so a line with a gross amount alone is net and null.
    """
    basis = ibis.cases(
        *((documents[f.source.name] == system, kind) for system, kind in sorted(rules.basis_by_system.items())),
        (ibis.literal(True), rules.basis),
    )
    lines = documents.filter(documents["is_in_force"] & (documents[f.document_type.name] == basis))
    lines = with_rate(lines, rules, f.document_date.name)
    net, unknown = lines[f.amount_net.name], lines[f.amount_tax_unknown.name]
    is_unknown = net.isnull() & unknown.notnull()
    profit_net = ibis.coalesce(
        exact.widened(lines[f.gross_profit_net.name]), exact.widened(net) - exact.widened(lines[f.cost_net.name])
    )
    profit = ibis.ifelse(is_unknown, exact.widened(lines[f.gross_profit_tax_unknown.name]), profit_net)
    amount = exact.widened(ibis.ifelse(is_unknown, unknown, net))
    lines = lines.mutate(
        tax_basis=ibis.ifelse(is_unknown, "unknown", "net"),
        amount=converted(amount, lines, rules),
        gross_profit=converted(profit, lines, rules),
    )
    return with_scored_party(lines, customers).select(
        *(column.name for column in _KEPT_OF_LINES), "account_customer_id", f.tax_basis.name, "amount", "gross_profit"
    )


_KEPT_OF_LINES = (
    f.source, f.company_id, f.customer_id, f.ship_to_customer_id, f.document_type, f.document_id, f.line_id,
    f.document_date, f.order_id, f.product_id, f.line_kind, f.return_of_document_id, f.quantity,
)  # fmt: skip

READ_OF_DOCUMENTS = (f.source, f.company_id, f.customer_id, f.ship_to_customer_id, f.document_date, f.document_status)
"""What of a sales line says who is a customer, and since when."""

READ_OF_LINES = (
    *_KEPT_OF_LINES, f.document_status, f.currency, f.amount_net, f.amount_tax_unknown, f.cost_net, f.gross_profit_net,
    f.gross_profit_tax_unknown,
)  # fmt: skip
"""What `sales_facts` reads of a sales line."""


# --- party and currency of any fact -----------------------------------------------------------------------------------


def with_accounts(rows: ir.Table, merges: ir.Table) -> ir.Table:
    """Rows of an entity with `account_customer_id`, the final code of the customer on the row, for `customer_id`."""
    account = rows.mutate(account_customer_id=rows[f.customer_id.name]).drop(f.customer_id.name)
    return with_merges(account, merges, "account_customer_id")


def with_scored_party(rows: ir.Table, customers: ir.Table) -> ir.Table:
    """The rows with `customer_id`, the party under which their `account_customer_id` is scored (see `dim_customer`)."""
    keys = (f.source.name, f.company_id.name)
    party = customers.select(
        *keys, account_customer_id=customers[f.customer_id.name], party_id=customers[f.scored_customer_id.name]
    )
    joined = rows.left_join(party, [*keys, "account_customer_id"], rname="of_party_{name}")
    # Columns come before what is computed of them, or Ibis could not join the result again.
    joined = joined.select(*rows.columns, "party_id")
    scored = joined.mutate(customer_id=ibis.coalesce(joined["party_id"], joined["account_customer_id"]))
    return scored.drop("party_id")


_RATE = "exchange_rate"


def with_rate(rows: ir.Table, rules: SalesRules, day: str) -> ir.Table:
    """The rows with the rate of their currency in force on the date in column `day`, for `converted`."""
    if not rules.rates:
        return rows
    rates = ibis.memtable(_rate_spans(rules.rates))
    date_, currency = rows[day], rows[f.currency.name]
    in_force = (currency == rates["rate_currency"]) & (date_ >= rates["rate_from"]) & (date_ < rates["rate_until"])
    return rows.left_join(rates, in_force)


def _rate_spans(rates: Sequence[Rate]) -> pa.Table:
    return pa.table(
        {
            "rate_currency": pa.array([rate.currency for rate in rates], pa.string()),
            "rate_from": pa.array([rate.from_date for rate in rates], pa.date32()),
            "rate_until": pa.array([rate.until_date or date.max for rate in rates], pa.date32()),
            _RATE: pa.array([rate.value for rate in rates], pa.decimal128(exact.WIDEST, RATE_DECIMALS)),
        }
    )


def converted(amount: ir.DecimalValue, rows: ir.Table, rules: SalesRules) -> ir.DecimalValue:
    """An amount of rows `with_rate` in the reporting currency; null where no rate is in force (no currency is ours)."""
    is_ours = (rows[f.currency.name] == rules.reporting_currency).fill_null(True)
    if not rules.rates:
        return ibis.ifelse(is_ours, amount, ibis.null(amount.type()))
    return ibis.ifelse(is_ours, amount, exact.half_even(exact.product(amount, rows[_RATE]), 6))
