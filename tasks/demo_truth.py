"""What the demo planted, worked out apart from the pipeline: the truth only tests read.

May import: `tasks.demo_*`, numpy, pyarrow. Sums are whole numbers (cents, millionths of a yuan) in exact arithmetic;
the classes come from a plain loop over a sorted list, not from the rules in `tasks/abc.py`. The folder holds:

`truth.json`: arguments, as_of, window_start; files with their counts and sums; `planted_rows` (file, record, rule, key,
outcome); `merges`; `duplicates` (customers entered twice and never merged: `customer_id`, `duplicate_of_customer_id`,
`way` same_uscc or name_variant); `lazy_owners`; `totals` of the trailing window, of orders, of all that was collected;
`parties` (counts of classes).

`customers.csv`, one row per customer code: story, turning_point (share of the whole time), payer (prompt, usual, late,
very_late), term_days, is_routine (the same goods at even gaps), is_internal, moved_to_customer_id and moved_from_date
(merged or renamed), bill_to_customer_id (head office of the final code, one level), group_customer_id (topmost head
office), duplicate_of_customer_id, first_document_date and last_document_date (invoices, of the code itself).

`classes.csv`, one row per scored party (account, bill_to) and customer: sums of the trailing window up to as_of, and
the classes of net sales and gross profit by quota and by cumulative share.

The others state the final account customer (after all merges of the export, whatever their day), its
bill_to_customer_id and its group_customer_id, and do not depend on a window. Internal customers are among them
(`is_internal` of customers.csv). Nothing broken, superseded, cancelled or in draft counts.

`months.csv`, one row per customer and calendar month (yyyy-mm, the last one up to as_of) with an invoice line that
counts or with money collected, by month and customer:
    lines, lines_without_cost: approved invoice lines, returns and red letters included; those of them without cost.
    net_sales: their amount without value-added tax in yuan, each line rounded half to even to six places.
    gross_profit: net_sales − cost of the lines that have a cost; 0 where none has (lines = lines_without_cost).
    collected: yuan including tax. Cash, transfer, cheque and bank acceptance on the day received, commercial acceptance
        and supply-chain voucher on the day due; dishonoured up to that day: never, later: minus on the day dishonoured;
        announced only (pending): never. What falls after as_of is left out, refunds are negative.

`receipts.csv`, one row per receipt that came to nothing up to as_of: payment_id, status (bounced, pending), instrument,
received_date, note_due_date, status_date, received (yuan).

`reports.csv`, one row per dealer and year that told his figures, in yuan as printed, empty = not told: report_date,
delivered_date (first known), kind (measured, proxy, at_a_loss: gross profit below zero, so that only the purchases
serve), resale_revenue_net, resale_cost_net, customer_gross_profit_net, category_purchases_net. At most one row per
customer and date.

`visits.csv`, one row per customer and calendar month with a visit: visits; of them in_person, calls, messages, mails.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from kehu.tasks.demo_files import decimals
from kehu.tasks.demo_names import Numbers
from kehu.tasks.demo_printer import FileFacts
from kehu.tasks.demo_timeline import APPROVED, EPOCH, NO_DOCUMENT, MonthOfTrade, net_of_tax
from kehu.tasks.demo_world import DUPLICATE_WAYS, INTERNAL, NOBODY, PAYERS, STORY_NAMES, Customers, Owner, Products

WINDOW_MONTHS = 12
QUOTA_SHARES = (1, 2, 2)
CUMULATIVE_CUTS_PERCENT = (55, 85)


def window_start(as_of: date, months: int = WINDOW_MONTHS) -> date:
    """First day of the window of so many months that ends on as_of: the day after the same day so many months ago."""
    place = as_of.year * 12 + as_of.month - 1 - months
    first = date(place // 12, place % 12 + 1, 1)
    end_of_month = (date((place + 1) // 12, (place + 1) % 12 + 1, 1) - first).days
    return first.replace(day=min(as_of.day, end_of_month)) + timedelta(days=1)


@dataclass
class Ledger:
    """Sums by customer code as printed, filled month by month: approved lines and receipts of the trailing window."""

    customers: Customers
    products: Products
    window_start: date
    as_of: date
    lines: Numbers = field(init=False)
    lines_without_cost: Numbers = field(init=False)
    net: Numbers = field(init=False)
    gross_profit: Numbers = field(init=False)
    received_cents: Numbers = field(init=False)
    first_order_day: Numbers = field(init=False)
    first_day: Numbers = field(init=False)
    last_day: Numbers = field(init=False)
    orders: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.customers)
        for name in ("lines", "lines_without_cost", "net", "gross_profit", "received_cents"):
            setattr(self, name, np.zeros(count, dtype=np.int64))
        self.first_order_day = np.full(count, np.iinfo(np.int64).max)
        self.first_day = np.full(count, np.iinfo(np.int64).max)
        self.last_day = np.full(count, NOBODY, dtype=np.int64)
        self.orders = dict.fromkeys(("orders", "order_lines", "orders_cancelled", "orders_not_yet_invoiced"), 0)

    def add(self, trade: MonthOfTrade) -> None:
        """Book a month."""
        documents, lines, orders = trade.documents, trade.lines, trade.orders
        np.minimum.at(self.first_order_day, orders.billed, orders.day)
        is_open = orders.fulfilled > self.as_of.toordinal() - EPOCH
        self.orders["orders"] += len(orders.day)
        self.orders["order_lines"] += len(trade.order_lines.document)
        self.orders["orders_cancelled"] += int((orders.fulfilled == NO_DOCUMENT).sum())
        self.orders["orders_not_yet_invoiced"] += int(is_open.sum())
        np.minimum.at(self.first_day, documents.billed, documents.day)
        np.maximum.at(self.last_day, documents.billed, documents.day)
        begin = self.window_start.toordinal() - EPOCH
        counts = ((documents.status == APPROVED) & (documents.day >= begin))[lines.document]
        billed = documents.billed[lines.document][counts]
        has_cost = lines.has_cost[counts]
        net = net_of_tax(lines.amount_cents, self.products.tax_percent[lines.product])[counts]
        profit = np.where(has_cost, net - lines.cost_cents[counts] * 10_000, 0)
        np.add.at(self.lines, billed, 1)
        np.add.at(self.lines_without_cost, billed, ~has_cost)
        np.add.at(self.net, billed, net)
        np.add.at(self.gross_profit, billed, profit)
        is_in = trade.receipts.day >= begin
        np.add.at(self.received_cents, trade.receipts.billed[is_in], trade.receipts.amount_cents[is_in])


# --- the reference for classes ----------------------------------------------------------------------------------------


def quota_seats(population: int) -> tuple[int, int, int]:
    """How many of a population are A, B and C by 1:2:2: largest remainder, ties to the better class, at least one A."""
    whole = sum(QUOTA_SHARES)
    seats = [population * share // whole for share in QUOTA_SHARES]
    rests = [population * share % whole for share in QUOTA_SHARES]
    for place in sorted(range(3), key=lambda place: (-rests[place], place))[: population - sum(seats)]:
        seats[place] += 1
    if population and not seats[0]:
        donor = 1 if seats[1] > seats[2] else 2
        seats[donor] -= 1
        seats[0] = 1
    return seats[0], seats[1], seats[2]


def classes(values: Sequence[tuple[str, int]]) -> dict[str, tuple[str, str]]:
    """The class by quota and by cumulative share (midpoint rule) of each customer with a value above zero.

    Largest first, equal values by customer code.
    """
    ranked = sorted(((code, value) for code, value in values if value > 0), key=lambda pair: (-pair[1], pair[0]))
    a_seats, b_seats, _ = quota_seats(len(ranked))
    total = sum(value for _, value in ranked)
    a_cut, b_cut = CUMULATIVE_CUTS_PERCENT
    found, before = {}, 0
    for place, (code, value) in enumerate(ranked):
        middle = (2 * before + value) * 100
        by_quota = "A" if place < a_seats else "B" if place < a_seats + b_seats else "C"
        by_share = "A" if place == 0 or middle <= 2 * a_cut * total else "B" if middle <= 2 * b_cut * total else "C"
        found[code] = (by_quota, by_share)
        before += value
    return found


# --- the files --------------------------------------------------------------------------------------------------------


def write_truth(
    folder: Path,
    ledger: Ledger,
    facts: Sequence[FileFacts],
    arguments: dict[str, Any],
    month_starts: Sequence[date],
    lazy_owners: Sequence[Owner],
    collected_cents: int,
) -> Path:
    """Write `truth.json` (files, planted rows, merges, totals), `customers.csv` (stories) and `classes.csv` (sums).

    The files by month, `demo_months` has written.

    Returns:
        The path of `truth.json`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    customers = ledger.customers
    _write_csv(folder / "customers.csv", _customer_columns(ledger, month_starts))
    summary = {}
    tables = []
    for party, place in (("account", customers.final), ("bill_to", customers.bill_to)):
        columns, counted = _party_columns(ledger, party, place)
        tables.append(columns)
        summary[party] = counted
    _write_csv(folder / "classes.csv", pa.concat_tables(tables))
    merges = [
        {
            "old_customer_id": customers.code[old],
            "customer_id": customers.code[int(customers.moved_to[old])],
            "from_date": month_starts[int(customers.moved_month[old])].isoformat(),
            "is_renamed": bool(customers.is_renamed[old]),
        }
        for old in np.flatnonzero(customers.moved_to != NOBODY).tolist()
    ]
    duplicates = [
        {
            "customer_id": customers.code[copy],
            "duplicate_of_customer_id": customers.code[int(customers.copy_of[copy])],
            "way": DUPLICATE_WAYS[int(customers.copy_way[copy])],
        }
        for copy in np.flatnonzero(customers.copy_of != NOBODY).tolist()
    ]
    truth = {
        "arguments": arguments,
        "as_of": ledger.as_of.isoformat(),
        "window_start": ledger.window_start.isoformat(),
        "files": [_file_entry(fact) for fact in facts],
        "planted_rows": [vars(row) for fact in facts for row in fact.planted],
        "merges": merges,
        "duplicates": duplicates,
        "lazy_owners": [owner.code for owner in lazy_owners],
        "totals": {
            **ledger.orders,
            "collected": str(Decimal(collected_cents).scaleb(-2)),
            "lines_in_window": int(ledger.lines.sum()),
            "net_sales": str(Decimal(int(ledger.net.sum())).scaleb(-6)),
            "gross_profit": str(Decimal(int(ledger.gross_profit.sum())).scaleb(-6)),
            "lines_without_cost": int(ledger.lines_without_cost.sum()),
            "received": str(Decimal(int(ledger.received_cents.sum())).scaleb(-2)),
        },
        "parties": summary,
    }
    path = folder / "truth.json"
    path.write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def _file_entry(fact: FileFacts) -> dict[str, Any]:
    entry = {name: value for name, value in vars(fact).items() if name != "planted"}
    return entry | {
        "delivered_date": fact.delivered_date.isoformat(),
        "sums": {header: str(value) for header, value in fact.sums.items()},
    }


