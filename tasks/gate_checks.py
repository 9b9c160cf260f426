"""What the gate asks of tonight's batch: every expectation of an entity with the relation that answers it.

May import: `config`, `schemas`, `tasks.row_rules`, `tasks.conformed`, `tasks.in_force`. Nothing is judged here: a check
names the things asked about (rows, keys, files, totals rows), one boolean each, and where the keys of the broken ones
are found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from kehu.config.errors import MOST_KEYS_SHOWN
from kehu.schemas import expectations as asked
from kehu.schemas.expectations import Expectation, ExpectationKind
from kehu.schemas.model import Table
from kehu.schemas.rendering import literal, quoted
from kehu.schemas.tables import CUSTOMER, CUSTOMER_ALIAS, entity_named
from kehu.tasks.conformed import ACCEPTED_FILE, FLAGGED_FILE
from kehu.tasks.in_force import delivery_order, files_in_force
from kehu.tasks.row_rules import FLAG_PREFIX, key_text

if TYPE_CHECKING:
    import duckdb

    from kehu.config.policy import Policy
    from kehu.tasks.conformed import Conformed

_NOTHING_TOLERATED = Decimal(0)
_SIX_PLACES = Decimal("0.000001")


@dataclass(frozen=True)
class Check:
    """One expectation with its tolerance and what answers it.

    Attributes:
        expectation: what is asked.
        tolerance: largest share of broken things that passes, inclusive.
        relation: DuckDB SQL that can stand after FROM: one row per thing asked about.
        broken: boolean SQL over the relation: true = broken, null = not asked of this one.
        keys: the keys of what is broken, smallest first; or a query that selects them as `key` in that order.
        observed: what was seen, where it is not a count; only for rules that are broken.
    """

    expectation: Expectation
    tolerance: Decimal
    relation: str
    broken: str
    keys: str | tuple[str, ...]
    observed: str | None = None


@dataclass(frozen=True)
class Batch:
    """Tonight's files of one entity, and what they are held against.

    Attributes:
        table: the entity.
        files: the conformed files of tonight, in order.
        known: every conformed file that may be used, tonight's included.
        home: the folder the receipts' directories lie in.
        policy: the policy in force.
        as_of: the day that is judged.
    """

    table: Table
    files: tuple[Conformed, ...]
    known: tuple[Conformed, ...]
    home: Path
    policy: Policy
    as_of: date

    @property
    def flagged(self) -> str:
        """All data rows of tonight that were not dropped, with their flags."""
        return f"(SELECT * FROM {_read(self.home, self.files, FLAGGED_FILE)} WHERE NOT is_dropped)"

    @property
    def accepted(self) -> str:
        """Tonight's accepted rows, with the file each lies in."""
        return _read(self.home, self.files, ACCEPTED_FILE)


def checks_of(con: duckdb.DuckDBPyConnection, batch: Batch) -> tuple[Check, ...]:
    """Everything that can be asked of the batch, in the order of the contract.

    Row rules are asked where conform evaluated them (a column that no file has cannot be wrong); references where the
    source delivers the entity pointed at; totals, conflicts and notes where there are any.
    """
    checks = [*_row_checks(con, batch), _key_check(batch), *_reference_checks(batch), *_file_checks(batch)]
    order = {expectation.rule: place for place, expectation in enumerate(asked.expectations_of(batch.table))}
    return tuple(
        sorted(checks, key=lambda check: (order.get(check.expectation.rule, len(order)), check.expectation.rule))
    )


# --- rows -------------------------------------------------------------------------------------------------------------


def _row_checks(con: duckdb.DuckDBPyConnection, batch: Batch) -> Iterator[Check]:
    columns = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {batch.flagged}").fetchall()]
    foreseen = {expectation.rule: expectation for expectation in asked.row_expectations(batch.table)}
    sentences = {broken.rule: broken.sentence for file in batch.files for broken in file.broken_rules}
    for column in columns:
        if not column.startswith(FLAG_PREFIX):
            continue
        rule = column.removeprefix(FLAG_PREFIX)
        expectation = foreseen.get(rule) or asked.unforeseen_row_expectation(
            batch.table.name, rule, sentences.get(rule, f"no row breaks `{rule}`")
        )
        flag = quoted(column)
        keys = f"SELECT DISTINCT {key_text(batch.table)} AS key FROM {batch.flagged} WHERE {flag} ORDER BY key"
        yield Check(expectation, _row_tolerance(batch, expectation), batch.flagged, flag, keys)


