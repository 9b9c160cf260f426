"""Corrections: single cells of exports that are known to be wrong, mended before they are read.

May import: `config`, `schemas`, `tasks.headers`. Data, not code: `corrections/*.yaml` of a project folder, each entry
with a reason, a name and a date. An entry says which cell it means and what stands there; once that is gone from the
rows it matches, the entry fails: no mend outlives its error.

    corrections:
      - source: erp
        file: 销售明细_*.csv
        match: {单据编号: XS240301, 行号: "3"}
        column: 价税合计
        from: 见附件
        to: "1280.00"
        reason: The amount stands in the attachment of the order.
        by: Li Na
        date: 2024-03-06
        since: 2024-03-05
        until: 2024-03-31
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from kehu.config.errors import SettingsError
from kehu.config.yaml_nodes import Value, read_yaml
from kehu.schemas.rendering import literal
from kehu.tasks.headers import header_position

if TYPE_CHECKING:
    import duckdb

_KEYS = ("source", "entity", "file", "match", "column", "from", "to", "reason", "by", "date", "since", "until")

WITHOUT_ERROR = "correction_without_error"
"""Code of the error a correction raises when the text it mends is gone."""


@dataclass(frozen=True)
class Correction:
    """One cell to mend.

    Attributes:
        source: source mapping or system.
        file: glob over the file's path in the export folder.
        match: header → text of the cells by which the row is known; an empty text means an empty cell.
        column: header of the cell.
        wrong: the text that stands there (`from`).
        right: the text to read instead (`to`); empty for an empty cell.
        reason: why.
        by: who decided it.
        decided: when.
        since: first day of delivery it is for; None from the beginning.
        until: last day of delivery it is for; None while the source still delivers the error.
        entity: for the reader only: where the row was missed.
        place: file and line of the entry.
    """

    source: str
    file: str
    match: tuple[tuple[str, str], ...]
    column: str
    wrong: str
    right: str
    reason: str
    by: str
    decided: date
    since: date | None = None
    until: date | None = None
    entity: str | None = None
    place: tuple[str, int] = field(default=("", 0), compare=False)

    def applies_to(self, names: Sequence[str], file_name: str, delivered: date) -> bool:
        """True for a file of one of these sources (mapping and system), by its name and day of delivery."""
        is_file = fnmatch.fnmatchcase(file_name, self.file) or fnmatch.fnmatchcase(
            file_name.rsplit("/", 1)[-1], self.file
        )
        is_day = (self.since or delivered) <= delivered <= (self.until or delivered)
        return self.source in names and is_file and is_day

    @property
    def fingerprint(self) -> str:
        """Hash of what it does."""
        facts = [self.match, self.column, self.wrong, self.right]
        return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class CorrectionFinding:
    """What a correction met in one file: rows its `match` fits, and rows that still have the wrong text."""

    correction: Correction
    rows_matched: int
    rows_wrong: int

    @property
    def is_without_error(self) -> bool:
        """True where the row is there and the wrong text is not."""
        return self.rows_matched > 0 and self.rows_wrong == 0


def load_corrections(directory: Path | None) -> tuple[Correction, ...]:
    """All corrections of a project, in the order of files and lines.

    Args:
        directory: the project's `corrections/` folder; None or absent: there are none.

    Raises:
        SettingsError: an entry is malformed or incomplete; file, line and key are named.
    """
    if directory is None or not directory.is_dir():
        return ()
    found: list[Correction] = []
    for path in sorted(directory.glob("*.yaml")):
        shown = f"{directory.name}/{path.name}"
        top = read_yaml(path, shown)
        top.refuse_unknown(("corrections",))
        stated = top.get("corrections")
        found.extend(_correction(item) for item in (stated.items() if stated else ()))
    return tuple(found)


def corrected_relation(relation: str, headers: Sequence[str], corrections: Sequence[Correction], file_name: str) -> str:
    """The records with the wrong texts replaced, in the same order.

    Later corrections see what earlier ones made of a cell, so a second mend of the same cell builds on the first.
    """
    for group in _groups(corrections):
        replaced: dict[int, str] = {}
        for correction in group:
            column = _position(correction, correction.column, headers, file_name)
            before = replaced.get(column, "")
            replaced[column] = (
                f"{before} WHEN {_is_meant(correction, headers, file_name)} THEN {_text(correction.right)}"
            )
        cells = ", ".join(f"CASE{whens} ELSE c{column} END AS c{column}" for column, whens in replaced.items())
        relation = f"(SELECT * REPLACE ({cells}) FROM {relation})"
    return relation


def find_corrections(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    headers: Sequence[str],
    corrections: Sequence[Correction],
    file_name: str,
) -> tuple[CorrectionFinding, ...]:
    """Count for each correction the rows it is about and those that still have the error, in one scan per group."""
    findings: list[CorrectionFinding] = []
    done: list[Correction] = []
    for group in _groups(corrections):
        counts = []
        for correction in group:
            row = _matches(correction, headers, file_name)
            counts.append(f"count(*) FILTER (WHERE {row})")
            counts.append(f"count(*) FILTER (WHERE {_is_meant(correction, headers, file_name)})")
        seen = corrected_relation(relation, headers, done, file_name)
        result = con.execute(f"SELECT {', '.join(counts)} FROM {seen} WHERE record_class = 'data'").fetchone()
        assert result is not None  # noqa: S101 - an aggregate has one row
        findings.extend(
            CorrectionFinding(correction, result[2 * i], result[2 * i + 1]) for i, correction in enumerate(group)
        )
        done.extend(group)
    return tuple(findings)


def refuse_corrections_without_error(findings: Sequence[CorrectionFinding], file_name: str) -> None:
    """Stop where a correction finds its row but no longer its error.

    Raises:
        SettingsError: `correction_without_error`, with the place of each.
    """
    idle = [finding.correction for finding in findings if finding.is_without_error]
    if idle:
        raise SettingsError(
            "Corrections find their rows, but no longer the text they mend.", code=WITHOUT_ERROR, file=file_name,
            count=len(idle), details=[describe(correction) for correction in idle[:5]],
            hint="the source was mended: add `until: YYYY-MM-DD`, the last day of the error, or delete the entry",
        )  # fmt: skip


def describe(correction: Correction) -> str:
    """Where a correction stands and which cell it means, without any value of the row."""
    file, line = correction.place
    return (
        f"{file} line {line}: {correction.column} of rows known by "
        f"{', '.join(header for header, _ in correction.match)}"
    )


# --- helpers ----------------------------------------------------------------------------------------------------------


def _correction(stated: Value) -> Correction:
    section = stated.section()
    section.refuse_unknown(_KEYS)
    match = section.require("match").section()
    if not match.values:
        raise section.require("match").error("at least one header is needed to know the row by")
    missing = [key for key in ("from", "to") if key not in section.values]
    if missing:
        raise stated.error(f'`{missing[0]}` is missing; write "" for an empty cell', code="missing_key")
    since, until, entity = section.get("since"), section.get("until"), section.get("entity")
    return Correction(
        source=section.require("source").text(),
        file=section.require("file").text(),
        match=tuple((header, value.raw_text()) for header, value in match),
        column=section.require("column").text(),
        wrong=section.values["from"].raw_text(),
        right=section.values["to"].raw_text(),
        reason=section.require("reason").text(),
        by=section.require("by").text(),
        decided=section.require("date").day(),
        since=since.day() if since else None,
        until=until.day() if until else None,
        entity=entity.text() if entity else None,
        place=(stated.file, stated.line),
    )


def _groups(corrections: Sequence[Correction]) -> list[list[Correction]]:
    """Runs of corrections that do not read what an earlier one of the run has written."""
    groups: list[list[Correction]] = []
    written: set[str] = set()
    cells: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    for correction in corrections:
        reads = {header for header, _ in correction.match}
        cell = (correction.column, correction.match)
        if not groups or reads & written or cell in cells:
            groups.append([])
            written, cells = set(), set()
        groups[-1].append(correction)
        written.add(correction.column)
        cells.add(cell)
    return groups


def _matches(correction: Correction, headers: Sequence[str], file_name: str) -> str:
    tests = [
        f"c{_position(correction, header, headers, file_name)} IS NOT DISTINCT FROM {_text(text)}"
        for header, text in correction.match
    ]
    return " AND ".join(["record_class = 'data'", *tests])


def _is_meant(correction: Correction, headers: Sequence[str], file_name: str) -> str:
    column = _position(correction, correction.column, headers, file_name)
    return f"{_matches(correction, headers, file_name)} AND c{column} IS NOT DISTINCT FROM {_text(correction.wrong)}"


def _text(text: str) -> str:
    return literal(text) if text else "NULL"


def _position(correction: Correction, header: str, headers: Sequence[str], file_name: str) -> int:
    position = header_position(headers, header)
    if position is None:
        file, line = correction.place
        raise SettingsError(
            f"A correction names the header “{header}”, which {file_name} does not have.",
            code="correction_header_missing",
            file=file, line=line or None, column=header,
            hint="correct the header, or narrow `file` to the files it is for",
        )  # fmt: skip
    return position