def _customer_columns(ledger: Ledger, month_starts: Sequence[date]) -> pa.Table:
    customers = ledger.customers
    codes = pa.array(customers.code)
    has_moved = customers.moved_to != NOBODY
    starts = np.array([start.toordinal() - EPOCH for start in month_starts], dtype=np.int32)
    return pa.table(
        {
            "customer_id": codes,
            "story": pa.array(STORY_NAMES).take(pa.array(customers.story)),
            "turning_point": customers.turning_point.round(6),
            "payer": pa.array([name for name, *_ in PAYERS]).take(pa.array(customers.payer)),
            "term_days": customers.term_days,
            "is_routine": customers.is_routine,
            "is_internal": customers.kind == INTERNAL,
            "moved_to_customer_id": codes.take(pa.array(customers.moved_to, mask=~has_moved)),
            "moved_from_date": pa.array(starts[customers.moved_month], mask=~has_moved).cast(pa.date32()),
            "bill_to_customer_id": codes.take(pa.array(customers.bill_to)),
            "group_customer_id": codes.take(pa.array(customers.group)),
            "duplicate_of_customer_id": codes.take(pa.array(customers.copy_of, mask=customers.copy_of == NOBODY)),
            "first_document_date": _days(ledger.first_day, ledger.last_day != NOBODY),
            "last_document_date": _days(ledger.last_day, ledger.last_day != NOBODY),
        }
    )


