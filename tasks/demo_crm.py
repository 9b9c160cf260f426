"""What the demo's salespeople and dealers tell: visits, written down as they please, and the dealers' yearly figures.

May import: `tasks.demo_printer` and what that may, numpy, pyarrow. Rows are columns of numbers, printed like documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from kehu.tasks.demo_files import EXCEL_UTF8
from kehu.tasks.demo_names import Numbers
from kehu.tasks.demo_printer import CUSTOMER_TEXT, FileFacts, Insert, Printer, broken_rows, words
from kehu.tasks.demo_timeline import APPROVED, EPOCH, Month, MonthOfTrade, days_of, net_of_tax
from kehu.tasks.demo_world import (
    DEALER,
    INTERNAL,
    LATE,
    NOBODY,
    PERSON,
    STORY_NAMES,
    Customers,
    Flags,
    Owner,
    Reals,
    stream,
)

VISIT_MONTHS = 12
"""Visits are written down in the last so many months only: the system for them came later than the one for invoices."""

VISIT_HEADER = ("拜访编号", "客户编码", "拜访日期", "拜访方式", "业务员编码", "拜访事由")
REPORT_HEADER = (
    "客户编码", "报告日期", "本品销售收入(万元)", "本品进货成本(万元)", "客户毛利总额(万元)", "品类采购总额(万元)",
    "填报人",
)  # fmt: skip

IN_PERSON, CALL, MESSAGE, MAIL = range(4)
_MODES = (("上门拜访", "拜访", "实地拜访"), ("电话", "电话拜访"), ("微信", "企业微信"), ("邮件",))
_MODE_WEIGHTS = np.cumsum([0.42, 0.30, 0.22, 0.06])
_MODE_WEIGHTS_OF_THE_LAZY = np.cumsum([0.12, 0.38, 0.42, 0.08])
_PURPOSES = ("日常维护", "新品推介", "催收货款", "合同洽谈", "技术支持")
_REMINDER = _PURPOSES.index("催收货款")
_LAZY_SHARE = 0.15
_MOST_A_MONTH = 5.0


# --- visits -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Visits:
    """Visits of a month by day; `billed` is the customer code printed, `mode` one of the four."""

    customer: Numbers
    billed: Numbers
    day: Numbers
    number: Numbers
    mode: Numbers
    owner: Numbers


@dataclass(frozen=True)
class Diary:
    """Who visits whom how often: the larger the customer the oftener; lazy salespeople make a quarter of the rounds.

    Attributes:
        customers: all customers.
        owners: all salespeople.
        seed: seed of the demo.
        is_lazy: by salesperson; the third one always is.
    """

    customers: Customers
    owners: list[Owner]
    seed: int
    is_lazy: Flags

    @classmethod
    def of(cls, customers: Customers, owners: list[Owner], seed: int) -> Diary:
        """The diary of a firm."""
        is_lazy = stream(seed, "lazy").random(len(owners)) < _LAZY_SHARE
        is_lazy[2:3] = True
        return cls(customers, owners, seed, is_lazy)

    def month(self, month: Month, months: int) -> Visits:
        """The visits of a month: a salesperson's rounds are shared out among his customers by size and liveliness."""
        customers = self.customers
        random = stream(self.seed, "visits", month.first.year * 100 + month.first.month)
        weight = self._weights(month, months)
        owned = np.bincount(customers.owner, minlength=len(self.owners))
        rounds = np.clip(owned * 0.9, 6, 22) * np.where(self.is_lazy, 0.25, 1.0)
        rounds *= ((month.last - month.first).days + 1) / 30.4
        per_owner = np.bincount(customers.owner, weight, minlength=len(self.owners))
        often = weight * (rounds / np.maximum(per_owner, 1e-9))[customers.owner]
        customer = np.repeat(np.arange(len(customers)), random.poisson(np.minimum(often, _MOST_A_MONTH)))
        day = days_of(random, month, len(customer))
        is_there = self._is_employed(customers.owner[customer], day)
        customer, day = customer[is_there], day[is_there]
        by_day = np.argsort(day, kind="stable")
        customer, day = customer[by_day], day[by_day]
        owner = customers.owner[customer]
        luck = random.random(len(customer))
        usual, lazy = (
            np.searchsorted(weights[:-1], luck, side="right") for weights in (_MODE_WEIGHTS, _MODE_WEIGHTS_OF_THE_LAZY)
        )
        return Visits(
            customer=customer,
            billed=customers.billed_as(month.number)[customer],
            day=day,
            number=int(month.name) * 10**7 + np.arange(1, len(customer) + 1),
            mode=np.where(self.is_lazy[owner], lazy, usual).astype(np.int64),
            owner=owner,
        )

    def _weights(self, month: Month, months: int) -> Reals:
        customers = self.customers
        size = customers.documents_per_month**1.2
        size *= np.where(customers.kind == PERSON, 0.2, 1.0) * (customers.kind != INTERNAL)
        prospects = customers.story == STORY_NAMES.index("prospect")
        lively = np.where(prospects, 0.6, np.clip(customers.activity(month.number, months), 0.15, 1.5))
        return np.asarray(size * lively, dtype=np.float64)

    def _is_employed(self, owner: Numbers, day: Numbers) -> Flags:
        hired = np.array([person.hired.toordinal() for person in self.owners]) - EPOCH
        left = np.array([(person.left or date.max).toordinal() for person in self.owners]) - EPOCH
        return np.asarray((hired[owner] <= day) & (day <= left[owner]), dtype=np.bool_)


