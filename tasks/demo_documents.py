"""The demo's monthly files of invoice lines and receipts, printed the way a Chinese ERP exports them, dirt included.

May import: `config`, `tasks.demo_*`, duckdb, numpy, pyarrow. Clean text is made by whole columns; only the few planted
records are put together one by one. What is planted is handed back, for the truth file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from kehu.tasks.demo_files import EXCEL_GBK, PLAIN_UTF8, decimals, write_text
from kehu.tasks.demo_names import Numbers
from kehu.tasks.demo_timeline import (
    DOCUMENT_STATUSES,
    EPOCH,
    NO_DOCUMENT,
    Documents,
    Lines,
    Month,
    Receipts,
    pick,
    stack,
)
from kehu.tasks.demo_world import LINE_KINDS, Products, stream

SALES_HEADER = (
    "单据类型", "单据编号", "行号", "单据日期", "客户编码", "产品编码", "行类别", "数量", "单价", "价税合计(万元)",
    "税率", "成本(万元)", "单据状态", "是否退货", "原单据编号",
)  # fmt: skip
PAYMENT_HEADER = ("收款单号", "客户编码", "回款日期", "回款金额", "结算方式", "票据到期日", "核销发票号")

_SPELLINGS = (
    ("电汇", "银行转账", "网银"),
    ("银行承兑汇票", "银承"),
    ("商业承兑汇票", "商承"),
    ("现金",),
    ("支票",),
    ("供应链票据", "云信"),
)
"""How each instrument is written, in the order of the timeline's numbers."""

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

    `rows_data` counts the broken rows too; `sums` are the readable values of all data rows by header, in the file's
    unit.
    """

    file: str
    entity: str
    encoding: str
    delivered_date: date
    rows_header: int
    rows_data: int
    rows_total: int
    rows_blank: int
    rows_title: int
    sums: dict[str, Decimal]
    planted: tuple[PlantedRow, ...]
    superseded_by: str | None = None


@dataclass(frozen=True)
class _Insert:
    """A record that stands before the data row of that place: a broken row, a repeated header or a blank line."""

    place: int
    cells: tuple[str | None, ...]
    kind: str
    rule: str = ""
    key: str = ""


@dataclass(frozen=True)
class Printer:
    """Prints months; `is_clean` leaves out all dirt, planted rows and total rows and writes UTF-8.

    `codes` are the customer codes as a column of text, the same for `product_codes`.
    """

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    seed: int
    is_clean: bool
    codes: pa.Array
    product_codes: pa.Array
    products: Products

    def sales(
        self, path: Path, delivered: date, month: Month, documents: Documents, lines: Lines, *, special: str = ""
    ) -> FileFacts:
        """Write a month's invoice lines. `special` is empty, `broken` or `page_breaks`.

        The broken one was mended by hand in Excel, one would guess: five rows are beyond repair, the total row is gone.
        """
        random = stream(self.seed, f"dirt {path.stem.rsplit('_', 1)[0]}")
        self.connection.register("printed_sales", self._sales_columns(random, documents, lines))
        inserts: list[_Insert] = []
        if special == "broken":
            inserts = _broken_sales(random, self, month, len(lines.document), len(documents.number), delivered)
        elif special == "page_breaks":
            inserts = _page_breaks(len(lines.document), SALES_HEADER)
        sums = {
            "数量": Decimal(int(lines.quantity.sum())),
            "价税合计(万元)": _ten_thousands(lines.amount_cents),
            "成本(万元)": _ten_thousands(lines.cost_cents[lines.has_cost]),
        }
        has_total = not self.is_clean and special != "broken"
        rows = len(lines.document)
        return self._write(path, delivered, "sales_line", SALES_HEADER, _SALES_SQL, rows, inserts, sums, has_total)

    def payments(
        self, path: Path, delivered: date, month: Month, receipts: Receipts, *, special: str = ""
    ) -> FileFacts:
        """Write a month's receipts. If `special` is `broken`, two rows are; the total row counts their amounts."""
        random = stream(self.seed, f"dirt {path.stem.rsplit('_', 1)[0]}")
        self.connection.register("printed_payments", self._payment_columns(random, receipts))
        sums = {"回款金额": Decimal(int(receipts.amount_cents.sum())).scaleb(-2)}
        rows = len(receipts.day)
        inserts = _broken_payments(random, self, month, rows) if special == "broken" else []
        has_total = not self.is_clean
        return self._write(path, delivered, "payment", PAYMENT_HEADER, _PAYMENT_SQL, rows, inserts, sums, has_total)

    def _sales_columns(self, random: np.random.Generator, documents: Documents, lines: Lines) -> pa.Table:
        count = len(lines.document)
        document = lines.document
        unknown = ~lines.has_cost
        return pa.table(
            {
                "place": pa.array(np.arange(count, dtype=np.int64)),
                "number": documents.number[document],
                "line": lines.number,
                "day_text": self._day_texts(random, documents.day[document]),
                "customer": self.codes.take(pa.array(documents.billed[document])),
                "product": self.product_codes.take(pa.array(lines.product)),
                "line_kind": _words(LINE_KINDS, self.products.line_kind[lines.product]),
                "quantity": lines.quantity,
                "price": lines.price_cents,
                "amount": decimals(lines.amount_cents, 6),
                "tax": self.products.tax_percent[lines.product],
                "cost": decimals(lines.cost_cents, 6),
                "cost_form": np.where(unknown, 1 + (document % 5 == 0), 0).astype(np.int8),
                "status": _words(DOCUMENT_STATUSES, documents.status[document]),
                "is_return": documents.is_return[document],
                "takes_back": documents.takes_back[document],
                "number_form": self._some(random, count, 0.02, 3),
                "code_form": self._some(random, count, 0.01, 3),
                "tax_form": self._some(random, count, 0.1, 1),
                "bracketed": np.full(count, not self.is_clean) & (random.random(count) < 0.5),
                "is_clean": np.full(count, self.is_clean),
            }
        )

    def _payment_columns(self, random: np.random.Generator, receipts: Receipts) -> pa.Table:
        count = len(receipts.day)
        offsets = np.cumsum([0, *(len(spelling) for spelling in _SPELLINGS)])
        lengths = np.array([len(spelling) for spelling in _SPELLINGS])[receipts.instrument]
        variant = np.zeros(count) if self.is_clean else random.random(count) ** 2 * lengths
        words = [word for spelling in _SPELLINGS for word in spelling]
        has_note = receipts.note_due != NO_DOCUMENT
        return pa.table(
            {
                "place": pa.array(np.arange(count, dtype=np.int64)),
                "number": receipts.number,
                "customer": self.codes.take(pa.array(receipts.billed)),
                "day_text": self._day_texts(random, receipts.day),
                "amount": decimals(receipts.amount_cents, 2),
                "cents": receipts.amount_cents,
                "instrument": _words(words, offsets[receipts.instrument] + variant.astype(np.int64)),
                "note_due": pa.array(receipts.note_due.astype(np.int32), mask=~has_note).cast(pa.date32()),
                "settles": receipts.settles,
                "number_form": self._some(random, count, 0.02, 3),
                "code_form": self._some(random, count, 0.01, 3),
                "bracketed": np.full(count, not self.is_clean) & (random.random(count) < 0.5),
                "is_clean": np.full(count, self.is_clean),
            }
        )

    def _some(
        self, random: np.random.Generator, count: int, share: float, forms: int
    ) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
        """Which rows are printed in another form: 0 for most, 1 … `forms` for a small share of them."""
        drawn = np.where(random.random(count) < share, random.integers(1, forms + 1, count), 0)
        return (drawn * (not self.is_clean)).astype(np.int8)

    def _day_texts(self, random: np.random.Generator, days: Numbers) -> pa.Array:
        """Dates as text: each file has its habit, a few rows another. Every day is formatted once and looked up."""
        count = len(days)
        habit = 0 if self.is_clean else int(random.choice(5, p=[0.5, 0.25, 0.1, 0.1, 0.05]))
        form = np.where(self._some(random, count, 0.03, 1) > 0, random.integers(0, len(_DATE_FORMS), count), habit)
        first = int(days.min()) if count else 0
        span = int(days.max()) - first + 1 if count else 1
        words = [_day_text(date.fromordinal(EPOCH + first + day), name) for name in _DATE_FORMS for day in range(span)]
        return _words(words, form * span + days - first)

    def _write(
        self,
        path: Path,
        delivered: date,
        entity: str,
        header: tuple[str, ...],
        sql: str,
        rows: int,
        inserts: list[_Insert],
        sums: dict[str, Decimal],
        has_total: bool,
    ) -> FileFacts:
        style = PLAIN_UTF8 if self.is_clean else EXCEL_GBK
        inserts = sorted(inserts, key=lambda insert: insert.place)
        if inserts:
            sql = self._with_inserts(sql, header, inserts)
        else:
            sql = f"SELECT {', '.join(map(_quoted, header))} FROM ({sql})"
        for name in sums:
            sums[name] += sum((_readable(row.cells[header.index(name)]) for row in inserts if row.rule), Decimal(0))
        total = [_total_row(header, sums)] if has_total else []
        write_text(self.connection, sql, path, style, scratch=self.scratch, after=total)
        kinds = [insert.kind for insert in inserts]
        planted = tuple(
            # Below the header (record 1) and the data rows and inserts before it.
            PlantedRow(path.name, 2 + insert.place + number, insert.rule, insert.key, "quarantined")
            for number, insert in enumerate(inserts)
            if insert.kind == "broken"
        )
        return FileFacts(
            file=path.name,
            entity=entity,
            encoding=style.encoding,
            delivered_date=delivered,
            rows_header=1 + kinds.count("header"),
            rows_data=rows + kinds.count("broken"),
            rows_total=len(total),
            rows_blank=kinds.count("blank"),
            rows_title=0,
            sums=sums,
            planted=planted,
        )

    def _with_inserts(self, sql: str, header: tuple[str, ...], inserts: list[_Insert]) -> str:
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


