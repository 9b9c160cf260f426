"""Conform: from the texts of a landed file to typed rows by contract, each accepted, merged, dropped or put aside
with a reason.

May import: `config`, `schemas`, other modules of `tasks`. One typed pass a file (`tasks.conform_plan`), then one
output an entity (`tasks.conform_feed`). Results are immutable: they lie under a key made of everything they depend
on, and are reused while that stays the same.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kehu.config.errors import MOST_KEYS_SHOWN, InputError, OutOfResources
from kehu.schemas import fields as f
from kehu.schemas.expectations import not_of_type_rule, row_expectations
from kehu.schemas.rendering import literal, quoted
from kehu.schemas.tables import ENTITIES
from kehu.tasks.conform_feed import REPEATED, FeedContext, FeedSql, feed_sql
from kehu.tasks.conform_plan import (
    FeedPlan,
    FilePlan,
    feed_place,
    file_mapping_named,
    plan_file,
    refuse_unknown_names,
)
from kehu.tasks.conformed import (
    ACCEPTED_FILE,
    FLAGGED_FILE,
    QUARANTINED_FILE,
    BrokenRule,
    Conformed,
    ControlTotal,
    Note,
    Reason,
)
from kehu.tasks.control_totals import hold_totals
from kehu.tasks.corrections import (
    Correction,
    corrected_relation,
    find_corrections,
    load_corrections,
    refuse_corrections_without_error,
)
from kehu.tasks.in_force import delivery_order
from kehu.tasks.land import known_deliveries, private_folder, sync_folder
from kehu.tasks.locked_sql import RECORD, files_read, run_locked
from kehu.tasks.normalise import install_macros
from kehu.tasks.records import RawTable, read_records
from kehu.tasks.row_rules import QUARANTINING, key_text
from kehu.warehouse.scratch import scratch_folder

if TYPE_CHECKING:
    import duckdb

    from kehu.config.policy import Policy
    from kehu.config.sources import Feed, FileMapping, SourceMapping
    from kehu.schemas.model import Table
    from kehu.tasks.land import Delivery

__all__ = [
    "BrokenRule",
    "Conformed",
    "ControlTotal",
    "Note",
    "Reason",
    "conform_delivery",
    "conform_file",
    "load_corrections",
]

ROW_MAKING_MODULES = (
    "conform", "conform_feed", "conform_plan", "conformed", "control_totals", "corrections", "headers", "locked_sql",
    "mapping_sql", "normalise", "raw_table", "read_text", "read_workbook", "record_classes", "records", "row_rules",
)  # fmt: skip
"""The modules of `tasks` that say which rows a file gives: where their code changes, everything is conformed anew."""

LANDED = "landed"
_SENTENCES = {"possibly_cut": "the sheet is filled to the last row its format allows: rows may have been cut off"}
_IN_SQL = "_in_sql"


@dataclass(frozen=True)
class Rules:
    """What a conformed file depends on beside its bytes and its mapping.

    Attributes:
        reporting_currency: currency of the portfolio; rows in others need a rate.
        tax_rates: (first day, rate) for lines whose rate nobody states, ascending; None where it is blank from then on.
        rates: (first day, currencies that have a rate from then on), ascending.
    """

    reporting_currency: str
    tax_rates: tuple[tuple[date, Decimal | None], ...] = ()
    rates: tuple[tuple[date, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, policy: Policy, reporting_currency: str) -> Rules:
        """The rules a policy states: `sales.tax_rate_assumed` and `currency.rates`, each by the date of the row."""
        tax = policy.dated_values("sales.tax_rate_assumed")
        rates = policy.dated_values("currency.rates")
        return cls(
            reporting_currency,
            tuple((dated.from_date, dated.value) for dated in tax),
            tuple((dated.from_date, tuple(sorted(dated.value or ()))) for dated in rates),
        )


def conform_delivery(
    con: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    mapping: SourceMapping,
    *,
    home: Path,
    corrections: Sequence[Correction],
    policy: Policy,
    reporting_currency: str,
    deliveries: Sequence[Delivery] | None = None,
) -> tuple[Conformed, ...]:
    """Conform one landed file, or take what an earlier run made of it by the same rules.

    Args:
        con: DuckDB connection; temporary macros and a temporary table are made on it.
        delivery: the landed file.
        mapping: its source.
        home: where landed files and conformed rows lie.
        corrections: those of the project; the ones for other files are left alone.
        policy: read are `sales.tax_rate_assumed` and `currency.rates`.
        reporting_currency: of the portfolio.
        deliveries: what a `sql` feed may read beside its own file; by default all deliveries recorded in the home.

    Returns:
        One receipt a sheet and feed, in the order of sheets and feeds; none for a file without feeds. The rows lie
        under `Conformed.directory`: `flagged.parquet` (all data rows by contract, one flag a row rule, `is_dropped`,
        `outcome`, `reason`), `accepted.parquet` (contract columns, by key), `quarantined.parquet` (texts as received,
        rules, key).

    Raises:
        InputError: the file cannot be read, or lacks columns.
        SettingsError: the mapping or a correction does not fit.
        OutOfResources: memory or disk ran out.
    """
    file_mapping = file_mapping_named(mapping, delivery.file_mapping)
    if not file_mapping.feeds:
        return ()
    refuse_unknown_names(mapping, file_mapping)
    rules = Rules.of(policy, reporting_currency)
    applied = _corrections_for(corrections, mapping, delivery)
    if deliveries is None:
        deliveries = known_deliveries(home, mapping.system, None)
    companions = [
        (other, _corrections_for(corrections, mapping, other))
        for other in _companions(mapping, file_mapping, delivery, deliveries)
    ]
    key = _file_key(delivery, mapping, file_mapping, applied, rules, companions)
    index = _index_path(home, delivery)
    known = _indexed(index, key, home)
    if known is not None:
        return tuple(replace(receipt, arrived_at=delivery.arrived_at) for receipt in known)
    with scratch_folder(home, "conform") as scratch, _named_failures(delivery.file_name):
        install_macros(con, mapping.timezone)
        conformed: list[Conformed] = []
        raws = read_records(con, delivery.raw_path, file_mapping, delivery.file_name, scratch)
        tables = _companion_tables(con, companions, mapping, scratch)
        for raw in raws:
            conformed.extend(
                conform_file(
                    con, delivery, mapping, file_mapping, raw, home=home, scratch=scratch, corrections=applied,
                    rules=rules, key=key, companions=tables,
                )
            )  # fmt: skip
    _write_index(index, key, conformed)
    return tuple(conformed)


def conform_file(
    con: duckdb.DuckDBPyConnection,
    delivery: Delivery,
    mapping: SourceMapping,
    file_mapping: FileMapping,
    raw: RawTable,
    *,
    home: Path,
    scratch: Path,
    corrections: Sequence[Correction],
    rules: Rules,
    key: str,
    companions: Mapping[str, RawTable] | None = None,
) -> tuple[Conformed, ...]:
    """Conform one text file or sheet: one typed pass for all feeds that map columns, one more for each `sql` feed.

    The macros must be installed on the connection. `key` names everything the result depends on; `companions` are the
    files a `sql` feed may read beside this one.

    Raises:
        InputError, SettingsError: as `conform_delivery`.
    """
    raw = _corrected(con, raw, corrections, delivery.file_name)
    job = _Job(con, delivery, mapping, file_mapping, raw, home, scratch, rules, key)
    mapped = [feed for feed in file_mapping.feeds if feed.sql is None]
    made = {}
    if mapped:
        made.update(_conform_feeds(job, mapped, raw))
    for feed in file_mapping.feeds:
        if feed.sql is not None:
            stated, answer = _sql_answer(job, feed, companions or {})
            made.update(_conform_feeds(job, [stated], answer))
    return tuple(made[feed.entity] for feed in file_mapping.feeds)


# --- one file ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Job:
    con: duckdb.DuckDBPyConnection
    delivery: Delivery
    mapping: SourceMapping
    file_mapping: FileMapping
    raw: RawTable
    home: Path
    scratch: Path
    rules: Rules
    key: str

    def directory(self, entity: str) -> str:
        """Where an entity's rows of this file and sheet lie, relative to home."""
        own = _digest([self.key, self.raw.sheet, entity])[:16]
        return f"{LANDED}/{self.mapping.system}/{entity}/{self.delivery.delivery_id}/{own}"


