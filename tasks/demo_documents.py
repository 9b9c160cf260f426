"""The demo's files of orders, invoice lines and receipts, printed the way a Chinese ERP exports them, dirt included.

May import: `tasks.demo_printer` and what that may, numpy, pyarrow. Clean text is made by whole columns; only the few
planted records are put together one by one. What is planted is handed back, for the truth file.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa

from kehu.tasks.demo_files import decimals
from kehu.tasks.demo_printer import (
    CUSTOMER_TEXT,
    FileFacts,
    Insert,
    Printer,
    broken_rows,
    grouped,
    ten_thousands,
    untidy,
    words,
)
from kehu.tasks.demo_timeline import (
    DOCUMENT_STATUSES,
    EPOCH,
    NO_DOCUMENT,
    Documents,
    Lines,
    Month,
    Orders,
    Receipts,
    pick,
    stack,
)
from kehu.tasks.demo_world import LINE_KINDS, Flags

SALES_HEADER = (
    "单据类型", "单据编号", "行号", "单据日期", "客户编码", "产品编码", "行类别", "数量", "单价", "价税合计(万元)",
    "税率", "成本(万元)", "单据状态", "是否退货", "原单据编号", "来源订单号",
)  # fmt: skip
ORDER_HEADER = (
    "单据类型", "订单编号", "行号", "订单日期", "客户编码", "产品编码", "行类别", "订单数量", "单价", "价税合计(万元)",
    "税率", "订单状态",
)  # fmt: skip
PAYMENT_HEADER = (
    "收款单号", "客户编码", "回款日期", "回款金额", "结算方式", "票据到期日", "核销发票号", "回款状态", "回款状态日期",
)  # fmt: skip
BOUNCED_HEADER = (*PAYMENT_HEADER[:-1], "退票日期")

_SPELLINGS = (
    ("电汇", "银行转账", "网银"),
    ("银行承兑汇票", "银承"),
    ("商业承兑汇票", "商承"),
    ("现金",),
    ("支票",),
    ("供应链票据", "云信"),
)
"""How each instrument is written, in the order of the timeline's numbers."""

PAYMENT_STATUSES = ("已到账", "未到账", "退票")
CLEARED, PENDING, BOUNCED = range(3)
ORDER_STATUSES = ("执行中", "已关闭", "已取消")


def write_sales(
    printer: Printer,
    path: Path,
    delivered: date,
    month: Month,
    documents: Documents,
    lines: Lines,
    *,
    special: str = "",
) -> FileFacts:
    """Write a month's invoice lines. `special` is empty, `broken` or `page_breaks`.

    The broken one was mended by hand in Excel, one would guess: five rows are beyond repair, the total row is gone.
    """
    random = printer.dirt(path)
    printer.connection.register("printed_sales", _sales_columns(printer, random, documents, lines))
    inserts: list[Insert] = []
    if special == "broken":
        inserts = _broken_sales(random, printer, month, len(lines.document), len(documents.number), delivered)
    elif special == "page_breaks":
        inserts = _page_breaks(len(lines.document), SALES_HEADER)
    sums = {
        "数量": Decimal(int(lines.quantity.sum())),
        "价税合计(万元)": ten_thousands(lines.amount_cents),
        "成本(万元)": ten_thousands(lines.cost_cents[lines.has_cost]),
    }
    facts = FileFacts.of("sales", "sales_line", path, delivered, len(lines.document), sums)
    return printer.write(path, facts, SALES_HEADER, _SALES_SQL, inserts, has_total=special != "broken")


def write_orders(
    printer: Printer, path: Path, delivered: date, month: Month, orders: Orders, lines: Lines, *, special: str = ""
) -> FileFacts:
    """Write a month's order lines, each with the state of its order on the day of delivery.

    If `special` is `broken`, two rows are; the total row counts their readable values.
    """
    random = printer.dirt(path)
    printer.connection.register("printed_orders", _order_columns(printer, random, delivered, orders, lines))
    sums = {"订单数量": Decimal(int(lines.quantity.sum())), "价税合计(万元)": ten_thousands(lines.amount_cents)}
    rows = len(lines.document)
    inserts = _broken_orders(random, printer, month, rows, len(orders.number)) if special == "broken" else []
    facts = FileFacts.of("orders", "sales_line", path, delivered, rows, sums)
    return printer.write(path, facts, ORDER_HEADER, _ORDER_SQL, inserts)