def write_visits(
    printer: Printer, path: Path, delivered: date, month: Month, visits: Visits, diary: Diary, *, special: str = ""
) -> FileFacts:
    """Write a month's visits, from a system of its own: UTF-8 with a mark, no total. `broken` breaks two of them."""
    random = printer.dirt(path)
    count = len(visits.day)
    offsets = np.cumsum([0, *(len(spellings) for spellings in _MODES)])
    lengths = np.array([len(spellings) for spellings in _MODES])[visits.mode]
    variant = np.zeros(count) if printer.is_clean else random.random(count) ** 2 * lengths
    # Late payers are reminded oftener.
    is_reminded = (diary.customers.payer[visits.customer] >= LATE) & (random.random(count) < 0.4)
    purpose = np.where(is_reminded, _REMINDER, random.integers(0, len(_PURPOSES), count))
    spellings = [word for mode in _MODES for word in mode]
    printer.connection.register(
        "printed_visits",
        pa.table(
            {
                "place": pa.array(np.arange(count, dtype=np.int64)),
                "number": visits.number,
                "customer": printer.codes.take(pa.array(visits.billed)),
                "day_text": printer.day_texts(random, visits.day),
                "mode": words(spellings, offsets[visits.mode] + variant.astype(np.int64)),
                "owner": pa.array([owner.code for owner in diary.owners]).take(pa.array(visits.owner)),
                "purpose": words(_PURPOSES, purpose),
                "code_form": printer.some(random, count, 0.01, 3),
            }
        ),
    )
    inserts = _broken_visits(random, printer, month, count) if special == "broken" else []
    facts = FileFacts.of("visits", "visit", path, delivered, count, {})
    return printer.write(path, facts, VISIT_HEADER, _VISIT_SQL, inserts, has_total=False, dirty_style=EXCEL_UTF8)


_VISIT_SQL = f"""
    SELECT place, 'BF' || number AS "拜访编号", {CUSTOMER_TEXT} AS "客户编码", day_text AS "拜访日期",
        mode AS "拜访方式", owner AS "业务员编码", purpose AS "拜访事由"
    FROM printed_visits
"""


def _broken_visits(random: np.random.Generator, printer: Printer, month: Month, rows: int) -> list[Insert]:
    """A visit nobody knows the day of, and one to nobody."""
    good = {"拜访日期": f"{month.first:%Y-%m-%d}", "拜访方式": "电话", "拜访事由": "日常维护"}
    breaks: list[tuple[str, dict[str, str | None]]] = [
        ("visit_date_not_a_date", {"拜访日期": "上周五"}),
        ("customer_id_required", {"客户编码": None}),
    ]
    keys = [f"BF{int(month.name) * 10**7 + rows + number}" for number in range(1, len(breaks) + 1)]
    return broken_rows(random, printer, rows, VISIT_HEADER, good, breaks, "拜访编号", keys)


# --- the dealers' yearly figures --------------------------------------------------------------------------------------

MEASURED, PROXY, AT_A_LOSS, SILENT = range(4)
REPORT_KINDS: tuple[str, ...] = ("measured", "proxy", "at_a_loss", "silent")
"""What a dealer tells: his whole profit and what our goods bring; only what he buys of our categories; all of it, but
he earns nothing; nothing at all."""

_REPORT_KIND_WEIGHTS = np.cumsum([0.22, 0.20, 0.03, 0.55])
_MONTHS_NEEDED = 6
_LATE_SHARE = 0.2


@dataclass(frozen=True)
class Reports:
    """Figures of dealers in whole yuan; a figure not told is `NOT_TOLD`. Who `is_late` hands in after the rest."""

    report_date: date
    customer: Numbers
    is_late: Flags
    kind: Numbers
    revenue: Numbers
    cost: Numbers
    gross_profit: Numbers
    purchases: Numbers


NOT_TOLD = np.iinfo(np.int64).min


