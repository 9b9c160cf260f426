"""The demo's truth month by month: what each customer bought and paid and how often it was visited.

May import: `tasks.demo_crm`, `tasks.demo_timeline`, `tasks.demo_world`, numpy, pyarrow. Worked out apart from the
pipeline in whole numbers; every month is written when it is over, so memory holds one. The columns of `months.csv`,
`visits.csv`, `reports.csv` and `receipts.csv` are described in `demo_truth`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from kehu.tasks.demo_crm import NOT_TOLD, REPORT_KINDS, Reports, Visits
from kehu.tasks.demo_files import decimals
from kehu.tasks.demo_names import Numbers
from kehu.tasks.demo_timeline import (
    APPROVED,
    BANK_NOTE,
    CASH,
    CHEQUE,
    EPOCH,
    INSTRUMENTS,
    NO_DOCUMENT,
    TRANSFER,
    Month,
    MonthOfTrade,
    Receipts,
    net_of_tax,
)
from kehu.tasks.demo_world import Customers, Products

COUNTED_ON_RECEIPT = (TRANSFER, BANK_NOTE, CASH, CHEQUE)
"""Instruments that count as collected on the day they are received; the others when they mature."""

_PLAIN = pa.csv.WriteOptions(quoting_style="none")


def collection_events(receipts: Receipts) -> tuple[Numbers, Numbers, Numbers]:
    """What counts as collected and when: place in the receipts, day, cents.

    Announced receipts count never. A note that bounces up to the day it counts never counts; one that bounces later is
    taken back on the day it bounces.
    """
    counted = np.where(np.isin(receipts.instrument, COUNTED_ON_RECEIPT), receipts.day, receipts.note_due)
    has_bounced = receipts.bounced != NO_DOCUMENT
    comes = np.flatnonzero(~receipts.is_pending & ~(has_bounced & (receipts.bounced <= counted)))
    goes = comes[has_bounced[comes]]
    return (
        np.concatenate([comes, goes]),
        np.concatenate([counted[comes], receipts.bounced[goes]]),
        np.concatenate([receipts.amount_cents[comes], -receipts.amount_cents[goes]]),
    )


class MonthBook:
    """Writes the truth of each month into `folder` as the month is handed over."""

    def __init__(self, folder: Path, customers: Customers, products: Products, calendar: Sequence[Month]) -> None:
        self._folder = folder
        self._codes = pa.array(customers.code)
        self._final, self._bill_to, self._group = customers.final, customers.bill_to, customers.group
        self._tax_percent = products.tax_percent
        self._starts = np.array([month.first.toordinal() for month in calendar]) - EPOCH
        self._end = calendar[-1].last.toordinal() - EPOCH
        self._coming: dict[int, list[tuple[Numbers, Numbers]]] = defaultdict(list)
        self._open = ExitStack()
        self._writers: dict[str, pa.csv.CSVWriter] = {}
        self.collected_cents = 0

    def close(self) -> None:
        """Close the files."""
        self._open.close()

    def add_trade(self, trade: MonthOfTrade) -> None:
        """Write the customers who bought or paid in the month, and the receipts that came to nothing."""
        documents, lines, receipts = trade.documents, trade.lines, trade.receipts
        count = len(self._final)
        sums = {
            name: np.zeros(count, dtype=np.int64) for name in ("lines", "without_cost", "net", "profit", "collected")
        }
        is_active = np.zeros(count, dtype=np.bool_)
        counts = (documents.status == APPROVED)[lines.document]
        billed = self._final[documents.billed[lines.document][counts]]
        has_cost = lines.has_cost[counts]
        net = net_of_tax(lines.amount_cents, self._tax_percent[lines.product])[counts]
        np.add.at(sums["lines"], billed, 1)
        np.add.at(sums["without_cost"], billed, ~has_cost)
        np.add.at(sums["net"], billed, net)
        np.add.at(sums["profit"], billed, np.where(has_cost, net - lines.cost_cents[counts] * 10_000, 0))
        is_active[billed] = True
        self._expect(receipts)
        for customer, cents in self._coming.pop(trade.month.number, []):
            np.add.at(sums["collected"], customer, cents)
            is_active[customer] = True
        self.collected_cents += int(sums["collected"].sum())
        here = np.flatnonzero(is_active)
        self._write(
            "months",
            {
                **self._who(here),
                "month": _month_name(trade.month, len(here)),
                "lines": sums["lines"][here],
                "lines_without_cost": sums["without_cost"][here],
                "net_sales": decimals(sums["net"][here], 6),
                "gross_profit": decimals(sums["profit"][here], 6),
                "collected": decimals(sums["collected"][here], 2),
            },
        )
        self._write("receipts", self._troubled(receipts))

    def add_visits(self, month: Month, visits: Visits) -> None:
        """Write how often each customer was visited in the month."""
        counts = np.zeros((len(self._final), 4), dtype=np.int64)
        np.add.at(counts, (self._final[visits.billed], visits.mode), 1)
        here = np.flatnonzero(counts.any(axis=1))
        self._write(
            "visits",
            {
                **self._who(here),
                "month": _month_name(month, len(here)),
                "visits": counts[here].sum(axis=1),
                **{name: counts[here, place] for place, name in enumerate(("in_person", "calls", "messages", "mails"))},
            },
        )

    def add_reports(self, delivered: date, delivered_late: date, reports: Reports) -> None:
        """Write what the dealers told, and the day on which each figure was first delivered."""
        here = self._final[reports.customer]
        figures = ("revenue", "cost", "gross_profit", "purchases")
        printed = {name: _whole(getattr(reports, name)) for name in figures}
        self._write(
            "reports",
            {
                **self._who(here),
                "report_date": pa.array([reports.report_date] * len(here), pa.date32()),
                "delivered_date": pc.if_else(pa.array(reports.is_late), pa.scalar(delivered_late), delivered),
                "kind": pa.array(REPORT_KINDS).take(pa.array(reports.kind)),
                "resale_revenue_net": printed["revenue"],
                "resale_cost_net": printed["cost"],
                "customer_gross_profit_net": printed["gross_profit"],
                "category_purchases_net": printed["purchases"],
            },
        )

    def _expect(self, receipts: Receipts) -> None:
        place, day, cents = collection_events(receipts)
        is_seen = day <= self._end
        place, day, cents = place[is_seen], day[is_seen], cents[is_seen]
        month = np.searchsorted(self._starts, day, side="right") - 1
        customer = self._final[receipts.billed[place]]
        for number in np.unique(month).tolist():
            self._coming[number].append((customer[month == number], cents[month == number]))

    def _troubled(self, receipts: Receipts) -> dict[str, Any]:
        """Bounced notes and announced transfers."""
        is_troubled = receipts.is_pending | (receipts.bounced != NO_DOCUMENT)
        here = np.flatnonzero(is_troubled & (receipts.bounced <= self._end))
        numbers = pa.array(receipts.number[here]).cast(pa.string())
        return {
            **self._who(self._final[receipts.billed[here]]),
            "payment_id": pc.binary_join_element_wise("SK", numbers, ""),
            "status": pa.array(["bounced", "pending"]).take(pa.array(receipts.is_pending[here].astype(np.int64))),
            "instrument": pa.array(INSTRUMENTS).take(pa.array(receipts.instrument[here])),
            "received_date": _days(receipts.day[here]),
            "note_due_date": _days(receipts.note_due[here]),
            "status_date": _days(np.where(receipts.is_pending, receipts.day, receipts.bounced)[here]),
            "received": decimals(receipts.amount_cents[here], 2),
        }

    def _who(self, here: Numbers) -> dict[str, pa.Array]:
        return {
            "customer_id": self._codes.take(pa.array(here)),
            "bill_to_customer_id": self._codes.take(pa.array(self._bill_to[here])),
            "group_customer_id": self._codes.take(pa.array(self._group[here])),
        }

    def _write(self, name: str, columns: dict[str, Any]) -> None:
        table = pa.table(columns)
        if name not in self._writers:
            writer = pa.csv.CSVWriter(self._folder / f"{name}.csv", table.schema, write_options=_PLAIN)
            self._writers[name] = self._open.enter_context(writer)
        self._writers[name].write_table(table)


@contextmanager
def month_book(
    folder: Path, customers: Customers, products: Products, calendar: Sequence[Month]
) -> Iterator[MonthBook]:
    """The book, its files closed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    book = MonthBook(folder, customers, products, calendar)
    none = np.zeros(0, dtype=np.int64)
    day = calendar[0].first
    book.add_reports(day, day, Reports(day, none, none.astype(np.bool_), none, none, none, none, none))
    try:
        yield book
    finally:
        book.close()


def _month_name(month: Month, count: int) -> pa.Array:
    return pa.array([f"{month.first:%Y-%m}"] * count, pa.string())


def _whole(figures: Numbers) -> pa.Array:
    return pa.array(figures, mask=figures == NOT_TOLD)


def _days(days: Numbers) -> pa.Array:
    return pa.array(days.astype(np.int32), mask=days == NO_DOCUMENT).cast(pa.date32())