def _row_tolerance(batch: Batch, expectation: Expectation) -> Decimal:
    """The policy's tolerance, or the feed's own; over several feeds their mean, weighted by rows."""
    key = expectation.tolerance_key
    shipped = Decimal(batch.policy.value(key)) if key else _NOTHING_TOLERATED
    weighted = [(Decimal(file.tolerances.get(expectation.rule, shipped)), _rows_judged(file)) for file in batch.files]
    rows = sum(count for _, count in weighted)
    if len({tolerance for tolerance, _ in weighted}) == 1 or not rows:
        return weighted[0][0]
    allowed = sum((tolerance * count for tolerance, count in weighted), Decimal(0))
    return (allowed / rows).quantize(_SIX_PLACES, ROUND_DOWN)


def _rows_judged(file: Conformed) -> int:
    return file.rows_accepted + file.rows_merged + file.rows_quarantined


# --- keys and references among the accepted rows ----------------------------------------------------------------------


def _key_check(batch: Batch) -> Check:
    expectation = _expectation(batch.table, ExpectationKind.KEY)
    names = ", ".join(quoted(name) for name in batch.table.key_names)
    keys = (
        f"(SELECT {names}, min(source_row) AS source_row, count(*) > 1 AS is_repeated"
        f" FROM {batch.accepted} GROUP BY {names}, filename)"
    )
    repeated = f"SELECT DISTINCT {key_text(batch.table)} AS key FROM {keys} WHERE is_repeated ORDER BY key"
    return Check(expectation, _NOTHING_TOLERATED, keys, "is_repeated", repeated)


def _reference_checks(batch: Batch) -> Iterator[Check]:
    for expectation in asked.expectations_of(batch.table):
        entity, column = expectation.refers_to, expectation.column
        if entity is None or column is None:
            continue
        delivering = {file.system for file in batch.known if file.entity == entity}
        files = [file for file in batch.files if file.system in delivering]
        if files:
            tolerance = Decimal(batch.policy.value(asked.REFERENCE_TOLERANCE))
            pointing = _pointing_rows(batch, files, quoted(column), entity)
            unknown = f"SELECT DISTINCT id AS key FROM {pointing} WHERE is_unknown ORDER BY key"
            yield Check(expectation, tolerance, pointing, "is_unknown", unknown)


def _pointing_rows(batch: Batch, files: Sequence[Conformed], column: str, entity: str) -> str:
    """Accepted rows whose referring column is filled, with whether the entity lacks that code."""
    return (
        f"(SELECT pointing.{column} AS id, known.id IS NULL AS is_unknown"
        f" FROM {_read(batch.home, files, ACCEPTED_FILE)} AS pointing"
        f" LEFT JOIN {_known_ids(batch, entity)} AS known ON known.source = pointing.source"
        f" AND known.company_id = pointing.company_id AND known.id = pointing.{column}"
        f" WHERE pointing.{column} IS NOT NULL)"
    )


def _known_ids(batch: Batch, entity: str) -> str:
    """The codes of an entity in all deliveries known; merged customers' former codes are codes too."""
    files = files_in_force((file for file in batch.known if file.entity == entity), date.max)
    own_key = entity_named(entity).key_names[-1]
    delivered = f"SELECT source, company_id, {quoted(own_key)} AS id FROM {_read(batch.home, files, ACCEPTED_FILE)}"
    aliases = [file for file in batch.known if file.entity == CUSTOMER_ALIAS.name]
    if entity != CUSTOMER.name or not aliases:
        return f"(SELECT DISTINCT * FROM ({delivered}))"
    former = f"SELECT source, company_id, old_customer_id AS id FROM {_read(batch.home, aliases, ACCEPTED_FILE)}"
    return f"({delivered} UNION {former})"