class ReportBook:
    """Adds up what each dealer buys in a calendar year, and makes the report of it that he hands in.

    Of a year of which the export shows only part (at least six months), the figures are scaled up to twelve months.
    """

    def __init__(self, customers: Customers, tax_percent: Numbers, seed: int) -> None:
        self._customers = customers
        self._tax_percent = tax_percent
        self._seed = seed
        self._bought = np.zeros(len(customers), dtype=np.int64)
        self._months = 0
        drawn = stream(seed, "report kinds").random(len(customers))
        # Whose code moves, and who has two, tells nothing: one report a customer and year.
        is_plain = (customers.kind == DEALER) & (customers.moved_to == NOBODY) & (customers.copy_of == NOBODY)
        is_plain[customers.moved_to[customers.moved_to != NOBODY]] = False
        kinds = np.searchsorted(_REPORT_KIND_WEIGHTS[:-1], drawn, side="right")
        self.kind = np.where(is_plain, kinds, SILENT).astype(np.int64)

    def add(self, trade: MonthOfTrade) -> Reports | None:
        """Book a month; the reports of the year if it is a whole December."""
        if trade.month.first.month == 1:
            self._bought[:] = 0
            self._months = 0
        documents, lines = trade.documents, trade.lines
        counts = (documents.status == APPROVED)[lines.document]
        net = net_of_tax(lines.amount_cents, self._tax_percent[lines.product])
        np.add.at(self._bought, documents.billed[lines.document][counts], net[counts])
        self._months += 1
        is_over = (trade.month.last.month, trade.month.last.day) == (12, 31) and self._months >= _MONTHS_NEEDED
        return self._reports(trade.month.last) if is_over else None

    def _reports(self, report_date: date) -> Reports:
        random = stream(self._seed, "reports", report_date.year)
        ours = self._bought * 12 // self._months // 10**6
        told = (self.kind != SILENT) & (ours >= 10_000) & (random.random(len(ours)) < 0.92)
        customer = np.flatnonzero(told)
        ours, kind = ours[customer], self.kind[customer]
        count = len(customer)
        sold = ours * random.uniform(0.85, 1.02, count)
        cost = np.rint(sold).astype(np.int64)
        revenue = np.rint(sold * random.uniform(1.04, 1.32, count)).astype(np.int64)
        profit = np.rint((revenue - cost) / random.uniform(0.08, 0.8, count)).astype(np.int64)
        profit = np.where(kind == AT_A_LOSS, -cost // 9, profit)
        purchases = np.rint(ours / random.uniform(0.12, 0.9, count)).astype(np.int64)
        tells_purchases = (kind != MEASURED) | (random.random(count) < 0.4)
        is_proxy = kind == PROXY
        return Reports(
            report_date=report_date,
            customer=customer,
            is_late=random.random(count) < _LATE_SHARE,
            kind=kind,
            revenue=np.where(is_proxy, NOT_TOLD, revenue),
            cost=np.where(is_proxy, NOT_TOLD, cost),
            gross_profit=np.where(is_proxy, NOT_TOLD, profit),
            purchases=np.where(tells_purchases, purchases, NOT_TOLD),
        )


def in_time(reports: Reports) -> Reports:
    """The reports of those who hand in early."""
    early = ~reports.is_late
    return Reports(
        report_date=reports.report_date,
        customer=reports.customer[early],
        is_late=reports.is_late[early],
        kind=reports.kind[early],
        revenue=reports.revenue[early],
        cost=reports.cost[early],
        gross_profit=reports.gross_profit[early],
        purchases=reports.purchases[early],
    )


def write_reports(printer: Printer, path: Path, delivered: date, reports: Reports) -> FileFacts:
    """Write the dealers' figures of a year in 万元, as collected from paper forms."""
    report_date = reports.report_date
    count = len(reports.customer)
    printer.connection.register(
        "printed_reports",
        pa.table(
            {
                "place": pa.array(np.arange(count, dtype=np.int64)),
                "customer": printer.codes.take(pa.array(reports.customer)),
                **{
                    name: pa.array(getattr(reports, name), mask=getattr(reports, name) == NOT_TOLD)
                    for name in ("revenue", "cost", "gross_profit", "purchases")
                },
            }
        ),
    )
    figures = ("revenue", "cost", "gross_profit", "purchases")
    printed = ", ".join(
        f'(({figure}::DECIMAL(18,0) * 0.0001)::DECIMAL(18,4))::VARCHAR AS "{header}"'
        for figure, header in zip(figures, REPORT_HEADER[2:6], strict=True)
    )
    day = f"{report_date:%Y-%m-%d}" if printer.is_clean else f"{report_date:%Y年%-m月%-d日}"
    query = (
        f"""SELECT place, customer AS "客户编码", '{day}' AS "报告日期", {printed}, '渠道部' AS "填报人" """
        "FROM printed_reports"
    )
    facts = FileFacts.of("channel_reports", "channel_report", path, delivered, count, {})
    return printer.write(path, facts, REPORT_HEADER, query, [], has_total=False)
