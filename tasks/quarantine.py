"""Quarantine: rows put aside, for people to see, mend and send back.

May import: `config`, `schemas`, other modules of `tasks`. Nothing is mended in place: an exported file is filled in,
what changed becomes corrections (`tasks.corrections`), and the next run reads the landed bytes again with them.

Rows are shown with the texts they came with, so exports lie where their user puts them and are readable by their
owner only.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kehu.config.errors import UsageError
from kehu.tasks.conform import current_receipts
from kehu.tasks.conformed import QUARANTINED_FILE, Conformed
from kehu.tasks.corrections import Correction, CorrectionFinding, describe, find_corrections, load_corrections
from kehu.tasks.in_force import files_in_force
from kehu.tasks.land import all_deliveries
from kehu.warehouse.scratch import scratch_folder

if TYPE_CHECKING:
    from kehu.tasks.land import Delivery

COLUMNS_BEFORE = ("_system", "_entity", "_delivery", "_file", "_sheet", "_record", "_rules", "_key")
"""Columns of an export before those of the file; they say which row it is and must stay as they are."""

_ROWS_PER_READ = 10_000


@dataclass(frozen=True)
class QuarantineEntry:
    """How many rows of one file one rule put aside.

    Attributes:
        system: source system.
        entity: the entity.
        delivery_id: the delivery.
        file_name: path in the export folder.
        sheet: sheet of a workbook, else empty.
        rule: name of the rule.
        sentence: the rule in words.
        row_count: rows that break it; a row counts under each of its rules.
        example_keys: at most five keys, smallest first.
    """

    system: str
    entity: str
    delivery_id: str
    file_name: str
    sheet: str
    rule: str
    sentence: str
    row_count: int
    example_keys: tuple[str, ...]

    def as_row(self) -> dict[str, Any]:
        """The entry as plain values, for `--json`."""
        return {**asdict(self), "example_keys": list(self.example_keys)}


@dataclass(frozen=True)
class ReleasedCorrections:
    """What a release wrote: the file and how many corrections it holds."""

    path: Path
    count: int


def list_quarantine(
    home: Path,
    *,
    system: str | None = None,
    entity: str | None = None,
    delivery: str | None = None,
    rule: str | None = None,
) -> tuple[QuarantineEntry, ...]:
    """Rows in quarantine by file and rule, of the files that count today, or of one delivery whether it counts or not.

    Args:
        home: where conformed rows lie.
        system: only this source system.
        entity: only this entity.
        delivery: only this delivery.
        rule: only this rule.
    """
    entries = [
        QuarantineEntry(
            file.system, file.entity, file.delivery_id, file.file_name, file.sheet, broken.rule, broken.sentence,
            broken.row_count, broken.example_keys,
        )
        for file in _files(home, system, entity, delivery)
        for broken in file.broken_rules
        if rule is None or broken.rule == rule
    ]  # fmt: skip
    order = ("system", "entity", "delivery_id", "file_name", "sheet", "rule")
    return tuple(sorted(entries, key=lambda entry: tuple(getattr(entry, name) for name in order)))


def export_quarantine(
    home: Path, to: Path, *, system: str | None = None, entity: str | None = None, delivery: str | None = None,
    rule: str | None = None,
) -> int:  # fmt: skip
    """Write rows in quarantine to a CSV file (UTF-8 with byte order mark, which spreadsheets open rightly).

    The file has one row a quarantined row: which it is, the rules it breaks, and every cell as received under its
    header; files with different headers share the table, cells they do not have are empty. Readable by its owner only.
    Cells a spreadsheet would run as a formula get an apostrophe in front, which `release_quarantine` takes off again.

    Returns:
        How many rows were written.

    Raises:
        UsageError: `nothing_in_quarantine`, `file_not_writable`.
    """
    files = [file for file in _files(home, system, entity, delivery) if file.rows_quarantined]
    headers = list(dict.fromkeys(name for file in files for name in _headers(home, file)))
    count = 0
    try:
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise UsageError(f"cannot write {to}: {error.strerror}", code="file_not_writable", file=str(to)) from None
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        writer.writerow([*COLUMNS_BEFORE, *headers])
        for file in files:
            for row in _rows(home, file):
                if rule is None or rule in row["_rules"].split(","):
                    facts = _facts(file, row)
                    writer.writerow([*facts.values(), *(_inert(row.get(header) or "") for header in headers)])
                    count += 1
    if not count:
        to.unlink()
        raise UsageError(
            "There are no such rows in quarantine.", code="nothing_in_quarantine", hint="kehu quarantine list"
        )
    return count


def release_quarantine(
    home: Path, mended: Path, corrections_dir: Path, *, reason: str, by: str, today: date | None = None
) -> ReleasedCorrections:
    """Turn a mended export into corrections, one a changed cell; the next run applies them.

    The row of a correction is known by the cells of its key; where the export has no complete key, by all its other
    cells.

    Args:
        home: where conformed rows lie.
        mended: the exported CSV, filled in; rows may be left out, columns may not.
        corrections_dir: the project's `corrections/` folder.
        reason: why the cells are wrong.
        by: who says so.
        today: the day of the decision; the clock's day (UTC) if not given.

    Raises:
        UsageError: `nothing_changed`, `not_an_export`, `row_not_in_quarantine`, `file_not_readable`.
    """
    rows = _read_export(mended)
    known = _known_rows(home, rows)
    found: list[Correction] = []
    day = today or datetime.now(UTC).date()
    for number, row in enumerate(rows, start=2):
        place = _place(row)
        if place not in known:
            raise UsageError(
                "A row of the file is not in quarantine (any more).", code="row_not_in_quarantine", file=str(mended),
                row=number,
                hint="export again: kehu quarantine export",
            )  # fmt: skip
        file, received = known[place]
        found.extend(_changed_cells(file, received, row, mended, number, reason, by, day))
    if not found:
        raise UsageError(
            "No cell of the file was changed.",
            code="nothing_changed",
            file=str(mended),
            hint="mend the cells under the file's own headers",
        )
    distinct = list(dict.fromkeys(found))
    _refuse_contradictions(distinct, mended)
    return ReleasedCorrections(_write_corrections(distinct, corrections_dir, mended.stem, day), len(distinct))


def check_corrections(home: Path, corrections_dir: Path | None) -> tuple[str, ...]:
    """The corrections that no longer find the error they mend, as sentences with file and line.

    Each is tried on the landed files it is for: it is stale if one of them has its row without the error, or if none
    has its row. Corrections for which no file has been landed are left alone.

    Raises:
        SettingsError: a correction or the mapping of a landed file is malformed.
    """
    corrections = load_corrections(corrections_dir)
    if corrections_dir is None or not corrections:
        return ()
    met: dict[Correction, list[CorrectionFinding]] = {correction: [] for correction in corrections}
    for delivery in all_deliveries(home, None):
        applying = [
            item
            for item in corrections
            if item.applies_to((delivery.mapping, delivery.system), delivery.file_name, delivery.delivered_date)
        ]
        if applying:
            for finding in _findings(delivery, applying, corrections_dir, home):
                met[finding.correction].append(finding)
    return tuple(sentence for correction, findings in met.items() for sentence in _stale(correction, findings))


# --- what lies in quarantine ------------------------------------------------------------------------------------------


def _files(home: Path, system: str | None, entity: str | None, delivery: str | None) -> list[Conformed]:
    """The files asked about: of one delivery, or all that count today."""
    receipts = [item for item in current_receipts(home, system) if entity is None or item.entity == entity]
    if delivery is not None:
        return [item for item in receipts if item.delivery_id == delivery]
    return list(files_in_force(receipts, date.max))


def _path(home: Path, file: Conformed) -> Path:
    return home / file.directory / QUARANTINED_FILE


def _headers(home: Path, file: Conformed) -> list[str]:
    import pyarrow.parquet as pq

    return [name for name in pq.read_schema(_path(home, file)).names if name not in COLUMNS_BEFORE]


def _rows(home: Path, file: Conformed) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(_path(home, file)).iter_batches(_ROWS_PER_READ):
        yield from batch.to_pylist()


def _facts(file: Conformed, row: Mapping[str, Any]) -> dict[str, str]:
    said = (
        file.system,
        file.entity,
        file.delivery_id,
        file.file_name,
        file.sheet,
        str(row["_record"]),
        row["_rules"],
        row["_key"],
    )
    return dict(zip(COLUMNS_BEFORE, said, strict=True))


# --- a mended export --------------------------------------------------------------------------------------------------

_Place = tuple[str, str, str, str, str, int]


_FORMULA = re.compile(r"[=@\t\r]|[+-](?![0-9.,]*$)")


def _inert(cell: str) -> str:
    """A cell as text for a spreadsheet: what begins like a formula, and is no signed number, behind an apostrophe."""
    return f"'{cell}" if _FORMULA.match(cell.lstrip("'")) else cell


def _as_received(cell: Any) -> Any:
    """What was exported, without the apostrophe of `_inert`; cells beyond the header come as a list and stay so."""
    is_inert = isinstance(cell, str) and cell.startswith("'") and _FORMULA.match(cell.lstrip("'"))
    return cell[1:] if is_inert else cell


def _read_export(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            headers = reader.fieldnames or []
            rows = [{name: _as_received(cell) for name, cell in row.items()} for row in reader]
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", code="file_not_readable", file=str(path)) from None
    except UnicodeDecodeError:
        raise UsageError(
            "The file is not UTF-8 text any more.",
            code="file_not_readable",
            file=str(path),
            hint="save it as “CSV UTF-8”",
        ) from None
    missing = [name for name in COLUMNS_BEFORE if name not in headers]
    if missing or any(not row["_record"] or not row["_record"].isdecimal() for row in rows):
        raise UsageError(
            "The file is no export of `kehu quarantine export`.", code="not_an_export", file=str(path),
            column=", ".join(missing) or "_record",
            hint="mend the exported file itself and leave its first columns as they are",
        )  # fmt: skip
    return rows


def _place(row: Mapping[str, str]) -> _Place:
    return (row["_system"], row["_entity"], row["_delivery"], row["_file"], row["_sheet"], int(row["_record"]))


def _known_rows(home: Path, rows: Sequence[Mapping[str, str]]) -> dict[_Place, tuple[Conformed, dict[str, Any]]]:
    wanted = {_place(row) for row in rows}
    known: dict[_Place, tuple[Conformed, dict[str, Any]]] = {}
    for file in current_receipts(home):
        own = (file.system, file.entity, file.delivery_id, file.file_name, file.sheet)
        if file.rows_quarantined and any(place[:5] == own for place in wanted):
            for row in _rows(home, file):
                if (*own, row["_record"]) in wanted:
                    known[(*own, row["_record"])] = (file, row)
    return known


def _changed_cells(
    file: Conformed,
    received: Mapping[str, Any],
    row: Mapping[str, str],
    mended: Path,
    number: int,
    reason: str,
    by: str,
    day: date,
) -> Iterator[Correction]:
    headers = [name for name in received if name not in COLUMNS_BEFORE]
    lost = [name for name in headers if name not in row]
    if lost:
        raise UsageError(
            "Columns of the export are gone.",
            code="not_an_export",
            file=str(mended),
            row=number,
            column=", ".join(lost[:5]),
        )
    before = {name: received[name] or "" for name in headers}
    changed = [name for name in headers if _folded(row[name]) != _folded(before[name])]
    keys = [name for name in file.key_headers if name in before]
    is_known_by_key = bool(keys) and not set(keys) & set(changed) and all(before[name] for name in keys)
    known_by = keys if is_known_by_key else [name for name in headers if name not in changed]
    for name in changed:
        yield Correction(
            source=file.system, file=_pattern(file), match=tuple((header, before[header]) for header in known_by),
            column=name, wrong=before[name], right=row[name], reason=reason, by=by, decided=day,
            since=file.delivered_date, entity=file.entity,
        )  # fmt: skip


def _folded(text: str | None) -> str:
    # Spreadsheets rewrite line ends within cells; nothing else is forgiven.
    return (text or "").replace("\r\n", "\n")


def _pattern(file: Conformed) -> str:
    """Files that replace each other carry the same error every night; an appended file carries its own."""
    if file.mode == "append" or not file.file_patterns:
        return re.sub(r"([*?\[])", r"[\1]", file.file_name)
    import fnmatch

    for pattern in file.file_patterns:
        if fnmatch.fnmatchcase(file.file_name, pattern) or fnmatch.fnmatchcase(
            file.file_name.rsplit("/", 1)[-1], pattern
        ):
            return pattern
    return file.file_name


def _refuse_contradictions(corrections: Sequence[Correction], mended: Path) -> None:
    said: dict[tuple[object, ...], str] = {}
    for item in corrections:
        cell = (item.source, item.file, item.match, item.column, item.wrong)
        if said.setdefault(cell, item.right) != item.right:
            raise UsageError(
                "Two rows that cannot be told apart were mended differently.", code="rows_alike", file=str(mended),
                column=item.column,
                hint="mend one of them in the source, or give both the same value",
            )  # fmt: skip


def _write_corrections(corrections: Sequence[Correction], directory: Path, name: str, day: date) -> Path:
    import yaml

    directory.mkdir(parents=True, exist_ok=True)
    stem = f"{day.isoformat()}-{re.sub('[^0-9A-Za-z_一-鿿-]+', '-', name).strip('-') or 'release'}"
    path = directory / f"{stem}.yaml"
    number = 1
    while path.exists():
        number += 1
        path = directory / f"{stem}-{number}.yaml"
    entries = [
        {
            "source": item.source, "entity": item.entity, "file": item.file, "match": dict(item.match), "column":
            item.column, "from": item.wrong, "to": item.right, "reason": item.reason, "by": item.by, "date":
            item.decided, "since": item.since,
        }
        for item in corrections
    ]  # fmt: skip
    text = yaml.safe_dump({"corrections": entries}, allow_unicode=True, sort_keys=False, width=120, default_style=None)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path


# --- guards -----------------------------------------------------------------------------------------------------------


def _findings(
    delivery: Delivery, corrections: Sequence[Correction], corrections_dir: Path, home: Path
) -> Iterator[CorrectionFinding]:
    import duckdb

    from kehu.config.sources import load_source
    from kehu.tasks.conform_plan import file_mapping_named
    from kehu.tasks.records import read_records

    mapping = load_source(delivery.mapping, corrections_dir.parent / "sources")
    file_mapping = file_mapping_named(mapping, delivery.file_mapping)
    with scratch_folder(home, "corrections") as scratch, duckdb.connect() as con:
        for raw in read_records(con, delivery.raw_path, file_mapping, delivery.file_name, scratch):
            yield from find_corrections(con, raw.relation, raw.headers, corrections, delivery.file_name)


def _stale(correction: Correction, findings: Sequence[CorrectionFinding]) -> Iterator[str]:
    if not findings:
        return
    if any(finding.is_without_error for finding in findings):
        yield f"{describe(correction)}: the row is there, the text it mends is not"
    elif not any(finding.rows_matched for finding in findings):
        yield f"{describe(correction)}: no delivered file has such a row"