def _read(home: Path, files: Sequence[Conformed], name: str) -> str:
    paths = sorted({str(home / file.directory / name) for file in files})
    return f"read_parquet([{', '.join(literal(path) for path in paths)}], union_by_name = true, filename = true)"


# --- files, totals, history -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fact:
    """One thing asked about that is known from receipts: is it broken, what is it called, what was seen."""

    is_broken: bool
    key: str
    observed: str | None = None


def _file_checks(batch: Batch) -> Iterator[Check]:
    yield _check_of_facts(
        _expectation(batch.table, ExpectationKind.FILE_NOT_EMPTY), list(_nothing_accepted(batch.files))
    )
    yield _check_of_facts(_expectation(batch.table, ExpectationKind.FILE_HAS_ROWS), list(_without_rows(batch.files)))
    yield _check_of_facts(_expectation(batch.table, ExpectationKind.ROW_COUNT), list(_row_counts(batch)))
    yield _check_of_facts(_expectation(batch.table, ExpectationKind.FRESHNESS), list(_ages(batch)))
    yield _check_of_facts(_expectation(batch.table, ExpectationKind.EXPIRY), list(_expiry(batch)))
    yield from _control_checks(batch)
    yield from _conflict_checks(batch)
    yield from _note_checks(batch)


def _nothing_accepted(files: Sequence[Conformed]) -> Iterator[_Fact]:
    for file in files:
        if _rows_judged(file):
            yield _Fact(
                file.rows_accepted == 0,
                file_label(file),
                f"{file_label(file)}: {_rows_judged(file)} rows, none accepted",
            )


def _without_rows(files: Sequence[Conformed]) -> Iterator[_Fact]:
    for file in files:
        yield _Fact(file.rows_data == 0, file_label(file))


def _row_counts(batch: Batch) -> Iterator[_Fact]:
    """Rows per file mapping and day of delivery, against the median of the days before."""
    change = Decimal(batch.policy.value(asked.ROW_COUNT_CHANGE))
    compared, needed = (int(batch.policy.value(key)) for key in (asked.DELIVERIES_COMPARED, asked.DELIVERIES_NEEDED))
    tonight = {(file.system, file.file_mapping, file.delivered_date) for file in batch.files}
    for (system, mapping), by_day in sorted(_rows_by_day(batch).items()):
        for day in sorted(by_day):
            earlier = [by_day[other] for other in sorted(by_day) if other < day][-compared:]
            if (system, mapping, day) not in tonight or len(earlier) < needed:
                continue
            usual = Decimal(median(earlier))
            is_far = abs(by_day[day] - usual) > change * usual
            seen = f"{by_day[day]} rows, median of the last {len(earlier)} deliveries {usual.normalize():f}"
            yield _Fact(is_far, f"{mapping} of {day}", f"{mapping} of {day}: {seen}")


def _rows_by_day(batch: Batch) -> dict[tuple[str, str], dict[date, int]]:
    newest: dict[tuple[str, str, date, str], Conformed] = {}
    everything = [file for file in (*batch.known, *batch.files) if file.entity == batch.table.name]
    for file in sorted(everything, key=delivery_order):
        # A file delivered again on the same day replaces the first attempt.
        newest[file.system, file.file_mapping, file.delivered_date, file_label(file)] = file
    counted: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for (system, mapping, day, _), file in newest.items():
        counted[system, mapping][day] += file.rows_data
    return counted


def _ages(batch: Batch) -> Iterator[_Fact]:
    limit = int(batch.policy.value(asked.FRESHNESS_HOURS))
    newest: dict[tuple[str, str], date] = {}
    for file in batch.files:
        day = newest.get((file.system, file.file_mapping), file.delivered_date)
        newest[file.system, file.file_mapping] = max(day, file.delivered_date)
    for (_, mapping), day in sorted(newest.items()):
        hours = (batch.as_of - day).days * 24
        seen = f"{mapping}: delivered {day}, {hours} hours before the judged day {batch.as_of}"
        yield _Fact(hours > limit, mapping, seen)


