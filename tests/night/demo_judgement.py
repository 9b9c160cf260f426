"""The classes the demo's truth leads to, worked out from its months and reports alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction

from judgement_reference import Key, Trader

from kehu.tasks.abc_periods import Period, window_start

TruthRow = Mapping[str, str]
PARTY = "bill_to_customer_id"


def _month_end(month: str) -> date:
    year, number = map(int, month.split("-"))
    return date.fromordinal(date(year + number // 12, number % 12 + 1, 1).toordinal() - 1)


class Truth:
    """What was planted, by scored party."""

    def __init__(self, months: Sequence[TruthRow], reports: Sequence[TruthRow], customers: Sequence[TruthRow]) -> None:
        self.months = months
        self.reports = reports
        self.internal = {row["customer_id"] for row in customers if row["is_internal"] == "true"}

    def traders(self, period: Period) -> list[Trader]:
        """Everyone who traded in a period of whole months, with the values he is judged by."""
        inside = self._inside(period.start, period.end)
        brands = self._brand_shares(period.end)
        return [
            Trader(
                "demo",
                party,
                size=sum((Fraction(row["collected"]) for row in rows), Fraction(0)),
                gross_profit=_gross_profit(rows),
                brand_share=brands.get(party),
                is_internal=party in self.internal,
            )
            for party, rows in sorted(inside.items())
        ]

    def _inside(self, start: date | None, end: date) -> dict[str, list[TruthRow]]:
        found: dict[str, list[TruthRow]] = defaultdict(list)
        for row in self.months:
            last = _month_end(row["month"])
            if (start is None or last >= start) and last <= end:
                found[row[PARTY]].append(row)
        return found

    def _brand_shares(self, end: date) -> dict[str, Fraction]:
        after = window_start(end, 12)
        newest: dict[str, TruthRow] = {}
        for row in sorted(self.reports, key=lambda row: row["report_date"]):
            day = date.fromisoformat(row["report_date"])
            if after is not None and after <= day <= end:
                newest[row["customer_id"]] = row
        members: dict[str, list[TruthRow]] = defaultdict(list)
        for row in newest.values():
            members[row[PARTY]].append(row)
        inside = self._inside(after, end)
        shares = {party: _brand_share(party, reports, inside.get(party, [])) for party, reports in members.items()}
        return {party: share for party, share in shares.items() if share is not None}


def _gross_profit(rows: Sequence[TruthRow]) -> Fraction | None:
    lines = sum(int(row["lines"]) for row in rows)
    if lines and lines == sum(int(row["lines_without_cost"]) for row in rows):
        return None
    return sum((Fraction(row["gross_profit"]) for row in rows), Fraction(0))


def _brand_share(party: str, reports: Sequence[TruthRow], months: Sequence[TruthRow]) -> Fraction | None:
    own = [row for row in reports if row["customer_id"] == party]
    reports = own or reports
    names = ("resale_revenue_net", "resale_cost_net", "customer_gross_profit_net")
    told = [[Fraction(row[name]) for name in names] for row in reports if all(row[name] for name in names)]
    whole = sum((profit for *_, profit in told), Fraction(0))
    if told and whole > 0:
        return _six_decimals(sum((revenue - cost for revenue, cost, _ in told), Fraction(0)) / whole)
    purchases = sum((Fraction(row["category_purchases_net"] or 0) for row in reports), Fraction(0))
    stating = {row["customer_id"] for row in reports if row["category_purchases_net"]}
    bought = [Fraction(row["net_sales"]) for row in months if own or row["customer_id"] in stating]
    return _six_decimals(sum(bought, Fraction(0)) / purchases) if purchases > 0 else None


def _six_decimals(share: Fraction) -> Fraction:
    """As published and ranked: six decimals, halves to even."""
    return Fraction(round(share * 10**6), 10**6)


def ranked(verdicts: Mapping[Key, Mapping[str, object]]) -> dict[Key, str]:
    """The classes of those who have one."""
    return {key: str(row["abc_class"]) for key, row in verdicts.items() if row["abc_class"]}