def write_payments(
    printer: Printer, path: Path, delivered: date, month: Month, receipts: Receipts, *, special: str = ""
) -> FileFacts:
    """Write a month's receipts with what is known of them on the day of delivery.

    If `special` is `broken`, two rows are; the total row counts their amounts.
    """
    random = printer.dirt(path)
    is_bounced = (receipts.bounced != NO_DOCUMENT) & (receipts.bounced <= delivered.toordinal() - EPOCH)
    printer.connection.register("printed_payments", _payment_columns(printer, random, receipts, is_bounced))
    sums = {"回款金额": Decimal(int(receipts.amount_cents.sum())).scaleb(-2)}
    rows = len(receipts.day)
    inserts = _broken_payments(random, printer, month, rows) if special == "broken" else []
    facts = FileFacts.of("payments", "payment", path, delivered, rows, sums)
    return printer.write(path, facts, PAYMENT_HEADER, _PAYMENT_SQL, inserts)


def write_bounced(printer: Printer, path: Path, delivered: date, receipts: Receipts) -> FileFacts:
    """Write the register of bounced notes: the receipts again, with the day on which each came back."""
    is_bounced = np.ones(len(receipts.day), dtype=np.bool_)
    printer.connection.register("printed_payments", _payment_columns(printer, printer.dirt(path), receipts, is_bounced))
    sums = {"回款金额": Decimal(int(receipts.amount_cents.sum())).scaleb(-2)}
    facts = FileFacts.of("bounced_notes", "payment", path, delivered, len(receipts.day), sums)
    query = f'SELECT * RENAME ("回款状态日期" AS "退票日期") FROM ({_PAYMENT_SQL})'
    return printer.write(path, facts, BOUNCED_HEADER, query, [])


def _sales_columns(printer: Printer, random: np.random.Generator, documents: Documents, lines: Lines) -> pa.Table:
    count = len(lines.document)
    document = lines.document
    unknown = ~lines.has_cost
    return pa.table(
        {
            "place": pa.array(np.arange(count, dtype=np.int64)),
            "number": documents.number[document],
            "line": lines.number,
            "day_text": printer.day_texts(random, documents.day[document]),
            "customer": printer.codes.take(pa.array(documents.billed[document])),
            "product": printer.product_codes.take(pa.array(lines.product)),
            "line_kind": words(LINE_KINDS, printer.products.line_kind[lines.product]),
            "quantity": lines.quantity,
            "price": lines.price_cents,
            "amount": decimals(lines.amount_cents, 6),
            "tax": printer.products.tax_percent[lines.product],
            "cost": decimals(lines.cost_cents, 6),
            "cost_form": np.where(unknown, 1 + (document % 5 == 0), 0).astype(np.int8),
            "status": words(DOCUMENT_STATUSES, documents.status[document]),
            "is_return": documents.is_return[document],
            "takes_back": documents.takes_back[document],
            "ordered_as": documents.order[document],
            "number_form": printer.some(random, count, 0.02, 3),
            "code_form": printer.some(random, count, 0.01, 3),
            "tax_form": printer.some(random, count, 0.1, 1),
            "bracketed": np.full(count, not printer.is_clean) & (random.random(count) < 0.5),
            "is_clean": np.full(count, printer.is_clean),
        }
    )


