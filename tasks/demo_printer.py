"""Printing the demo's files: rows made by whole columns, dirt included, and the few planted records put between them.

May import: `tasks.demo_files`, `tasks.demo_names`, `tasks.demo_timeline`, `tasks.demo_world`, duckdb, numpy, pyarrow.
What a file holds is handed back, for the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from kehu.tasks.demo_files import EXCEL_GBK, PLAIN_UTF8, TextStyle, write_text
from kehu.tasks.demo_names import Numbers
from kehu.tasks.demo_timeline import EPOCH
from kehu.tasks.demo_world import Products, stream

_DATE_FORMS = (
    "%Y-%m-%d", "%Y/%-m/%-d", "%Y%m%d", "%Y年%-m月%-d日", "%Y.%-m.%-d", "%Y-%m-%d 00:00:00", "serial",
)  # fmt: skip
_EXCEL_EPOCH = date(1899, 12, 30).toordinal()


@dataclass(frozen=True)
class PlantedRow:
    """A record that was broken on purpose: which one (the first record of the file is 1) and the rule it breaks.

    `outcome` is what becomes of it: `quarantined`, or `accepted` where the rule only warns.
    """

    file: str
    record: int
    rule: str
    key: str
    outcome: str


@dataclass(frozen=True)
class FileFacts:
    """What a written file holds: counts of records by class, and the sums its total row prints.

    `mapping` is what the source mapping calls this kind of file. `rows_data` counts the broken rows too; `sums` are the
    readable values of all data rows by header, in the file's unit.
    """

    file: str
    mapping: str
    entity: str
    encoding: str
    delivered_date: date
    rows_header: int
    rows_data: int
    rows_total: int
    rows_blank: int
    rows_title: int
    sums: dict[str, Decimal]
    planted: tuple[PlantedRow, ...] = ()
    superseded_by: str | None = None

    @classmethod
    def of(
        cls,
        mapping: str,
        entity: str,
        path: Path,
        delivered: date,
        rows: int,
        sums: dict[str, Decimal],
        titles: int = 0,
    ) -> FileFacts:
        """A file of so many data rows below a header and title rows; what else it holds is still to be counted."""
        return cls(path.name, mapping, entity, "xlsx", delivered, 1, rows, 0, 0, titles, sums)


@dataclass(frozen=True)
class Insert:
    """A record that stands before the data row of that place: a broken row, a repeated header or a blank line."""

    place: int
    cells: tuple[str | None, ...]
    kind: str
    rule: str = ""
    key: str = ""


@dataclass(frozen=True)
class Printer:
    """Prints files; `is_clean` leaves out all dirt, planted rows and total rows and writes UTF-8.

    `codes` are the customer codes as a column of text, the same for `product_codes`.
    """

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    seed: int
    is_clean: bool
    codes: pa.Array
    product_codes: pa.Array
    products: Products

    def dirt(self, path: Path) -> np.random.Generator:
        """The random stream for the dirt of a file; both deliveries of a month have the same."""
        return stream(self.seed, f"dirt {path.stem.rsplit('_', 1)[0]}")

    def some(
        self, random: np.random.Generator, count: int, share: float, forms: int
    ) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
        """Which rows are printed in another form: 0 for most, 1 … `forms` for a small share of them."""
        drawn = np.where(random.random(count) < share, random.integers(1, forms + 1, count), 0)
        return (drawn * (not self.is_clean)).astype(np.int8)

    def day_texts(self, random: np.random.Generator, days: Numbers) -> pa.Array:
        """Dates as text: each file has its habit, a few rows another. Every day is formatted once and looked up."""
        count = len(days)
        habit = 0 if self.is_clean else int(random.choice(5, p=[0.5, 0.25, 0.1, 0.1, 0.05]))
        form = np.where(self.some(random, count, 0.03, 1) > 0, random.integers(0, len(_DATE_FORMS), count), habit)
        first = int(days.min()) if count else 0
        span = int(days.max()) - first + 1 if count else 1
        texts = [_day_text(date.fromordinal(EPOCH + first + day), name) for name in _DATE_FORMS for day in range(span)]
        return words(texts, form * span + days - first)

    def write(
        self,
        path: Path,
        facts: FileFacts,
        header: tuple[str, ...],
        sql: str,
        inserts: list[Insert],
        *,
        has_total: bool = True,
        dirty_style: TextStyle = EXCEL_GBK,
    ) -> FileFacts:
        """Write the rows of `sql` (columns named as in `header`, and `place`) with the inserts and the total row.

        Args:
            path: the file to write.
            facts: what is known so far: `rows_data` and `sums` are of the rows of `sql` alone.
            header: the headers, in order.
            sql: SELECT of the rows.
            inserts: records to put between them.
            has_total: whether a total row of `facts.sums` ends the file (never a clean one).
            dirty_style: encoding and line ends, unless clean.

        Returns:
            The facts with everything counted.
        """
        style = PLAIN_UTF8 if self.is_clean else dirty_style
        inserts = sorted(inserts, key=lambda insert: insert.place)
        if inserts:
            sql = self._with_inserts(sql, header, inserts)
        else:
            sql = f"SELECT {', '.join(map(_quoted, header))} FROM ({sql})"
        sums = {
            name: value + sum((_readable(row.cells[header.index(name)]) for row in inserts if row.rule), Decimal(0))
            for name, value in facts.sums.items()
        }
        total = [_total_row(header, sums)] if has_total and not self.is_clean else []
        write_text(self.connection, sql, path, style, scratch=self.scratch, after=total)
        kinds = [insert.kind for insert in inserts]
        planted = tuple(
            # Below the header (record 1) and the data rows and inserts before it.
            PlantedRow(path.name, 2 + insert.place + number, insert.rule, insert.key, "quarantined")
            for number, insert in enumerate(inserts)
            if insert.kind == "broken"
        )
        return replace(
            facts,
            encoding=style.encoding,
            rows_header=1 + kinds.count("header"),
            rows_data=facts.rows_data + kinds.count("broken"),
            rows_total=len(total),
            rows_blank=kinds.count("blank"),
            sums=sums,
            planted=planted,
        )

    def _with_inserts(self, sql: str, header: tuple[str, ...], inserts: list[Insert]) -> str:
        columns: dict[str, pa.Array] = {
            name: pa.array([insert.cells[column] for insert in inserts], pa.string())
            for column, name in enumerate(header)
        }
        columns["place"] = pa.array([insert.place for insert in inserts], pa.int64())
        columns["turn"] = pa.array(range(-len(inserts), 0), pa.int64())
        self.connection.register("inserted", pa.table(columns))
        names = ", ".join(map(_quoted, header))
        return (
            f"SELECT {names} FROM (SELECT {names}, place, 0 AS turn FROM ({sql}) "
            f"UNION ALL SELECT {names}, place, turn FROM inserted) ORDER BY place, turn"
        )


# --- how values look -------------------------------------------------------------------------------------------------


def grouped(units: str, places: int) -> str:
    """SQL: a whole number of the smallest unit with thousands separators and its decimals."""
    scale = 10**places
    return (
        f"(CASE WHEN {units} < 0 THEN '-' ELSE '' END || format('{{:,}}', abs({units}) // {scale}) || '.' || "
        f"lpad((abs({units}) % {scale})::VARCHAR, {places}, '0'))"
    )


def untidy(text: str, is_negative: str = "false") -> str:
    """SQL: the number as text in the form the row asks for: in brackets, full-width, with ￥, or with blanks."""
    full_width = f"translate({text}, '0123456789.,-', '０１２３４５６７８９．，－')"
    return (
        f"CASE WHEN {is_negative} AND bracketed THEN '(' || ltrim({text}, '-') || ')' WHEN number_form = 0 THEN {text} "
        f"WHEN number_form = 1 THEN {full_width} WHEN number_form = 2 THEN '￥' || {text} ELSE ' ' || {text} || ' ' END"
    )


CUSTOMER_TEXT = """CASE code_form WHEN 0 THEN customer WHEN 1 THEN customer || ' ' WHEN 2 THEN customer || chr(12288)
            ELSE chr(9) || customer END"""
"""SQL: the customer code, now and then with a blank of some kind around it."""


def words(choices: Sequence[str], places: Numbers) -> pa.Array:
    """The word at each place, as a column."""
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(choices))


def _quoted(name: str) -> str:
    return f'"{name}"'


def _day_text(day: date, form: str) -> str:
    return str(day.toordinal() - _EXCEL_EPOCH) if form == "serial" else day.strftime(form)


def ten_thousands(cents: Numbers) -> Decimal:
    """The sum of cents in 万元, with all places."""
    return Decimal(int(cents.sum())).scaleb(-6)


def _readable(text: str | None) -> Decimal:
    """A planted cell as the ERP would add it up: text counts for nothing."""
    plain = (text or "").replace(",", "")
    return Decimal(plain) if plain.replace(".", "", 1).replace("-", "", 1).isdigit() else Decimal(0)


def _total_row(header: tuple[str, ...], sums: dict[str, Decimal]) -> tuple[str, ...]:
    return tuple(
        "合计" if column == 0 else f"{sums[name]:,}" if name in sums else "" for column, name in enumerate(header)
    )


# --- planted records --------------------------------------------------------------------------------------------------


def broken_rows(
    random: np.random.Generator,
    printer: Printer,
    rows: int,
    header: tuple[str, ...],
    good: dict[str, str],
    breaks: list[tuple[str, dict[str, str | None]]],
    key_header: str,
    keys: list[str],
) -> list[Insert]:
    """One row for each break: a good row of some customer but for the cells named, somewhere among the others."""
    places = np.sort(random.integers(0, rows + 1, len(breaks))).tolist()
    customers = printer.codes.take(pa.array(random.integers(0, len(printer.codes), len(breaks)))).to_pylist()
    inserts = []
    for place, customer, key, (rule, changes) in zip(places, customers, keys, breaks, strict=True):
        cells: dict[str, str | None] = {**good, "客户编码": customer, key_header: key, **changes}
        inserts.append(Insert(place, tuple(cells.get(name) for name in header), "broken", rule, key))
    return inserts