# --- how values look --------------------------------------------------------------------------------------------------


def _grouped(units: str, places: int) -> str:
    """SQL: a whole number of the smallest unit with thousands separators and its decimals."""
    scale = 10**places
    return (
        f"(CASE WHEN {units} < 0 THEN '-' ELSE '' END || format('{{:,}}', abs({units}) // {scale}) || '.' || "
        f"lpad((abs({units}) % {scale})::VARCHAR, {places}, '0'))"
    )


def _dirty(text: str, is_negative: str = "false") -> str:
    """SQL: the number as text in the form the row asks for: in brackets, full-width, with ￥, or with blanks."""
    full_width = f"translate({text}, '0123456789.,-', '０１２３４５６７８９．，－')"
    return (
        f"CASE WHEN {is_negative} AND bracketed THEN '(' || ltrim({text}, '-') || ')' WHEN number_form = 0 THEN {text} "
        f"WHEN number_form = 1 THEN {full_width} WHEN number_form = 2 THEN '￥' || {text} ELSE ' ' || {text} || ' ' END"
    )


_CUSTOMER_TEXT = """CASE code_form WHEN 0 THEN customer WHEN 1 THEN customer || ' ' WHEN 2 THEN customer || chr(12288)
            ELSE chr(9) || customer END"""
