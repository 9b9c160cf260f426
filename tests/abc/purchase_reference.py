"""Purchases and stability once more, slow and obvious, in fractions: what the expressions are held against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

from kehu.tasks.stability import StabilityRules

Events = dict[date, Fraction]


@dataclass(frozen=True)
class Sold:
    """A sales line of one customer."""

    document: str
    line: str
    day: date
    amount: Decimal | None
    quantity: Decimal | None = None
    product: str | None = None
    returned: str | None = None
    order: str | None = None
    kind: str | None = None
    customer: str = "k"
    account: str | None = None


@dataclass
class _Kept:
    line: Sold
    amount: Fraction
    quantity: Fraction | None

    def take(self, amount: Fraction, quantity: Fraction) -> tuple[Fraction, Fraction]:
        """Take off what the line can bear; what it cannot is handed back."""
        from_amount = min(amount, self.amount)
        from_quantity = Fraction(0) if self.quantity is None else max(min(quantity, self.quantity), Fraction(0))
        self.amount -= from_amount
        self.quantity = None if self.quantity is None else self.quantity - from_quantity
        return amount - from_amount, quantity - from_quantity


def kept(lines: Sequence[Sold]) -> list[_Kept]:
    """What returns leave of the lines of one customer."""
    goods = [line for line in lines if line.kind in (None, "goods", "service")]
    bought = [
        _Kept(line, Fraction(line.amount), None if line.quantity is None else Fraction(line.quantity))
        for line in goods
        if line.amount is not None and line.amount > 0
    ]
    returns = [
        line
        for line in goods
        if not (line.amount is not None and line.amount > 0) and ((line.amount or 0) < 0 or (line.quantity or 0) < 0)
    ]
    documents = {item.line.document for item in bought}
    named = [line for line in returns if line.returned in documents]
    touched = {line.returned for line in named}
    for document in sorted({str(line.returned) for line in named}):
        _take_back(
            [item for item in bought if item.line.document == document],
            [line for line in named if line.returned == document],
        )
    free = [item for item in bought if item.line.document not in touched]
    gone: set[int] = set()
    for line in sorted(
        (line for line in returns if line not in named), key=lambda line: (line.day, line.document, line.line)
    ):
        like = [
            item
            for item in free
            if id(item) not in gone
            and item.line.day <= line.day
            and item.line.product == line.product
            and item.line.amount == -(line.amount or 0)
            and item.line.quantity == (None if line.quantity is None else -line.quantity)
        ]
        if like:
            gone.add(id(max(like, key=lambda item: (item.line.day, item.line.document, item.line.line))))
    return [item for item in bought if id(item) not in gone]


def _take_back(lines: list[_Kept], returns: list[Sold]) -> None:
    latest_first = sorted(lines, key=lambda item: (item.line.day, item.line.line), reverse=True)
    over_amount = over_quantity = Fraction(0)
    for product in {line.product for line in returns}:
        of_product = [line for line in returns if line.product == product]
        amount = sum((-Fraction(line.amount or 0) for line in of_product if (line.amount or 0) < 0), Fraction(0))
        quantity = sum((-Fraction(line.quantity or 0) for line in of_product if (line.quantity or 0) < 0), Fraction(0))
        for item in latest_first:
            if product is not None and item.line.product == product:
                amount, quantity = item.take(amount, quantity)
        over_amount, over_quantity = over_amount + amount, over_quantity + quantity
    for item in latest_first:
        over_amount, over_quantity = item.take(over_amount, over_quantity)


def events(lines: Iterable[Sold], merge_days: int = 7) -> dict[str, Events]:
    """The purchases of each customer by day; customers are told apart by account, purchases by the customer scored."""
    by_account: dict[str, list[Sold]] = defaultdict(list)
    for line in lines:
        by_account[line.account or line.customer].append(line)
    documents: dict[tuple[str, str | None, str, date], list[_Kept]] = defaultdict(list)
    for account in by_account.values():
        for item in kept(account):
            line = item.line
            documents[(line.customer, line.order, line.document, line.day)].append(item)
    first: dict[tuple[str, str | None], date] = {}
    counted = {key: items for key, items in documents.items() if _is_purchase(items)}
    for customer, order, _, day in counted:
        first[(customer, order)] = min(day, first.get((customer, order), day))
    found: dict[str, Events] = defaultdict(dict)
    for (customer, order, _, day), items in counted.items():
        begun = first[(customer, order)]
        on = begun if order is not None and (day - begun).days <= merge_days else day
        found[customer][on] = found[customer].get(on, Fraction(0)) + sum(item.amount for item in items)
    return dict(found)


def _is_purchase(items: Sequence[_Kept]) -> bool:
    known = [item.quantity for item in items if item.quantity is not None]
    return sum(item.amount for item in items) > 0 and (len(known) < len(items) or sum(known) > 0)


# --- stability --------------------------------------------------------------------------------------------------------


def stability(bought: Events, rules: StabilityRules, as_of: date) -> dict[str, Any] | None:
    """What `mart_customer_stability` says of one customer; None without a purchase in the window."""
    months = _complete_months(as_of, rules.months)
    days = sorted(day for day in bought if (day.year, day.month) >= months[0] and day <= as_of)
    if not days:
        return None
    cents = {day: Fraction(round(bought[day] * 100)) for day in days}
    gaps = [Fraction((later - day).days) for day, later in pairwise(days)]
    of_gaps, of_sizes = cv_squared(gaps), cv_squared(list(cents.values()))
    first = min(bought)
    observed = [month for month in months if month >= (first.year, first.month)]
    monthly = [
        sum((c for day, c in cents.items() if (day.year, day.month) == month), Fraction(0)) for month in observed
    ]
    active = len({(day.year, day.month) for day in days} & set(observed))
    mean_gap = sum(gaps, Fraction(0)) / len(gaps) if gaps else None
    months_between = mean_gap / Fraction("30.4375") if mean_gap is not None else None
    return {
        "purchase_events": len(days), "first_purchase_date": days[0], "last_purchase_date": days[-1],
        "window_start_date": date(*months[0], 1), "window_end_date": as_of,
        "mean_gap_days": published(mean_gap), "interval_cv": root(of_gaps), "size_cv": root(of_sizes),
        "stability_class": _class(len(days), of_gaps, of_sizes, rules),
        "demand_interval_months": published(months_between),
        "demand_pattern": _pattern(months_between, of_sizes, rules),
        "observed_months": len(observed), "active_months": active,
        "active_month_ratio": published(Fraction(active, len(observed))) if observed else None,
        "monthly_cv": root(cv_squared(monthly)), "monthly_trend": published(_trend(monthly)),
    }  # fmt: skip


def cv_squared(values: Sequence[Fraction]) -> Fraction | None:
    """Sample variance ÷ squared mean."""
    if len(values) < 2 or not sum(values):
        return None
    mean = sum(values, Fraction(0)) / len(values)
    return sum(((value - mean) ** 2 for value in values), Fraction(0)) / (len(values) - 1) / mean**2


def root(square: Fraction | None) -> Decimal | None:
    """The root to six decimals."""
    if square is None:
        return None
    with localcontext() as context:
        context.prec = 60
        exact = (Decimal(square.numerator) / Decimal(square.denominator)).sqrt()
        return exact.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


def published(value: Fraction | None) -> Decimal | None:
    """Six decimals, halves to even."""
    return None if value is None else Decimal(round(value * 10**6)).scaleb(-6)


def _complete_months(as_of: date, count: int) -> list[tuple[int, int]]:
    day = as_of + timedelta(days=1)
    found: list[tuple[int, int]] = []
    while len(found) < count:
        day = day.replace(day=1) - timedelta(days=1)
        found.append((day.year, day.month))
    return found[::-1]


def _class(count: int, gaps: Fraction | None, sizes: Fraction | None, rules: StabilityRules) -> str:
    if count < rules.events_needed or gaps is None or sizes is None:
        return "insufficient"
    names = ("stable", "fluctuating")
    for name, gap_cut, size_cut in zip(names, rules.interval_cuts, rules.size_cuts, strict=True):
        if gaps <= Fraction(gap_cut) ** 2 and sizes <= Fraction(size_cut) ** 2:
            return name
    return "unstable"


def _pattern(months_between: Fraction | None, sizes: Fraction | None, rules: StabilityRules) -> str | None:
    if months_between is None or sizes is None:
        return None
    is_seldom = months_between >= Fraction(rules.demand_interval_cut)
    is_uneven = sizes >= Fraction(rules.demand_size_cut)
    names: Mapping[tuple[bool, bool], str] = {
        (False, False): "smooth", (True, False): "intermittent", (False, True): "erratic", (True, True): "lumpy",
    }  # fmt: skip
    return names[(is_seldom, is_uneven)]


def _trend(monthly: Sequence[Fraction]) -> Fraction | None:
    count, whole = len(monthly), sum(monthly, Fraction(0))
    if count < 2 or not whole:
        return None
    mean, middle = whole / count, Fraction(count + 1, 2)
    steps = [t - middle for t in range(1, count + 1)]
    rise = sum((step * (value - mean) for step, value in zip(steps, monthly, strict=True)), Fraction(0))
    return rise / sum((step * step for step in steps), Fraction(0)) / mean
