"""The account of a night's input: what became of every record of every delivered file.

May import: `config`, `schemas`, `tasks.core`, `tasks.in_force`, `tasks.build`. Two identities hold, and are checked
here: per file read = data + header + title + total + blank; per file and entity data = accepted + merged + quarantined
+ dropped + later + unmapped. What conform counted stands in its receipts; what depends on the judged day is counted on
the accepted rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from kehu.schemas import tables
from kehu.schemas.model import Table
from kehu.schemas.rendering import arrow_schema
from kehu.tasks import exact
from kehu.tasks.build import ContractBroken, fetch
from kehu.tasks.core import FILE_ORDER, rows_with_outcome, vanished_keys
from kehu.tasks.in_force import ConformedFile, Order, delivery_order, files_before, files_in_force, published_key

_OF_READING = ("rows_read", "rows_header", "rows_title", "rows_total", "rows_blank", "rows_data", "values_rounded")


class CountedReason(Protocol):
    """Rows that conform put to one use, with the total of one measure."""

    @property
    def outcome(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def measure_name(self) -> str: ...
    @property
    def row_count(self) -> int: ...
    @property
    def amount_total(self) -> Decimal | None: ...


class CountedFile(ConformedFile, Protocol):
    """A conformed file with its counts."""

    @property
    def encoding(self) -> str: ...
    @property
    def rows_read(self) -> int: ...
    @property
    def rows_header(self) -> int: ...
    @property
    def rows_title(self) -> int: ...
    @property
    def rows_total(self) -> int: ...
    @property
    def rows_blank(self) -> int: ...
    @property
    def rows_data(self) -> int: ...
    @property
    def rows_accepted(self) -> int: ...
    @property
    def rows_merged(self) -> int: ...
    @property
    def rows_quarantined(self) -> int: ...
    @property
    def rows_dropped(self) -> int: ...
    @property
    def rows_unmapped(self) -> int: ...
    @property
    def values_rounded(self) -> int: ...
    @property
    def unmapped_headers(self) -> tuple[str, ...]: ...
    @property
    def reasons(self) -> Sequence[CountedReason]: ...


@dataclass(frozen=True)
class _Used:
    """Accepted rows of a file with one outcome in this run: how many, and the total of each measure that has one."""

    outcome: str
    reason: str
    rows: int
    totals: Mapping[str, Decimal]


def run_inputs(
    backend: Backend,
    files: Sequence[CountedFile],
    *,
    home: Path,
    as_of: date,
    known_at: date,
    run_id: str,
    batch: Collection[tuple[str, str]],
) -> tuple[pa.Table, pa.Table]:
    """The rows of `run_input` and `run_input_reason` of a run.

    Args:
        backend: Ibis' DuckDB backend.
        files: conformed files of all known deliveries; those in force on `known_at` are accounted for.
        home: folder their directories are relative to.
        as_of: the day judged: accepted rows dated later are counted apart.
        known_at: deliveries up to this day may be used.
        run_id: the run.
        batch: (delivery_id, file_name) of tonight's export folder.

    Rule: accepted are the rows this run uses. An accepted row whose key a newer delivery brings again counts as
    merged (`newer_delivery`), one marked as deleted as dropped (`deleted_in_source`), one dated after as_of as later.
    Keys that a snapshot no longer has are closed, and counted beside the first file of its delivery.

    Raises:
        ContractBroken: an identity does not hold.
    """
    inputs: list[dict[str, Any]] = []
    reasons: list[dict[str, Any]] = []
    in_force = files_in_force(files, known_at)
    for table in tables.ENTITIES:
        of_entity = [file for file in in_force if file.entity == table.name]
        vanished = _vanished(backend, table, of_entity, files, home=home)
        for file, used in zip(of_entity, _used(backend, table, of_entity, home=home, as_of=as_of), strict=True):
            key = published_key(file, as_of, run_id)
            inputs.append(key | _input_row(file, used, is_new=(file.delivery_id, file.file_name) in batch))
            inputs[-1]["keys_vanished"] = vanished.get(delivery_order(file))
            reasons.extend(key | row for row in _reason_rows(file, table, used))
    return _by_contract(tables.RUN_INPUT, inputs), _by_contract(tables.RUN_INPUT_REASON, reasons)


def _used(
    backend: Backend, table: Table, files: Sequence[CountedFile], *, home: Path, as_of: date
) -> list[tuple[_Used, ...]]:
    """What became of the accepted rows of each file, in the order of the files."""
    if not files:
        return []
    rows = rows_with_outcome(backend, table, files, home=home, as_of=as_of)
    measures = [column.name for column in table.measure]
    totals: dict[str, ir.Value] = {name: exact.total(rows[name]) for name in measures}
    grouped = rows.group_by([FILE_ORDER, "outcome", "reason"]).aggregate(rows=rows.count(), **totals)
    used: list[list[_Used]] = [[] for _ in files]
    for row in fetch(backend, grouped.order_by([FILE_ORDER, "outcome", "reason"])).to_pylist():
        known = {name: row[name] for name in measures if row[name] is not None}
        used[row[FILE_ORDER]].append(_Used(row["outcome"], row["reason"], row["rows"], known))
    return [tuple(of_file) for of_file in used]


def _vanished(
    backend: Backend, table: Table, in_force: Sequence[CountedFile], files: Sequence[CountedFile], *, home: Path
) -> dict[Order, int]:
    """How many keys each snapshot no longer has, by the first file of its delivery."""
    groups: dict[tuple[str, str], list[CountedFile]] = {}
    for file in in_force:
        if file.mode == "snapshot":
            groups.setdefault((file.system, file.file_mapping), []).append(file)
    counted: dict[Order, int] = {}
    for now in groups.values():
        if before := files_before(files, now):
            gone = vanished_keys(backend, table, before, now, home=home)
            counted[delivery_order(now[0])] = fetch(backend, gone.aggregate(keys=gone.count()))["keys"][0].as_py()
    return counted


def _input_row(file: CountedFile, used: Sequence[_Used], *, is_new: bool) -> dict[str, Any]:
    counted = Counter({"accepted": 0})
    for use in used:
        counted[use.outcome] += use.rows
    row = {name: getattr(file, name) for name in _OF_READING} | {
        "delivered_date": file.delivered_date,
        "is_new_delivery": is_new,
        "encoding": file.encoding,
        "rows_accepted": counted["accepted"],
        "rows_merged": file.rows_merged + counted["merged_into_key"],
        "rows_quarantined": file.rows_quarantined,
        "rows_dropped": file.rows_dropped + counted["dropped"],
        "rows_later": counted["later_than_as_of"],
        "rows_unmapped": file.rows_unmapped,
        "unmapped_headers": " | ".join(file.unmapped_headers),
    }
    _check_identity("read_is_accounted_for", row, "rows_read", ("data", "header", "title", "total", "blank"))
    outcomes = ("accepted", "merged", "quarantined", "dropped", "later", "unmapped")
    _check_identity("data_is_accounted_for", row, "rows_data", outcomes)
    return row


def _check_identity(rule: str, row: Mapping[str, Any], whole: str, parts: Sequence[str]) -> None:
    missing = row[whole] - sum(row[f"rows_{part}"] for part in parts)
    if missing:
        raise ContractBroken(tables.RUN_INPUT.name, rule, abs(missing), whole)


def _reason_rows(file: CountedFile, table: Table, used: Sequence[_Used]) -> list[dict[str, Any]]:
    """One row per outcome, reason and measure; an outcome whose rows have no measure stands once, without one."""
    rows: list[dict[str, Any]] = [
        {
            "outcome": reason.outcome,
            "reason": reason.reason,
            "measure_name": reason.measure_name,
            "row_count": reason.row_count,
            "amount_total": reason.amount_total,
        }
        for reason in file.reasons
        if reason.outcome not in ("accepted", "later_than_as_of")
    ]
    for use in used:
        about = {"outcome": use.outcome, "reason": use.reason, "row_count": use.rows}
        measured = [name for name in (column.name for column in table.measure) if name in use.totals]
        rows.extend(about | {"measure_name": name, "amount_total": use.totals[name]} for name in measured)
        if not measured:
            rows.append(about | {"measure_name": "", "amount_total": None})
    return rows


def _by_contract(table: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    ordered = sorted(rows, key=lambda row: tuple(row[key] for key in table.key_names))
    return pa.Table.from_pylist(list(ordered), schema=arrow_schema(table))