def _days(days: Numbers, is_known: np.ndarray[Any, np.dtype[np.bool_]]) -> pa.Array:
    return pa.array(np.where(is_known, days, 0).astype(np.int32), mask=~is_known).cast(pa.date32())


def _party_columns(ledger: Ledger, party: str, place: Numbers) -> tuple[pa.Table, dict[str, Any]]:
    """One row for each scored party, its members' sums rolled up to `place`, with the classes of both indicators."""
    customers = ledger.customers
    count = len(customers)
    rolled: dict[str, Numbers] = {}
    for name in ("lines", "lines_without_cost", "net", "gross_profit", "received_cents"):
        rolled[name] = np.zeros(count, dtype=np.int64)
        np.add.at(rolled[name], place, getattr(ledger, name))
    scored = np.unique(place)
    codes = [customers.code[index] for index in scored.tolist()]
    is_ranked = customers.kind[scored] != INTERNAL
    has_cost = rolled["lines"][scored] > rolled["lines_without_cost"][scored]
    columns: dict[str, Any] = {
        "scored_party": [party] * len(codes),
        "customer_id": codes,
        "is_internal": ~is_ranked,
        "lines": rolled["lines"][scored],
        "lines_without_cost": rolled["lines_without_cost"][scored],
        "net_sales": decimals(rolled["net"][scored], 6),
        "gross_profit": decimals(rolled["gross_profit"][scored], 6),
        "received": decimals(rolled["received_cents"][scored], 2),
    }
    counted: dict[str, Any] = {"customers": len(codes), "internal": int((~is_ranked).sum())}
    for indicator, name, is_known in (
        ("sales", "net", is_ranked),
        ("gross_profit", "gross_profit", is_ranked & has_cost),
    ):
        values = rolled[name][scored].tolist()
        found = classes(
            [(code, value) for code, value, known in zip(codes, values, is_known.tolist(), strict=True) if known]
        )
        for number, method in enumerate(("quota", "cumulative")):
            given = [found[code][number] if code in found else None for code in codes]
            columns[f"{indicator}_class_{method}"] = pa.array(given, pa.string())
            counted[f"{indicator}_{method}"] = {letter: given.count(letter) for letter in "ABC"}
    return pa.table(columns), counted


def _write_csv(path: Path, table: pa.Table) -> None:
    pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(quoting_style="none"))