def _order_columns(
    printer: Printer, random: np.random.Generator, delivered: date, orders: Orders, lines: Lines
) -> pa.Table:
    count = len(lines.document)
    order = lines.document
    is_closed = orders.fulfilled <= delivered.toordinal() - EPOCH
    status = np.where(orders.fulfilled == NO_DOCUMENT, 2, is_closed.astype(np.int64))
    return pa.table(
        {
            "place": pa.array(np.arange(count, dtype=np.int64)),
            "number": orders.number[order],
            "line": lines.number,
            "day_text": printer.day_texts(random, orders.day[order]),
            "customer": printer.codes.take(pa.array(orders.billed[order])),
            "product": printer.product_codes.take(pa.array(lines.product)),
            "line_kind": words(LINE_KINDS, printer.products.line_kind[lines.product]),
            "quantity": lines.quantity,
            "price": lines.price_cents,
            "amount": decimals(lines.amount_cents, 6),
            "tax": printer.products.tax_percent[lines.product],
            "status": words(ORDER_STATUSES, status[order]),
            "number_form": printer.some(random, count, 0.02, 3),
            "code_form": printer.some(random, count, 0.01, 3),
            "tax_form": printer.some(random, count, 0.1, 1),
            "bracketed": np.zeros(count, dtype=np.bool_),
            "is_clean": np.full(count, printer.is_clean),
        }
    )


def _payment_columns(printer: Printer, random: np.random.Generator, receipts: Receipts, is_bounced: Flags) -> pa.Table:
    count = len(receipts.day)
    offsets = np.cumsum([0, *(len(spelling) for spelling in _SPELLINGS)])
    lengths = np.array([len(spelling) for spelling in _SPELLINGS])[receipts.instrument]
    variant = np.zeros(count) if printer.is_clean else random.random(count) ** 2 * lengths
    spellings = [word for spelling in _SPELLINGS for word in spelling]
    has_note = receipts.note_due != NO_DOCUMENT
    # Of a note in hand nothing is said: it has neither come in nor come back.
    has_status = ~has_note | is_bounced
    status = np.where(is_bounced, BOUNCED, np.where(receipts.is_pending, PENDING, CLEARED))
    status_day = np.where(is_bounced, receipts.bounced, receipts.day)
    return pa.table(
        {
            "place": pa.array(np.arange(count, dtype=np.int64)),
            "number": receipts.number,
            "customer": printer.codes.take(pa.array(receipts.billed)),
            "day_text": printer.day_texts(random, receipts.day),
            "amount": decimals(receipts.amount_cents, 2),
            "cents": receipts.amount_cents,
            "instrument": words(spellings, offsets[receipts.instrument] + variant.astype(np.int64)),
            "note_due": pa.array(receipts.note_due.astype(np.int32), mask=~has_note).cast(pa.date32()),
            "settles": receipts.settles,
            "status": pa.array(PAYMENT_STATUSES).take(pa.array(status, mask=~has_status)),
            "status_day": pa.array(status_day.astype(np.int32), mask=~has_status).cast(pa.date32()),
            "number_form": printer.some(random, count, 0.02, 3),
            "code_form": printer.some(random, count, 0.01, 3),
            "bracketed": np.full(count, not printer.is_clean) & (random.random(count) < 0.5),
            "is_clean": np.full(count, printer.is_clean),
        }
    )


# --- how values look --------------------------------------------------------------------------------------------------


_YUAN = "(price::DECIMAL(18,0) * 0.01)::DECIMAL(18,2)::VARCHAR"
_PRICE = f"CASE WHEN price < 100000 OR is_clean THEN {_YUAN} ELSE {grouped('price', 2)} END"
_QUANTITY = "CASE WHEN abs(quantity) < 1000 OR is_clean THEN quantity::VARCHAR ELSE format('{:,}', quantity) END"
_WIDE_QUANTITY = f"translate({_QUANTITY}, '0123456789,-', '０１２３４５６７８９，－')"
_RECEIVED = f"CASE WHEN abs(cents) < 100000 OR is_clean THEN amount::VARCHAR ELSE {grouped('cents', 2)} END"

_SALES_SQL = f"""
    SELECT place, '销售发票' AS "单据类型", 'XS' || number AS "单据编号", line::VARCHAR AS "行号",
        day_text AS "单据日期", {CUSTOMER_TEXT} AS "客户编码", product AS "产品编码", line_kind AS "行类别",
        CASE WHEN number_form = 1 THEN {_WIDE_QUANTITY} ELSE {_QUANTITY} END AS "数量",
        {untidy(_PRICE)} AS "单价", {untidy("amount::VARCHAR", "amount < 0")} AS "价税合计(万元)",
        CASE WHEN tax_form = 0 AND NOT is_clean THEN tax || '%' ELSE '0.' || lpad(tax::VARCHAR, 2, '0') END AS "税率",
        CASE cost_form WHEN 0 THEN {untidy("cost::VARCHAR", "cost < 0")} WHEN 1 THEN NULL
            ELSE CASE WHEN is_clean THEN NULL ELSE '-' END END AS "成本(万元)",
        status AS "单据状态", CASE WHEN is_return THEN '是' ELSE '否' END AS "是否退货",
        CASE WHEN takes_back >= 0 THEN 'XS' || takes_back END AS "原单据编号", 'DD' || ordered_as AS "来源订单号"
    FROM printed_sales
"""