def _conform_feeds(job: _Job, feeds: Sequence[Feed], source: RawTable) -> dict[str, Conformed]:
    plan = plan_file(job.con, source, job.mapping, job.file_mapping, feeds, job.delivery.file_name)
    kept = {feed.entity: _receipt_in(job.home / job.directory(feed.entity)) for feed in feeds}
    if all(receipt is not None for receipt in kept.values()):
        return {entity: receipt for entity, receipt in kept.items() if receipt is not None}
    typed = job.scratch / f"typed-{_digest([source.sheet, *kept])[:8]}.parquet"
    job.con.execute(f"COPY ({plan.typed_sql(source.unnumbered_relation)}) TO {literal(str(typed))} (FORMAT parquet)")
    counts = _record_counts(job, source, typed)
    made = {}
    for feed_plan in plan.feeds:
        entity = feed_plan.table.name
        made[entity] = kept[entity] or _conform_feed(job, plan, feed_plan, source, typed, counts)
    typed.unlink()
    return made


def _record_counts(job: _Job, source: RawTable, typed: Path) -> dict[str, int]:
    """Records by class, those above the header included. A reader that miscounts is a defect, and stops here."""
    rows = job.con.execute(f"SELECT record_class, count(*) FROM {_parquet(typed)} GROUP BY 1 ORDER BY 1").fetchall()
    counts = dict.fromkeys(("data", "blank", "header", "total", "title"), 0)
    for record_class, count in (*rows, *source.leading.items()):
        counts[record_class] += count
    if sum(counts.values()) != source.records:
        raise InputError(
            f"The file has {source.records} records, but {sum(counts.values())} were read.", code="records_miscounted",
            file=job.delivery.file_name, count=source.records,
            hint="this is a defect of the reader: please report it with the file",
        )  # fmt: skip
    return counts