_YUAN = "(price::DECIMAL(18,0) * 0.01)::DECIMAL(18,2)::VARCHAR"
_PRICE = f"CASE WHEN price < 100000 OR is_clean THEN {_YUAN} ELSE {_grouped('price', 2)} END"
_QUANTITY = "CASE WHEN abs(quantity) < 1000 OR is_clean THEN quantity::VARCHAR ELSE format('{:,}', quantity) END"
_WIDE_QUANTITY = f"translate({_QUANTITY}, '0123456789,-', '０１２３４５６７８９，－')"
_RECEIVED = f"CASE WHEN abs(cents) < 100000 OR is_clean THEN amount::VARCHAR ELSE {_grouped('cents', 2)} END"

_SALES_SQL = f"""
    SELECT place, '销售发票' AS "单据类型", 'XS' || number AS "单据编号", line::VARCHAR AS "行号",
        day_text AS "单据日期", {_CUSTOMER_TEXT} AS "客户编码", product AS "产品编码", line_kind AS "行类别",
        CASE WHEN number_form = 1 THEN {_WIDE_QUANTITY} ELSE {_QUANTITY} END AS "数量",
        {_dirty(_PRICE)} AS "单价", {_dirty("amount::VARCHAR", "amount < 0")} AS "价税合计(万元)",
        CASE WHEN tax_form = 0 AND NOT is_clean THEN tax || '%' ELSE '0.' || lpad(tax::VARCHAR, 2, '0') END AS "税率",
        CASE cost_form WHEN 0 THEN {_dirty("cost::VARCHAR", "cost < 0")} WHEN 1 THEN NULL
            ELSE CASE WHEN is_clean THEN NULL ELSE '-' END END AS "成本(万元)",
        status AS "单据状态", CASE WHEN is_return THEN '是' ELSE '否' END AS "是否退货",
        CASE WHEN takes_back >= 0 THEN 'XS' || takes_back END AS "原单据编号"
    FROM printed_sales
"""

_PAYMENT_SQL = f"""
    SELECT place, 'SK' || number AS "收款单号", {_CUSTOMER_TEXT} AS "客户编码", day_text AS "回款日期",
        {_dirty(_RECEIVED, "cents < 0")} AS "回款金额", instrument AS "结算方式", note_due::VARCHAR AS "票据到期日",
        'XS' || settles AS "核销发票号"
    FROM printed_payments
"""


def _words(words: Sequence[str], places: Numbers) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(words))


def _quoted(name: str) -> str:
    return f'"{name}"'


def _day_text(day: date, form: str) -> str:
    return str(day.toordinal() - _EXCEL_EPOCH) if form == "serial" else day.strftime(form)


