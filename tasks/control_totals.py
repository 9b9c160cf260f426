"""Printed totals of an export, held against the rows they close, before anything is put aside.

May import: `config`, `schemas`, `tasks.normalise`, `tasks.conformed`, `tasks.conform_plan`.

A total closes a block: the data rows since the last total of its own or a higher level. Levels: subtotals (`小计`,
`本页合计`, `华东小计`, `华东合计`), totals (`合计`), grand totals (`总计`, which cover the whole file). Reports nest
their blocks in more ways than labels tell, so where the plain reading does not fit, the rows since any earlier total
and the whole file are tried: a total is right if it equals one of the blocks it could close. Running totals (`累计`)
are not held against anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from kehu.tasks.conformed import ControlTotal

if TYPE_CHECKING:
    import duckdb

    from kehu.tasks.conform_plan import Slot

SUBTOTAL, TOTAL, GRAND_TOTAL = 1, 2, 3

_RUNNING = re.compile("累\\s*计")
_GRAND = re.compile("总\\s*(?:合\\s*)?计|全部合计|grand|report", re.IGNORECASE)
_SUB = re.compile("小\\s*计|本页|本日|本月|本期|sub|page", re.IGNORECASE)
_WHOLE = re.compile("(?:金额|汇总|本年)?(?:合\\s*计|共\\s*计)(?:金额|数)?|totals?", re.IGNORECASE)
_LABEL = re.compile("计|total", re.IGNORECASE)
_AROUND = re.compile("^[\\s\u3000:：()（）\\[\\]【】<>《》*=—_-]+|[\\s\u3000:：()（）\\[\\]【】<>《》*=—_-]+$")

_PRINTED = re.compile("[0-9０-９][0-9０-９,，\\s]*(?:[.．]([0-9０-９]+))?\\s*(万亿|千万|百万|十万|亿|万|千)?")
_SCALE = {"千": 3, "万": 4, "十万": 5, "百万": 6, "千万": 7, "亿": 8, "万亿": 12}

_MOST_BLOCKS_TRIED = 50


@dataclass(frozen=True)
class _Total:
    record: int
    level: int
    values: tuple[Decimal | None, ...]
    printed: tuple[str | None, ...]


def total_level(cells: Sequence[str]) -> int | None:
    """How much a total row covers, by its label; None for running totals, which cover more than the file shows."""
    labels = [_AROUND.sub("", cell) for cell in cells if _LABEL.search(cell)]
    label = labels[0] if labels else ""
    if _RUNNING.search(label):
        return None
    if _SUB.search(label):
        return SUBTOTAL
    if _GRAND.search(label):
        return GRAND_TOTAL
    return TOTAL if _WHOLE.fullmatch(label) or not label else SUBTOTAL


def last_digit_unit(printed: str, factor: Decimal) -> Decimal:
    """What one unit of the last printed digit is worth: 0.01 for `12.50`, 100 for `1.25` in 万元, 10 000 000 for
    `1.2亿`.
    """
    found = _PRINTED.search(printed)
    if found is None:
        return factor
    decimals = len(found[1] or "")
    return factor * Decimal(10) ** (_SCALE.get(found[2] or "", 0) - decimals)


def hold_totals(con: duckdb.DuckDBPyConnection, typed: str, columns: Mapping[str, Slot]) -> tuple[ControlTotal, ...]:
    """Compare every printed total of some columns with the rows it closes.

    Args:
        con: connection.
        typed: what follows FROM to read the typed records with their number as `record`.
        columns: contract column → slot of the typed file.

    The macros must be installed on the connection.

    Returns:
        One comparison a total row and column that prints something there, by record, then column order.
    """
    if not columns:
        return ()
    totals = _totals(con, typed, list(columns.values()))
    if not totals:
        return ()
    sums = _sums_between(con, typed, [total.record for total in totals], list(columns.values()))
    held = [
        _held(name, slot, place, totals, index, sums)
        for index, total in enumerate(totals)
        if total.level
        for place, (name, slot) in enumerate(columns.items())
        if total.printed[place] is not None
    ]
    return tuple(held)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _totals(con: duckdb.DuckDBPyConnection, typed: str, slots: Sequence[Slot]) -> list[_Total]:
    cells = ", ".join(f"v{slot.number}, kehu_text(p{slot.number})" for slot in slots)
    rows = con.execute(
        f"SELECT record, total_text, {cells} FROM {typed} WHERE record_class = 'total' ORDER BY record"
    ).fetchall()
    totals = []
    for record, text, *found in rows:
        level = total_level((text or "").split("|")) or 0
        printed = tuple(None if cell is None or _LABEL.search(cell) else cell for cell in found[1::2])
        totals.append(_Total(record, level, tuple(found[::2]), printed))
    return totals


@dataclass(frozen=True)
class _Sum:
    total: Decimal
    rows: int
    unreadable: int

    def __add__(self, other: _Sum) -> _Sum:
        return _Sum(self.total + other.total, self.rows + other.rows, self.unreadable + other.unreadable)


_NOTHING = _Sum(Decimal(0), 0, 0)


def _sums_between(
    con: duckdb.DuckDBPyConnection, typed: str, records: Sequence[int], slots: Sequence[Slot]
) -> list[list[_Sum]]:
    """Per column the sums of the data rows before the first total, between the first and the second, … after the
    last.
    """
    sums = ", ".join(f"coalesce(sum(v{slot.number}), 0), count(*) FILTER (WHERE u{slot.number})" for slot in slots)
    starts = ", ".join(f"({record}, {index + 1})" for index, record in enumerate(records))
    rows = con.execute(
        f"SELECT coalesce(segment, 0) AS part, count(*), {sums} FROM {typed} AS data ASOF LEFT JOIN "
        f"(VALUES {starts}) AS totals(start, segment) ON data.record > totals.start "
        "WHERE data.record_class = 'data' GROUP BY part ORDER BY part"
    ).fetchall()
    parts = [[_NOTHING] * (len(records) + 1) for _ in slots]
    for part, count, *found in rows:
        for place in range(len(slots)):
            parts[place][part] = _Sum(Decimal(found[2 * place]), count, found[2 * place + 1])
    return parts


def _held(
    name: str, slot: Slot, place: int, totals: Sequence[_Total], index: int, sums: Sequence[Sequence[_Sum]]
) -> ControlTotal:
    total = totals[index]
    printed_text, value = total.printed[place] or "", total.values[place]
    half_unit = last_digit_unit(printed_text, slot.factor) / 2
    plain, *others = _blocks(totals, index, sums[place])
    held = _comparison(name, total.record, value, half_unit * max(plain.rows, 1), half_unit, plain)
    # Another reading of the report must agree to the digit, or large blocks would excuse wrong totals of small ones.
    tried = (_comparison(name, total.record, value, half_unit, half_unit, block) for block in others)
    return held if held.is_equal else next((other for other in tried if other.is_equal), held)


def _comparison(
    name: str, record: int, value: Decimal | None, tolerance: Decimal, half_unit: Decimal, block: _Sum
) -> ControlTotal:
    printed = Decimal(0) if value is None else Decimal(value)
    return ControlTotal(
        column=name,
        printed=printed,
        summed=block.total,
        tolerance=tolerance,
        is_equal=value is not None and abs(printed - block.total) <= tolerance,
        record=record,
        rows=block.rows,
        unreadable=block.unreadable + (value is None),
        is_one_rounding=value is not None and abs(printed - block.total) <= half_unit,
    )


def _blocks(totals: Sequence[_Total], index: int, parts: Sequence[_Sum]) -> Iterator[_Sum]:
    """The blocks a total could close, the likeliest first."""
    level = totals[index].level
    whole = sum(parts, start=_NOTHING)
    above = [earlier for earlier in range(index) if totals[earlier].level >= level]
    plain = _since(parts, above[-1] + 1 if above else 0, index)
    yield whole if level == GRAND_TOTAL or not plain.rows else plain
    for start in range(index, max(-1, index - _MOST_BLOCKS_TRIED), -1):
        block = _since(parts, start, index)
        if block.rows:
            yield block
    yield _since(parts, 0, index)
    yield whole


def _since(parts: Sequence[_Sum], first: int, last: int) -> _Sum:
    return sum(parts[first : last + 1], start=_NOTHING)