def _conform_feed(
    job: _Job, plan: FilePlan, feed: FeedPlan, source: RawTable, typed: Path, counts: Mapping[str, int]
) -> Conformed:
    sql = feed_sql(plan, feed, str(typed), _context(job, source))
    directory = job.directory(feed.table.name)
    with _new_directory(job.home / directory) as folder:
        flagged, accepted = folder / FLAGGED_FILE, folder / ACCEPTED_FILE
        _write_rows(job.con, sql, flagged, accepted)
        _write_quarantined(job, feed, sql, source, flagged, folder / QUARANTINED_FILE)
        receipt = _receipt(job, plan, feed, sql, source, typed, flagged, accepted, counts, directory)
        (folder / "receipt.json").write_text(receipt.to_json(), encoding="utf-8")
    return receipt


def _context(job: _Job, source: RawTable) -> FeedContext:
    return FeedContext(
        system=job.mapping.system,
        company_id=job.mapping.company_id,
        currency=job.mapping.currency,
        delivery_id=job.delivery.delivery_id,
        delivered=job.delivery.delivered_date,
        reporting_currency=job.rules.reporting_currency,
        source_tax_rate=job.mapping.tax_rate,
        tax_rates=job.rules.tax_rates,
        rates=job.rules.rates,
        first_record=source.header_record + 1,
    )


def _write_rows(con: duckdb.DuckDBPyConnection, sql: FeedSql, flagged: Path, accepted: Path) -> None:
    if sql.repeated is not None:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {REPEATED} AS {sql.repeated}")
    con.execute(f"COPY ({sql.flagged}) TO {literal(str(flagged))} (FORMAT parquet)")
    con.execute(
        f"COPY ({sql.accepted.replace('{flagged}', _parquet(flagged))}) TO {literal(str(accepted))} (FORMAT parquet)"
    )
    con.execute(f"DROP TABLE IF EXISTS {REPEATED}")