def _ten_thousands(cents: Numbers) -> Decimal:
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


def _broken_sales(
    random: np.random.Generator, printer: Printer, month: Month, rows: int, documents: int, delivered: date
) -> list[_Insert]:
    """One extra invoice line for each way a row can be beyond repair, each with a document number of its own."""
    good = {
        "单据类型": "销售发票", "行号": "1", "单据日期": f"{month.first:%Y-%m-%d}",
        "产品编码": printer.product_codes[0].as_py(), "行类别": "商品", "数量": "10", "单价": "128.00",
        "价税合计(万元)": "0.128000", "税率": "13%", "成本(万元)": "0.083600", "单据状态": "已审核", "是否退货": "否",
    }  # fmt: skip
    ahead = delivered + timedelta(days=40)
    breaks: list[tuple[str, dict[str, str | None]]] = [
        ("amount_gross_not_an_amount", {"价税合计(万元)": "见附件"}),
        ("document_date_not_a_date", {"单据日期": "待定"}),
        ("code_in_scientific_notation", {"客户编码": "4.403E+11"}),
        ("customer_id_required", {"客户编码": None}),
        ("document_date_after_delivery", {"单据日期": f"{ahead:%Y-%m-%d}"}),
    ]
    keys = [f"XS{int(month.name) * 10**7 + documents + number}" for number in range(1, len(breaks) + 1)]
    return _broken(random, printer, rows, SALES_HEADER, good, breaks, "单据编号", keys)


def _broken_payments(random: np.random.Generator, printer: Printer, month: Month, rows: int) -> list[_Insert]:
    """A receipt nobody has claimed yet, and one without a day."""
    good = {"回款日期": f"{month.first:%Y-%m-%d}", "回款金额": "8,600.00", "结算方式": "电汇"}
    breaks: list[tuple[str, dict[str, str | None]]] = [
        ("customer_id_required", {"客户编码": None}),
        ("received_date_not_a_date", {"回款日期": "月底"}),
    ]
    keys = [f"SK{int(month.name) * 10**7 + rows + number}" for number in range(1, len(breaks) + 1)]
    return _broken(random, printer, rows, PAYMENT_HEADER, good, breaks, "收款单号", keys)


def _broken(
    random: np.random.Generator,
    printer: Printer,
    rows: int,
    header: tuple[str, ...],
    good: dict[str, str],
    breaks: list[tuple[str, dict[str, str | None]]],
    key_header: str,
    keys: list[str],
) -> list[_Insert]:
    places = np.sort(random.integers(0, rows + 1, len(breaks))).tolist()
    customers = printer.codes.take(pa.array(random.integers(0, len(printer.codes), len(breaks)))).to_pylist()
    inserts = []
    for place, customer, key, (rule, changes) in zip(places, customers, keys, breaks, strict=True):
        cells: dict[str, str | None] = {**good, "客户编码": customer, key_header: key, **changes}
        inserts.append(_Insert(place, tuple(cells.get(name) for name in header), "broken", rule, key))
    return inserts


def _page_breaks(rows: int, header: tuple[str, ...], page: int = 60) -> list[_Insert]:
    """A blank line and the header again after each page of rows."""
    blank: tuple[None, ...] = (None,) * len(header)
    return [
        insert
        for place in range(page, rows, page)
        for insert in (_Insert(place, blank, "blank"), _Insert(place, header, "header"))
    ]


def as_first_delivered(documents: Documents, lines: Lines) -> tuple[Documents, Lines]:
    """The month as it stood before its correction: two invoices missing, one since withdrawn, some wrong quantities.

    Invoice numbers do not move. A month with fewer than four plain invoices is handed back as it is.
    """
    count = len(documents.number)
    quiet = np.flatnonzero(~documents.is_return & ~documents.is_settled_elsewhere)
    if len(quiet) < 4:
        return documents, lines
    left_out, copied = quiet[:2], int(quiet[3])
    quantity = lines.quantity.copy()
    wrong = np.flatnonzero((lines.document % 17 == 5) & (quantity > 1))[:6]
    quantity[wrong] *= 10
    early = replace(lines, quantity=quantity, amount_cents=quantity * lines.price_cents)
    withdrawn = replace(pick(documents, np.array([copied])), number=documents.number[-1:] + 1, day=documents.day[-1:])
    its_lines = pick(lines, lines.document == copied)
    its_lines = replace(its_lines, document=np.full(len(its_lines.document), count, dtype=np.int64))
    all_documents, all_lines = stack([documents, withdrawn]), stack([early, its_lines])
    kept = ~np.isin(all_lines.document, left_out)
    return all_documents, pick(all_lines, kept)
