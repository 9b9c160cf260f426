"""The demo distributor's trade, month by month: invoices, returns, red letters and receipts as columns of numbers.

May import: `tasks.demo_world`, numpy. A month knows the past only through the small carry handed on to it (returns and
red letters still to come, receipts still due), so memory holds one month whatever the length. Money is whole cents.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import TypeVar

import numpy as np

from kehu.tasks.demo_names import Numbers
from kehu.tasks.demo_world import NOBODY, PAYERS, PERSON, UNSEEN_MONTHS, Customers, Flags, Products, Reals, stream

NO_DOCUMENT = -1
EPOCH = date(1970, 1, 1).toordinal()

APPROVED, DRAFT, CANCELLED = range(3)
DOCUMENT_STATUSES: tuple[str, ...] = ("已审核", "草稿", "已作废")

TRANSFER, BANK_NOTE, COMMERCIAL_NOTE, CASH, CHEQUE, VOUCHER = range(6)
_INSTRUMENT_WEIGHTS = np.cumsum(np.array([0.63, 0.21, 0.05, 0.03, 0.05, 0.03]))
NOTES = (BANK_NOTE, COMMERCIAL_NOTE, VOUCHER)

RETURNED_SHARE = 0.012
"""Share of a month's lines that come back, in part or in full, in the next month."""
REVERSED_SHARE = 0.004
"""Share of a month's invoices that are reversed by a red letter next month and issued again at a corrected price."""
WITHOUT_COST_SHARE = 0.015
NEVER_PAID_SHARE = 0.006

_LINES_PER_DOCUMENT = np.array([0.30, 0.25, 0.17, 0.11, 0.07, 0.05, 0.03, 0.02])
MEAN_LINES_PER_DOCUMENT = float(np.arange(1, 9) @ _LINES_PER_DOCUMENT)

_SPRING_FESTIVALS = (
    (2010, 2, 14), (2011, 2, 3), (2012, 1, 23), (2013, 2, 10), (2014, 1, 31), (2015, 2, 19), (2016, 2, 8),
    (2017, 1, 28), (2018, 2, 16), (2019, 2, 5), (2020, 1, 25), (2021, 2, 12), (2022, 2, 1), (2023, 1, 22),
    (2024, 2, 10), (2025, 1, 29), (2026, 2, 17), (2027, 2, 6), (2028, 1, 26), (2029, 2, 13), (2030, 2, 3),
    (2031, 1, 23), (2032, 2, 11), (2033, 1, 31), (2034, 2, 19), (2035, 2, 8),
)  # fmt: skip
_FESTIVAL_BY_YEAR = {year: date(year, month, day) for year, month, day in _SPRING_FESTIVALS}
_SEASON = (0.95, 0.98, 1.04, 1.0, 1.02, 1.03, 0.93, 0.95, 1.06, 1.0, 1.12, 1.3)
"""How the months of a year compare, working days aside: a quiet summer, a peak before the books close."""


# --- columns ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lines:
    """Invoice lines. `document` is the place of the line's invoice in the `Documents` beside it."""

    document: Numbers
    number: Numbers
    product: Numbers
    quantity: Numbers
    price_cents: Numbers
    amount_cents: Numbers
    cost_cents: Numbers
    has_cost: Flags


@dataclass(frozen=True)
class Documents:
    """Invoices. `customer` trades, `billed` is the code printed, `number` is yyyymm and seven digits.

    `day` counts from 1970; `takes_back` is the number of the invoice a return or red letter refers to.
    """

    customer: Numbers
    billed: Numbers
    day: Numbers
    number: Numbers
    status: Numbers
    is_return: Flags
    takes_back: Numbers
    is_settled_elsewhere: Flags


@dataclass(frozen=True)
class Receipts:
    """Money and notes received; `note_due` is `NO_DOCUMENT` without a note; `settles` is the invoice number."""

    customer: Numbers
    billed: Numbers
    day: Numbers
    number: Numbers
    amount_cents: Numbers
    instrument: Numbers
    note_due: Numbers
    settles: Numbers