def _write_quarantined(job: _Job, feed: FeedPlan, sql: FeedSql, source: RawTable, flagged: Path, path: Path) -> None:
    """The rows put aside as they were received, for people to mend; texts are those after corrections."""
    broken = [
        f"CASE WHEN {quoted(rule.flag)} THEN {literal(rule.name)} END"
        for rule in sql.rules
        if rule.severity == QUARANTINING
    ]
    aside = (
        f"SELECT source_row, concat_ws(',', {', '.join(broken)}) AS rules, {key_text(feed.table)} AS key FROM "
        f"{_parquet(flagged)} "
        "WHERE outcome = 'quarantined'"
    )
    headers = _distinct_names(job.raw.headers)
    cells = "".join(f", records.c{position} AS {quoted(header)}" for position, header in enumerate(headers))
    # Numbering the records of a text file keeps DuckDB to one thread, so the file is read again only if rows were put
    # aside.
    count = job.con.execute(f"SELECT count(*) FROM ({aside})").fetchone()
    limit = "" if count and count[0] else " WHERE FALSE"
    job.con.execute(
        f"COPY (SELECT aside.source_row AS _record, aside.rules AS _rules, aside.key AS _key{cells} "
        f"FROM {job.raw.relation} AS records JOIN ({aside}) AS aside ON records.record = aside.source_row{limit} "
        f"ORDER BY _record) TO {literal(str(path))} (FORMAT parquet)"
    )


def _distinct_names(headers: Sequence[str]) -> list[str]:
    # DuckDB compares column names without case.
    seen: dict[str, int] = {}
    names = []
    for header in headers:
        seen[header.lower()] = seen.get(header.lower(), 0) + 1
        names.append(header if seen[header.lower()] == 1 else f"{header}.{seen[header.lower()]}")
    return names


# --- the receipt ------------------------------------------------------------------------------------------------------


def _receipt(
    job: _Job, plan: FilePlan, feed: FeedPlan, sql: FeedSql, source: RawTable, typed: Path, flagged: Path, accepted:
        Path,
    counts: Mapping[str, int], directory: str,
) -> Conformed:  # fmt: skip
    reasons = _reasons(job.con, feed, flagged)
    first_measure = reasons[0].measure_name if reasons else ""
    rows = dict.fromkeys(("accepted", "merged_into_key", "quarantined", "dropped", "unmapped"), 0)
    for reason in reasons:
        if reason.measure_name == first_measure:
            rows[reason.outcome] += reason.row_count
    control = {column: slot for (entity, column), slot in plan.control_slots.items() if entity == feed.table.name}
    records = (
        f"(SELECT *, file_row_number + {source.header_record + 1} AS record FROM read_parquet({literal(str(typed))}, "
        f"file_row_number = true))"
    )
    file_mapping, delivery = job.file_mapping, job.delivery
    return Conformed(
        system=job.mapping.system,
        company_id=job.mapping.company_id,
        delivery_id=delivery.delivery_id,
        file_name=delivery.file_name,
        file_mapping=file_mapping.name,
        sheet=job.raw.sheet,
        entity=feed.table.name,
        delivered_date=delivery.delivered_date,
        mode=file_mapping.mode,
        partition=file_mapping.partition_column,
        partition_value=file_mapping.partition_of(delivery.file_name),
        encoding=job.raw.encoding,
        directory=directory,
        rows_read=sum(counts.values()),
        rows_header=counts["header"],
        rows_title=counts["title"],
        rows_total=counts["total"],
        rows_blank=counts["blank"],
        rows_data=counts["data"],
        rows_accepted=rows["accepted"],
        rows_merged=rows["merged_into_key"],
        rows_quarantined=rows["quarantined"],
        rows_dropped=rows["dropped"],
        rows_unmapped=rows["unmapped"],
        values_rounded=_values_rounded(job.con, plan, feed, typed),
        unmapped_headers=feed.unmapped_headers if feed.feed.sql is None else (),
        reasons=reasons,
        broken_rules=_broken_rules(job.con, feed, sql, flagged),
        control_totals=hold_totals(job.con, records, control),
        conflicts=_conflicts(job.con, feed, sql, flagged),
        tolerances=dict(sorted(feed.feed.tolerances.items())),
        notes=_notes(job),
        key_headers=feed.key_headers if feed.feed.sql is None and not feed.is_line_generated else (),
        file_patterns=file_mapping.match,
        content_sha256=_content_hash(job.con, sql, accepted),
        arrived_at=delivery.arrived_at,
    )