_ORDER_SQL = f"""
    SELECT place, '销售订单' AS "单据类型", 'DD' || number AS "订单编号", line::VARCHAR AS "行号",
        day_text AS "订单日期", {CUSTOMER_TEXT} AS "客户编码", product AS "产品编码", line_kind AS "行类别",
        {_QUANTITY} AS "订单数量", {untidy(_PRICE)} AS "单价", {untidy("amount::VARCHAR")} AS "价税合计(万元)",
        CASE WHEN tax_form = 0 AND NOT is_clean THEN tax || '%' ELSE '0.' || lpad(tax::VARCHAR, 2, '0') END AS "税率",
        status AS "订单状态"
    FROM printed_orders
"""

_PAYMENT_SQL = f"""
    SELECT place, 'SK' || number AS "收款单号", {CUSTOMER_TEXT} AS "客户编码", day_text AS "回款日期",
        {untidy(_RECEIVED, "cents < 0")} AS "回款金额", instrument AS "结算方式", note_due::VARCHAR AS "票据到期日",
        'XS' || settles AS "核销发票号", status AS "回款状态", status_day::VARCHAR AS "回款状态日期"
    FROM printed_payments
"""


# --- planted records --------------------------------------------------------------------------------------------------


def _broken_sales(
    random: np.random.Generator, printer: Printer, month: Month, rows: int, documents: int, delivered: date
) -> list[Insert]:
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
    return broken_rows(random, printer, rows, SALES_HEADER, good, breaks, "单据编号", keys)


def _broken_orders(random: np.random.Generator, printer: Printer, month: Month, rows: int, orders: int) -> list[Insert]:
    """An order line without an amount, and one without a day."""
    good = {
        "单据类型": "销售订单", "行号": "1", "订单日期": f"{month.first:%Y-%m-%d}",
        "产品编码": printer.product_codes[0].as_py(), "行类别": "商品", "订单数量": "20", "单价": "12.80",
        "价税合计(万元)": "0.025600", "税率": "13%", "订单状态": "执行中",
    }  # fmt: skip
    breaks: list[tuple[str, dict[str, str | None]]] = [
        ("amount_missing", {"价税合计(万元)": None}),
        ("document_date_not_a_date", {"订单日期": "下周"}),
    ]
    keys = [f"DD{int(month.name) * 10**7 + orders + number}" for number in range(1, len(breaks) + 1)]
    return broken_rows(random, printer, rows, ORDER_HEADER, good, breaks, "订单编号", keys)


def _broken_payments(random: np.random.Generator, printer: Printer, month: Month, rows: int) -> list[Insert]:
    """A receipt nobody has claimed yet, and one without a day."""
    good = {"回款日期": f"{month.first:%Y-%m-%d}", "回款金额": "8,600.00", "结算方式": "电汇"}
    breaks: list[tuple[str, dict[str, str | None]]] = [
        ("customer_id_required", {"客户编码": None}),
        ("received_date_not_a_date", {"回款日期": "月底"}),
    ]
    keys = [f"SK{int(month.name) * 10**7 + rows + number}" for number in range(1, len(breaks) + 1)]
    return broken_rows(random, printer, rows, PAYMENT_HEADER, good, breaks, "收款单号", keys)


def _page_breaks(rows: int, header: tuple[str, ...], page: int = 60) -> list[Insert]:
    """A blank line and the header again after each page of rows."""
    blank: tuple[None, ...] = (None,) * len(header)
    return [
        insert
        for place in range(page, rows, page)
        for insert in (Insert(place, blank, "blank"), Insert(place, header, "header"))
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