Columns = TypeVar("Columns", Lines, Documents, Receipts)


def pick(columns: Columns, places: Numbers | Flags) -> Columns:
    """The rows at the given places (or where true), in that order."""
    return replace(columns, **{column.name: getattr(columns, column.name)[places] for column in fields(columns)})


def stack(parts: list[Columns]) -> Columns:
    """Several sets of rows under each other."""
    first = parts[0]
    return replace(
        first,
        **{column.name: np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(first)},
    )


# --- the calendar -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Month:
    """A month of the export: its number from 0, first and last day (the last month ends on as_of)."""

    number: int
    first: date
    last: date

    @property
    def name(self) -> str:
        """The month as in file names: yyyymm."""
        return f"{self.first:%Y%m}"


def months_until(as_of: date, count: int, before: int = 0) -> list[Month]:
    """The `count` months up to as_of, on which the last one ends; `before` earlier ones have numbers below 0."""
    found = []
    for number in range(-before, count):
        back = as_of.year * 12 + as_of.month - 1 - (count - 1 - number)
        first = date(back // 12, back % 12 + 1, 1)
        last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        found.append(Month(number, first, min(last, as_of)))
    return found


def _weight_of_day(day: date, last_of_month: date) -> float:
    festival = _FESTIVAL_BY_YEAR.get(day.year, date(day.year, 2, 5))
    weight = {5: 0.3, 6: 0.08}.get(day.weekday(), 1.0)
    if -7 <= (day - festival).days <= 9:
        weight *= 0.4
    elif 9 < (day - festival).days <= 20:
        weight *= 0.75
    if (day.month == 10 and day.day <= 7) or (day.month == 5 and day.day <= 5):
        weight *= 0.15
    if (last_of_month - day).days < 4:
        weight *= 1.7
    return weight


def _day_weights(month: Month) -> Reals:
    last_of_month = month.first.replace(day=calendar.monthrange(month.first.year, month.first.month)[1])
    days = (month.last - month.first).days + 1
    return np.array([_weight_of_day(month.first + timedelta(days=day), last_of_month) for day in range(days)])


def season(month: Month) -> float:
    """How lively the whole market is in a month, about 1: working days, festivals, time of the year."""
    return _SEASON[month.first.month - 1] * float(_day_weights(month).sum()) / 25


# --- a month ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MonthOfTrade:
    """What one month holds: documents in the order of their numbers, lines in that of their documents, receipts."""

    month: Month
    documents: Documents
    lines: Lines
    receipts: Receipts


@dataclass(frozen=True)
class _Carry:
    """What a month leaves for the next one."""

    clock: Reals
    returned: tuple[Documents, Lines] | None
    reversed: tuple[Documents, Lines] | None
    due: Receipts | None


def trade(
    seed: int, customers: Customers, products: Products, months: list[Month], lines: int
) -> Iterator[MonthOfTrade]:
    """The months in order, together about `lines` invoice lines.

    Purchases run on each customer's own clock, which its story, the season and its regularity drive: a regular buyer
    orders at even gaps. Returns and red letters refer to documents of the month before; receipts follow their invoices
    by the agreed term and the customer's habit; what is due after the last month is never seen. A few months before
    the first are traded unseen, so that the export begins as real ones do: with receipts for invoices it does not hold.
    """
    pace = _pace(customers, months, lines)
    start = stream(seed, "clock").random(len(customers))
    carry = _Carry(clock=start, returned=None, reversed=None, due=None)
    for month in months_until(months[-1].last, len(months), before=UNSEEN_MONTHS):
        trade_of_month, carry = _trade_of_month(seed, customers, products, month, len(months), pace, carry)
        if month.number >= 0:
            yield trade_of_month


def _pace(customers: Customers, months: list[Month], lines: int) -> float:
    wanted = sum(float(_intensity(customers, month, len(months)).sum()) for month in months)
    per_document = MEAN_LINES_PER_DOCUMENT * (1 + RETURNED_SHARE + 2 * REVERSED_SHARE)
    return lines / per_document / wanted if wanted else 0.0


def _intensity(customers: Customers, month: Month, months: int) -> Reals:
    return customers.documents_per_month * customers.activity(month.number, months) * season(month)


def _trade_of_month(
    seed: int, customers: Customers, products: Products, month: Month, months: int, pace: float, carry: _Carry
) -> tuple[MonthOfTrade, _Carry]:
    random = stream(seed, "trade", month.first.year * 100 + month.first.month)
    billed = customers.billed_as(month.number)
    # A gamma process: the more purchases a customer makes in a month, the less his months differ.
    advance = random.gamma(_intensity(customers, month, months) * pace * customers.regularity) / customers.regularity
    if month.number < 0:
        advance[customers.known_days == 0] = 0
    clock = carry.clock + advance
    count = np.floor(clock).astype(np.int64)
    buyers = np.repeat(np.arange(len(customers)), count)
    parts = [_sales(random, customers, products, month, months, buyers)]
    if carry.returned:
        parts.append(_returns(random, month, products, *carry.returned))
    if carry.reversed:
        parts.extend(_reversals(random, month, *carry.reversed))
    documents, lines = _numbered(month, billed, parts)
    receipts, due = _received(seed, customers, month, billed, documents, lines, carry.due)
    following = _Carry(clock - count, *_to_come(random, documents, lines), due)
    return MonthOfTrade(month, documents, lines, receipts), following


def _days(random: np.random.Generator, month: Month, count: int, earliest: int = 0) -> Numbers:
    weights = _day_weights(month)
    weights[: min(earliest, len(weights) - 1)] = 0
    ladder = np.cumsum(weights / weights.sum())
    within = np.minimum(np.searchsorted(ladder, random.random(count), side="right"), len(weights) - 1)
    return month.first.toordinal() - EPOCH + within.astype(np.int64)


def _fresh_documents(customer: Numbers, day: Numbers, status: Numbers) -> Documents:
    count = len(customer)
    return Documents(
        customer=customer,
        billed=np.full(count, NOBODY, dtype=np.int64),
        day=day,
        number=np.full(count, NO_DOCUMENT, dtype=np.int64),
        status=status,
        is_return=np.zeros(count, dtype=np.bool_),
        takes_back=np.full(count, NO_DOCUMENT, dtype=np.int64),
        is_settled_elsewhere=np.zeros(count, dtype=np.bool_),
    )


def _sales(
    random: np.random.Generator, customers: Customers, products: Products, month: Month, months: int, buyers: Numbers
) -> tuple[Documents, Lines]:
    count = len(buyers)
    luck = random.random(count)
    status = np.where(luck < 0.006, CANCELLED, APPROVED)
    if month.number == months - 1:
        status = np.where(luck > 0.99, DRAFT, status)
    documents = _fresh_documents(buyers, _days(random, month, count), status.astype(np.int64))
    per_document = 1 + np.searchsorted(np.cumsum(_LINES_PER_DOCUMENT)[:-1], random.random(count), side="right")
    document = np.repeat(np.arange(count), per_document)
    number = np.arange(len(document)) - np.repeat(np.cumsum(per_document) - per_document, per_document) + 1
    buyer = buyers[document]
    product = _products(random, products, customers.industry[buyer])
    spread = random.lognormal(0, 0.55, len(document))
    liked = products.usual_quantity[product] * 0.45 * customers.basket[buyer] ** 0.95 * spread
    is_goods = products.line_kind[product] == 0
    pieces = np.where(is_goods, np.maximum(np.rint(liked), 1), 1).astype(np.int64)
    quantity = np.where(pieces >= 200, pieces // 10 * 10, pieces)
    drift = 1 + 0.02 * (month.first.year - 2024 + month.first.month / 12)
    price = (
        products.price_cents[product] * drift * (1 - customers.discount[buyer]) * random.normal(1, 0.015, len(document))
    )
    price = np.where(is_goods, price, price * customers.basket[buyer] ** 0.4)
    price_cents = np.maximum(np.rint(price), 1).astype(np.int64)
    cost = quantity * products.price_cents[product] * drift / (1 + products.tax_percent[product] / 100)
    cost *= products.cost_share[product] * random.normal(1, 0.02, len(document))
    lines = Lines(
        document=document,
        number=number,
        product=product,
        quantity=quantity,
        price_cents=price_cents,
        amount_cents=quantity * price_cents,
        cost_cents=np.maximum(np.rint(cost), 1).astype(np.int64),
        has_cost=random.random(len(document)) >= WITHOUT_COST_SHARE,
    )
    return documents, lines


def _products(random: np.random.Generator, products: Products, industry: Numbers) -> Numbers:
    """One product a line, by the liking of the buyer's industry: all ladders end to end, one search for all lines."""
    rows, width = products.by_industry.shape
    end_to_end = (products.by_industry / products.by_industry[:, -1:] + np.arange(rows)[:, None]).ravel()
    found = np.searchsorted(end_to_end, industry + random.random(len(industry)), side="right") - industry * width
    places: Numbers = np.clip(found, 0, width - 1).astype(np.int64)
    return places


def _returns(
    random: np.random.Generator, month: Month, products: Products, sold: Documents, lines: Lines
) -> tuple[Documents, Lines]:
    """One document for each returned line: part or all of the quantity, at the price it was sold for."""
    count = len(lines.document)
    origin = pick(sold, lines.document)
    documents = replace(
        _fresh_documents(origin.customer, _days(random, month, count), np.full(count, APPROVED, dtype=np.int64)),
        is_return=np.ones(count, dtype=np.bool_),
        takes_back=origin.number,
    )
    is_goods = products.line_kind[lines.product] == 0
    share = np.where(random.random(count) < 0.4, 1.0, random.uniform(0.1, 0.8, count))
    back = np.where(is_goods, np.clip(np.rint(lines.quantity * share), 1, lines.quantity), lines.quantity).astype(
        np.int64
    )
    returned = replace(
        lines,
        document=np.arange(count),
        number=np.ones(count, dtype=np.int64),
        quantity=-back,
        amount_cents=-back * lines.price_cents,
        cost_cents=-(lines.cost_cents * back // lines.quantity),
    )
    return documents, returned


def _reversals(
    random: np.random.Generator, month: Month, sold: Documents, lines: Lines
) -> list[tuple[Documents, Lines]]:
    """A red letter for the whole invoice, and the invoice again 3 % cheaper. The first receipt settles both."""
    count = len(sold.customer)
    day = _days(random, month, count)
    approved = np.full(count, APPROVED, dtype=np.int64)
    fresh = replace(_fresh_documents(sold.customer, day, approved), is_settled_elsewhere=np.ones(count, dtype=np.bool_))
    red = replace(fresh, is_return=np.ones(count, dtype=np.bool_), takes_back=sold.number)
    red_lines = replace(lines, quantity=-lines.quantity, amount_cents=-lines.amount_cents, cost_cents=-lines.cost_cents)
    price_cents = np.maximum(lines.price_cents * 97 // 100, 1)
    again = replace(lines, price_cents=price_cents, amount_cents=lines.quantity * price_cents)
    return [(red, red_lines), (fresh, again)]


def _numbered(month: Month, billed: Numbers, parts: list[tuple[Documents, Lines]]) -> tuple[Documents, Lines]:
    """All documents of the month under one another by day, with their numbers, and the lines in the same order."""
    shifts = np.cumsum([0, *(len(documents.customer) for documents, _ in parts)])
    documents = stack([part for part, _ in parts])
    lines = stack(
        [replace(part, document=part.document + shift) for (_, part), shift in zip(parts, shifts, strict=False)]
    )
    order = np.argsort(documents.day, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    documents = pick(documents, order)
    number = int(month.name) * 10**7 + np.arange(1, len(order) + 1)
    documents = replace(documents, number=number, billed=billed[documents.customer])
    lines = replace(lines, document=place[lines.document])
    return documents, pick(lines, np.argsort(lines.document, kind="stable"))


def _to_come(
    random: np.random.Generator, documents: Documents, lines: Lines
) -> tuple[tuple[Documents, Lines], tuple[Documents, Lines]]:
    """Which lines will come back and which invoices will be reversed next month; never both of one invoice."""
    is_plain = (documents.status == APPROVED) & ~documents.is_return & ~documents.is_settled_elsewhere
    is_reversed = is_plain & (random.random(len(documents.customer)) < REVERSED_SHARE)
    may_return = (is_plain & ~is_reversed)[lines.document]
    is_returned = may_return & (random.random(len(lines.document)) < RETURNED_SHARE)
    # Only the invoices that are needed are kept, else a carry would hold on to a whole month.
    return (
        _with_their_documents(documents, pick(lines, is_returned)),
        _with_their_documents(documents, pick(lines, is_reversed[lines.document])),
    )


def _with_their_documents(documents: Documents, lines: Lines) -> tuple[Documents, Lines]:
    needed, place = np.unique(lines.document, return_inverse=True)
    return pick(documents, needed), replace(lines, document=place.astype(np.int64))


# --- receipts ---------------------------------------------------------------------------------------------------------


def _received(
    seed: int,
    customers: Customers,
    month: Month,
    billed: Numbers,
    documents: Documents,
    lines: Lines,
    due: Receipts | None,
) -> tuple[Receipts, Receipts]:
    """The receipts of the month, numbered by day, and those still to come."""
    promised = _promised(
        stream(seed, "receipts", month.first.year * 100 + month.first.month), customers, documents, lines
    )
    pending = stack([due, promised]) if due else promised
    is_now = pending.day <= month.last.toordinal() - EPOCH
    now, later = pick(pending, is_now), pick(pending, ~is_now)
    now = pick(now, np.argsort(now.day, kind="stable"))
    number = int(month.name) * 10**7 + np.arange(1, len(now.day) + 1)
    return replace(now, number=number, billed=billed[now.customer]), later


def _promised(random: np.random.Generator, customers: Customers, documents: Documents, lines: Lines) -> Receipts:
    """One receipt for each invoice that counts (a refund for a return), at the day the customer will pay."""
    amount = np.zeros(len(documents.customer), dtype=np.int64)
    np.add.at(amount, lines.document, lines.amount_cents)
    is_paid = (documents.status == APPROVED) & ~documents.is_settled_elsewhere
    is_paid &= random.random(len(amount)) >= NEVER_PAID_SHARE
    paid = pick(documents, is_paid)
    amount = amount[is_paid]
    count = len(amount)
    payer = customers.payer[paid.customer]
    means, spreads = (np.array([habit[place] for habit in PAYERS])[payer] for place in (2, 3))
    term = customers.term_days[paid.customer]
    lateness = np.rint(random.normal(means, spreads)).astype(np.int64)
    day = paid.day + np.maximum(term + lateness, 0)
    instrument = np.searchsorted(_INSTRUMENT_WEIGHTS[:-1], random.random(count), side="right")
    is_small = (amount < 2_000_000) | (customers.kind[paid.customer] == PERSON)
    instrument = np.where(is_small & np.isin(instrument, NOTES), TRANSFER, instrument)
    instrument = np.where(~is_small & (instrument == CASH), TRANSFER, instrument)
    tenor = np.where(random.random(count) < 0.6, 180, 90)
    return Receipts(
        customer=paid.customer,
        billed=paid.billed,
        day=day,
        number=np.full(count, NO_DOCUMENT, dtype=np.int64),
        amount_cents=amount,
        instrument=instrument.astype(np.int64),
        note_due=np.where(np.isin(instrument, NOTES), day + tenor, NO_DOCUMENT),
        settles=paid.number,
    )