def _reasons(con: duckdb.DuckDBPyConnection, feed: FeedPlan, flagged: Path) -> tuple[Reason, ...]:
    """What became of the rows, with the exact total of each measure; null where a value cannot be read."""
    measures = [column.name for column in feed.table.measure]
    rules = {rule.rule for rule in row_expectations(feed.table)}
    totals = []
    for name in measures:
        rule = not_of_type_rule(feed.table.column(name))
        unreadable = f"bool_or({quoted(f'broken__{rule}')})" if rule in rules else "FALSE"
        totals.append(f", CASE WHEN {unreadable} THEN NULL ELSE sum({quoted(name)}) END, count({quoted(name)})")
    rows = con.execute(
        f"SELECT outcome, reason, count(*){''.join(totals)} FROM {_parquet(flagged)} GROUP BY outcome, reason ORDER BY "
        f"outcome, reason"
    ).fetchall()
    used = [place for place, name in enumerate(measures) if any(row[4 + 2 * place] for row in rows)]
    if not used:
        return tuple(Reason(outcome, reason, "", count, None) for outcome, reason, count, *_ in rows)
    return tuple(Reason(row[0], row[1], measures[place], row[2], row[3 + 2 * place]) for row in rows for place in used)


def _broken_rules(
    con: duckdb.DuckDBPyConnection, feed: FeedPlan, sql: FeedSql, flagged: Path
) -> tuple[BrokenRule, ...]:
    rules = [rule for rule in sql.rules if rule.severity == QUARANTINING]
    counted = con.execute(
        f"SELECT {', '.join(f'count(*) FILTER (WHERE {quoted(rule.flag)})' for rule in rules)} FROM "
        f"{_parquet(flagged)} "
        "WHERE outcome = 'quarantined'"
    ).fetchone()
    assert counted is not None  # noqa: S101 - an aggregate has one row
    found = []
    for rule, count in zip(rules, counted, strict=True):
        if count:
            keys = con.execute(
                f"SELECT DISTINCT {key_text(feed.table)} AS key FROM {_parquet(flagged)} "
                f"WHERE outcome = 'quarantined' AND {quoted(rule.flag)} ORDER BY key LIMIT {MOST_KEYS_SHOWN}"
            ).fetchall()
            found.append(BrokenRule(rule.name, rule.sentence, count, tuple(row[0] for row in keys)))
    return tuple(found)


def _values_rounded(con: duckdb.DuckDBPyConnection, plan: FilePlan, feed: FeedPlan, typed: Path) -> int:
    numbers = sorted({number for number in feed.slots.values() if plan.has_rounding(number)})
    if not numbers:
        return 0
    counts = " + ".join(f"count(*) FILTER (WHERE r{number})" for number in numbers)
    row = con.execute(f"SELECT {counts} FROM {_parquet(typed)} WHERE record_class = 'data'").fetchone()
    return int(row[0]) if row else 0