def _expiry(batch: Batch) -> Iterator[_Fact]:
    """Asked of all deliveries together: a customer master may well be exported once a year."""
    newest = max(file.delivered_date for file in (*batch.files, *batch.known))
    days = (batch.as_of - newest).days
    seen = f"newest delivery {newest}, {days} days before the judged day {batch.as_of}"
    yield _Fact(days > int(batch.policy.value(asked.DELIVERY_EXPIRES_DAYS)), str(newest), seen)


def _control_checks(batch: Batch) -> Iterator[Check]:
    differs: dict[str, list[_Fact]] = defaultdict(list)
    rough: dict[str, list[_Fact]] = defaultdict(list)
    unverified: dict[str, list[_Fact]] = defaultdict(list)
    for file in batch.files:
        for total in file.control_totals:
            place = f"{file_label(file)} row {total.record}"
            seen = f"{place}: printed {total.printed:f}, rows sum to {total.summed:f}"
            unread = f"{seen}, {total.unreadable} values cannot be read"
            differs[total.column].append(_Fact(not total.is_equal and not total.unreadable, place, seen))
            rough[total.column].append(_Fact(total.is_equal and not total.is_one_rounding, place, seen))
            unverified[total.column].append(_Fact(not total.is_equal and total.unreadable > 0, place, unread))
    facts = {
        ExpectationKind.CONTROL_TOTAL: differs,
        ExpectationKind.CONTROL_TOTAL_ROUGH: rough,
        ExpectationKind.CONTROL_TOTAL_UNVERIFIED: unverified,
    }
    for expectation in asked.expectations_of(batch.table):
        of_kind = facts.get(expectation.kind, {})
        if expectation.column in of_kind:
            yield _check_of_facts(expectation, of_kind[expectation.column])


def _conflict_checks(batch: Batch) -> Iterator[Check]:
    keys_checked = sum(file.rows_accepted for file in batch.files)
    conflicts: dict[str, set[str]] = defaultdict(set)
    for file in batch.files:
        for column, keys in file.conflicts:
            conflicts[column].update(keys)
    for expectation in asked.expectations_of(batch.table):
        if expectation.kind is ExpectationKind.CONFLICT and expectation.column in conflicts:
            keys = tuple(sorted(conflicts[expectation.column]))
            checked = max(keys_checked, len(keys))
            things = f"(SELECT place < {len(keys)} AS is_broken FROM range({checked}) AS keys(place))"
            yield Check(expectation, _NOTHING_TOLERATED, things, "is_broken", keys[:MOST_KEYS_SHOWN])


def _note_checks(batch: Batch) -> Iterator[Check]:
    facts: dict[tuple[str, str], list[_Fact]] = defaultdict(list)
    for file in batch.files:
        for note in file.notes:
            facts[note.rule, note.sentence].append(_Fact(True, file_label(file)))
    for (rule, sentence), broken in sorted(facts.items()):
        yield _check_of_facts(asked.note_expectation(batch.table.name, rule, sentence), broken)


def _check_of_facts(expectation: Expectation, facts: Sequence[_Fact]) -> Check:
    listed = ", ".join(f"({str(fact.is_broken).lower()})" for fact in facts)
    relation = f"(VALUES {listed}) AS facts(is_broken)" if facts else "(SELECT NULL::BOOLEAN AS is_broken WHERE false)"
    broken = sorted((fact for fact in facts if fact.is_broken), key=lambda fact: fact.key)
    seen = "; ".join(fact.observed for fact in broken[:MOST_KEYS_SHOWN] if fact.observed)
    keys = tuple(fact.key for fact in broken[:MOST_KEYS_SHOWN])
    return Check(expectation, _NOTHING_TOLERATED, relation, "is_broken", keys, seen or None)


def file_label(file: Conformed) -> str:
    """A file as people are shown it: its path in the export folder, and the sheet where it is a workbook."""
    return f"{file.file_name}#{file.sheet}" if file.sheet else file.file_name


def _expectation(table: Table, kind: ExpectationKind) -> Expectation:
    return next(expectation for expectation in asked.expectations_of(table) if expectation.kind is kind)