def _conflicts(
    con: duckdb.DuckDBPyConnection, feed: FeedPlan, sql: FeedSql, flagged: Path
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    key = ", ".join(quoted(name) for name in feed.table.key_names)
    found = []
    for column in sql.conflicts:
        name = quoted(column)
        rows = con.execute(
            f"SELECT {key_text(feed.table)} AS key FROM (SELECT {key}, min(source_row) AS source_row "
            f"FROM {_parquet(flagged)} WHERE outcome IN ('accepted', 'merged_into_key') "
            f"GROUP BY {key} HAVING min({name}) <> max({name})) ORDER BY key"
        ).fetchall()
        if rows:
            found.append((column, tuple(row[0] for row in rows)))
    return tuple(found)


def _notes(job: _Job) -> tuple[Note, ...]:
    return tuple(Note(note, _SENTENCES.get(note, note.replace("_", " "))) for note in job.raw.notes)


def _content_hash(con: duckdb.DuckDBPyConnection, sql: FeedSql, accepted: Path) -> str:
    """Hash over the accepted rows as a set: the same whatever their order, file and delivery.

    The MD5 sums of the rows are added up, which needs no sorting; keys are unique, so no row can cancel another.
    """
    own = {f.delivery_id.name, f.source_row.name}
    cells = ", ".join(f"coalesce(CAST({quoted(name)} AS VARCHAR), chr(30))" for name in sql.contract if name not in own)
    row = con.execute(
        "SELECT count(*), coalesce(sum(md5_number_lower(content)), 0), coalesce(sum(md5_number_upper(content)), 0) "
        "FROM "
        f"(SELECT concat_ws(chr(31), {cells}) AS content FROM {_parquet(accepted)})"
    ).fetchone()
    return _digest([str(figure) for figure in row or ()])


# --- `sql` feeds ------------------------------------------------------------------------------------------------------


def _sql_answer(job: _Job, feed: Feed, companions: Mapping[str, RawTable]) -> tuple[Feed, RawTable]:
    """The answer of a `sql` feed as records of the driving file: our columns as texts, nothing where no row speaks of
    them.
    """
    from kehu.config.sources import ColumnSource

    assert feed.sql is not None  # noqa: S101 - narrows for mypy
    place = feed_place(job.mapping, job.file_mapping, feed).at("sql")
    tables = {**companions, job.file_mapping.name: job.raw}
    answer, columns = run_locked(job.con, feed.sql, tables, place, job.scratch, job.mapping.timezone)
    _refuse_repeated_records(job, answer, place)
    cells = [f"answer.{quoted(name)} AS c{position}" for position, name in enumerate(columns)]
    cells.append(f"CASE WHEN answer.{RECORD} IS NOT NULL THEN 'true' END AS c{len(columns)}")
    joined = job.scratch / f"sql-{feed.entity}.parquet"
    # Joined by the record alone, which is a data record by now: with a second condition DuckDB compares every pair.
    job.con.execute(
        f"COPY (SELECT records.record, records.record_class, {', '.join(cells)}, records.extra FROM {job.raw.relation} "
        f"AS records "
        f"LEFT JOIN {_parquet(answer)} AS answer ON answer.{RECORD} = records.record "
        f"ORDER BY records.record) TO {literal(str(joined))} (FORMAT parquet)"
    )
    stated = dataclasses.replace(
        feed,
        columns={name: ColumnSource(header=name, line=feed.line) for name in columns},
        where=f'"{_IN_SQL}" IS NOT NULL',
    )
    refuse_unknown_names(job.mapping, dataclasses.replace(job.file_mapping, feeds=(stated,)))
    source = replace(
        job.raw, relation=_parquet(joined), unnumbered_relation=f"(SELECT * EXCLUDE (record) FROM {_parquet(joined)})",
        headers=(*columns, _IN_SQL), unit_factors=(None,) * (len(columns) + 1),
    )  # fmt: skip
    return stated, source


def _refuse_repeated_records(job: _Job, answer: Path, place: Any) -> None:
    row = job.con.execute(
        f"SELECT count(*), count(DISTINCT {RECORD}), count({RECORD}) FROM {_parquet(answer)}"
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    if row[0] != row[1] or row[0] != row[2]:
        raise place.error(
            f"`sql` returns {row[0]} rows for {row[1]} records of {job.file_mapping.name}", code="sql_repeats_record",
            hint=f"each {RECORD} may stand in the result once; join with tables that have one row per key",
        )  # fmt: skip
    known = job.con.execute(
        f"SELECT count(*) FROM {_parquet(answer)} AS answer ANTI JOIN {job.raw.relation} AS records ON "
        f"records.record = answer.{RECORD} AND records.record_class = 'data'"
    ).fetchone()
    if known is not None and known[0]:
        raise place.error(f"`sql` returns {known[0]} records the file does not have", code="sql_repeats_record")


_Companion = tuple["Delivery", tuple[Correction, ...]]
"""A file that `sql` feeds of another read, and the corrections of it."""


def _companions(
    mapping: SourceMapping, file_mapping: FileMapping, delivery: Delivery, deliveries: Sequence[Delivery]
) -> list[Delivery]:
    """The deliveries the `sql` feeds of a file read beside its own: per file mapping they name the newest day known,
    all days of append files.
    """
    names = [other.name for other in mapping.files]
    named = {name for feed in file_mapping.feeds if feed.sql is not None for name in files_read(feed.sql, names)}
    found = []
    known = [
        item for item in deliveries if item.system == mapping.system and item.delivered_date <= delivery.delivered_date
    ]
    for other in mapping.files:
        if other.name == file_mapping.name or other.name not in named:
            continue
        own = [item for item in known if item.file_mapping == other.name and item.mapping == mapping.name]
        newest = max((item.delivered_date for item in own), default=None)
        found += [item for item in own if other.mode != "snapshot" or item.delivered_date == newest]
    return found


def _companion_tables(
    con: duckdb.DuckDBPyConnection, companions: Sequence[_Companion], mapping: SourceMapping, scratch: Path
) -> dict[str, RawTable]:
    tables: dict[str, list[RawTable]] = {}
    for place, (delivery, corrections) in enumerate(companions):
        folder = scratch / f"companion-{place}"
        folder.mkdir()
        other = mapping.file_named(delivery.file_mapping)
        raws = read_records(con, delivery.raw_path, other, delivery.file_name, folder)
        mended = [_corrected(con, raw, corrections, delivery.file_name) for raw in raws]
        tables.setdefault(other.name, []).extend(mended)
    return {name: _together(raws) for name, raws in tables.items()}


def _corrected(
    con: duckdb.DuckDBPyConnection, raw: RawTable, corrections: Sequence[Correction], file_name: str
) -> RawTable:
    """The records with their corrections; refused where one finds its row but no longer its error."""
    if not corrections:
        return raw
    findings = find_corrections(con, raw.relation, raw.headers, corrections, file_name)
    refuse_corrections_without_error(findings, file_name)
    return replace(
        raw,
        relation=corrected_relation(raw.relation, raw.headers, corrections, file_name),
        unnumbered_relation=corrected_relation(raw.unnumbered_relation, raw.headers, corrections, file_name),
    )


def _together(raws: Sequence[RawTable]) -> RawTable:
    if len(raws) == 1:
        return raws[0]
    headers = tuple(dict.fromkeys(header for raw in raws for header in raw.headers))
    parts = []
    for raw in raws:
        cells = [
            f"c{raw.headers.index(header)} AS c{position}" if header in raw.headers else f"NULL::VARCHAR AS c{position}"
            for position, header in enumerate(headers)
        ]
        parts.append(f"SELECT record, record_class, {', '.join(cells)}, extra FROM {raw.relation}")
    return replace(raws[0], relation=f"({' UNION ALL '.join(parts)})", headers=headers)


# --- places, keys, reuse ----------------------------------------------------------------------------------------------


def _corrections_for(
    corrections: Sequence[Correction], mapping: SourceMapping, delivery: Delivery
) -> tuple[Correction, ...]:
    names = (mapping.name, mapping.system)
    return tuple(item for item in corrections if item.applies_to(names, delivery.file_name, delivery.delivered_date))


def _file_key(
    delivery: Delivery, mapping: SourceMapping, file_mapping: FileMapping, corrections: Sequence[Correction], rules:
        Rules,
    companions: Sequence[_Companion],
) -> str:  # fmt: skip
    """Hash of everything the rows of a file depend on."""
    tables = [table for table in ENTITIES if any(feed.entity == table.name for feed in file_mapping.feeds)]
    has_tax = any(f.tax_rate in table.columns for table in tables)
    has_currency = any(f.currency in table.columns for table in tables)
    day = delivery.delivered_date
    return _digest(
        [
            _row_making_code(), [_contract_facts(table) for table in tables], delivery.sha256, delivery.file_name, day,
            mapping.system, mapping.company_id, mapping.currency, mapping.tax, mapping.tax_rate, mapping.timezone,
            _without_lines(dataclasses.asdict(file_mapping)),
            [item.fingerprint for item in corrections],
            [item for item in rules.tax_rates if item[0] <= day] if has_tax else [],
            [rules.reporting_currency, [item for item in rules.rates if item[0] <= day]] if has_currency else [],
            [
                (item.sha256, _without_lines(dataclasses.asdict(mapping.file_named(item.file_mapping))),
                 [correction.fingerprint for correction in mending])
                for item, mending in companions
            ],
        ]
    )  # fmt: skip


@cache
def _row_making_code() -> str:
    folder = Path(__file__).parent
    return _digest([(folder / f"{name}.py").read_text(encoding="utf-8") for name in ROW_MAKING_MODULES])


def _contract_facts(table: Table) -> list[Any]:
    """What of a contract the rows and receipts of a file depend on: all but the texts of the dictionary."""
    columns = [
        (
            column.name, column.type.name, column.type.duckdb, column.unit, column.tax, column.label_zh,
            column.synonyms, column.is_label, str(column.row_constraints),
        )
        for column in table.columns
    ]  # fmt: skip
    rules = [(rule.rule, rule.severity, rule.sentence) for rule in row_expectations(table)]
    named = [[column.name for column in group] for group in (table.key, table.measure, table.control, *table.any_of)]
    return [table.name, columns, rules, named, table.event_date.name if table.event_date else None]


def _without_lines(facts: Any) -> Any:
    if isinstance(facts, dict):
        return {key: _without_lines(value) for key, value in facts.items() if key != "line"}
    if isinstance(facts, list | tuple):
        return [_without_lines(item) for item in facts]
    return facts


def _digest(facts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False, default=str, sort_keys=True).encode()).hexdigest()


def _index_path(home: Path, delivery: Delivery) -> Path:
    own = _digest([delivery.file_mapping, delivery.file_name])[:8]
    return home / LANDED / delivery.system / "conformed" / f"{delivery.delivery_id}--{own}.json"


def _indexed(index: Path, key: str, home: Path) -> tuple[Conformed, ...] | None:
    """The receipts of an earlier run by the same rules, None where there are none or their rows are gone."""
    if not index.is_file():
        return None
    kept = json.loads(index.read_text(encoding="utf-8"))
    if kept["key"] != key:
        return None
    receipts = [_receipt_in(home / directory) for directory in kept["directories"]]
    return None if None in receipts else tuple(receipt for receipt in receipts if receipt is not None)


def current_receipts(home: Path, system: str | None = None) -> tuple[Conformed, ...]:
    """The receipts of all conformed files as of the last run on each, by delivery, file and sheet."""
    pattern = f"{system or '*'}/conformed/*.json"
    found: list[Conformed] = []
    for index in sorted((home / LANDED).glob(pattern)):
        for directory in json.loads(index.read_text(encoding="utf-8"))["directories"]:
            receipt = _receipt_in(home / directory)
            if receipt is not None:
                found.append(receipt)
    return tuple(sorted(found, key=lambda item: (item.system, *delivery_order(item))))


def _write_index(index: Path, key: str, conformed: Sequence[Conformed]) -> None:
    private_folder(index.parent)
    text = json.dumps({"key": key, "directories": [item.directory for item in conformed]}, ensure_ascii=False, indent=1)
    temporary = index.with_name(f".{index.name}.{os.getpid()}")
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(index)


def _receipt_in(folder: Path) -> Conformed | None:
    path = folder / "receipt.json"
    return Conformed.from_json(path.read_text(encoding="utf-8")) if path.is_file() else None


@contextmanager
def _new_directory(final: Path) -> Iterator[Path]:
    """A folder beside the final one that takes its name when all is on disk; nothing half-made ever has it.

    Its name stands for all its content depends on. So where another process was faster (a sandbox beside the night),
    what that one made is as good and stays: its rows may be read already.
    """
    private_folder(final.parent)
    temporary = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    try:
        yield temporary
        for path in temporary.iterdir():
            with path.open("rb") as written:
                os.fsync(written.fileno())
        sync_folder(temporary)
        if _receipt_in(final) is None:
            shutil.rmtree(final, ignore_errors=True)
            try:
                temporary.rename(final)
            except OSError:
                if _receipt_in(final) is None:
                    raise
        sync_folder(final.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _named_failures(file_name: str) -> Iterator[None]:
    """Turn the engine's failures over memory, disk and malformed text into errors a user can act on."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise OutOfResources(
            "Memory ran out while a file was conformed.", code="out_of_memory", file=file_name,
            hint="raise `memory_limit` in kehu.toml, or lower `threads`",
        ) from error  # fmt: skip
    except duckdb.IOException as error:
        raise OutOfResources(
            f"Rows could not be written: {str(error).splitlines()[0]}",
            code="disk_full",
            file=file_name,
            hint="free disk space under home",
        ) from error
    except duckdb.InvalidInputException as error:
        raise InputError(
            f"The file cannot be read: {str(error).splitlines()[0]}", code="unreadable_file", file=file_name,
            hint="name `encoding` and `delimiter` in the source mapping",
        ) from error  # fmt: skip


def _parquet(path: Path) -> str:
    return f"read_parquet({literal(str(path))})"
