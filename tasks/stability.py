"""Customer stability (ABC-7, R13): how evenly a customer buys, in time and in size, and the demand pattern.

May import: `config`, `schemas`, `tasks.core`, `tasks.exact`, `tasks.facts`, `tasks.purchase_events`. Tables in, table
out. Everything is decided on exact sums of whole days and whole cents; roots are only published.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from kehu.config.policy import Policy
from kehu.schemas import fields as f
from kehu.schemas import tables
from kehu.tasks import exact
from kehu.tasks.core import sales_bases
from kehu.tasks.facts import Facts, Mart, NothingToScore
from kehu.tasks.purchase_events import purchase_events

SIXTEEN_MONTHS = 487
"""Days of sixteen average months of 30.4375 days."""

_CUSTOMER = (f.source.name, f.company_id.name, f.customer_id.name, f.tax_basis.name)


@dataclass(frozen=True)
class StabilityRules:
    """The policy values stability reads; each attribute is the key `stability.<name>`.

    Attributes:
        months: complete calendar months of the window; the days since come on top.
        events_needed: purchases below which stability is insufficient.
        interval_cuts: CV of the gaps up to which a customer is stable, and fluctuating.
        size_cuts: CV of the amounts up to which a customer is stable, and fluctuating.
        demand_interval_cut: mean gap in months from which demand is seldom.
        demand_size_cut: squared CV of the amounts from which demand is uneven.
        merge_days: days after an order's first delivery in which its deliveries are one purchase.
    """

    months: int = 24
    events_needed: int = 4
    interval_cuts: tuple[Decimal, ...] = (Decimal("0.5"), Decimal("1.0"))
    size_cuts: tuple[Decimal, ...] = (Decimal("0.5"), Decimal("1.0"))
    demand_interval_cut: Decimal = Decimal("1.32")
    demand_size_cut: Decimal = Decimal("0.49")
    merge_days: int = 7

    @classmethod
    def from_policy(cls, policy: Policy) -> StabilityRules:
        """The rules in force.

        Raises:
            PolicyBlank: one of them is blank.
        """
        return cls(**{rule.name: policy.value(f"stability.{rule.name}") for rule in fields(cls)})


@dataclass(frozen=True)
class MonthWindow:
    """Complete calendar months and the days since.

    Attributes:
        start: first day, the first of a month.
        last_complete: last day of the last complete month.
        end: the day judged.
    """

    start: date
    last_complete: date
    end: date


def month_window(as_of: date, months: int) -> MonthWindow:
    """The last complete calendar months up to `as_of` and the days since; a month is complete on its last day."""
    tomorrow = as_of + timedelta(days=1)
    first_open = tomorrow.replace(day=1)
    year, month = divmod(first_open.year * 12 + first_open.month - 1 - months, 12)
    return MonthWindow(date(year, month + 1, 1), first_open - timedelta(days=1), as_of)


def customer_stability(events: ir.Table, rules: StabilityRules, *, as_of: date) -> ir.Table:
    """How evenly each customer buys.

    Rule: of the purchases in the window, n of them with amounts x in whole cents, and the n − 1 gaps g between them in
    whole days,

    - CV² of k values = k (k Σx² − (Σx)²) ÷ ((k − 1) (Σx)²): sample variance ÷ squared mean;
    - class: fewer than `events_needed` purchases → insufficient; CV of the gaps and of the amounts both within the
      first of their cuts → stable, both within the second → fluctuating, else unstable. A bound belongs to the better
      class. CV² is held against the squared cut by cross-multiplication;
    - demand pattern: mean gap ÷ 30.4375 days at or above `demand_interval_cut` is seldom, CV² of the amounts at or
      above `demand_size_cut` uneven: smooth (neither), intermittent (seldom), erratic (uneven), lumpy (both);
    - by calendar months: complete months of the window from the month of the first purchase ever known on, months
      without purchase as zero; CV of their sums y, and slope of the least-squares line through them ÷ their mean.

    Args:
        events: `purchase_events` up to as_of, those before the window included: the first one says how old a customer
            is.
        rules: the policy values.
        as_of: the day judged, last of the window.

    Units and shape: one row per customer and tax basis with a purchase in the window; columns of the contract
    `mart_customer_stability` without `as_of` and `run_id`.

    Edges: CVs of fewer than two values, pattern with one purchase, monthly figures over fewer than two months, or with
    no purchase in any of them: null; amounts that come to no cent count as too few purchases; a customer first known in
    the month that is not complete yet has no observed month and a null ratio.

    Policy: `stability.*`.

    Source: ABC-7; ruling R13; Syntetos, Boylan and Croston 2005 for the patterns.
    """
    window = month_window(as_of, rules.months)
    rows = _in_window(events, window)
    found = _spread(rows).left_join(_by_month(rows, window), _CUSTOMER, rname="month_{name}")
    months = _Moments(found["observed_months"], *(found[name].fill_null(exact.zero()) for name in ("y", "yy")))
    gaps = _Moments(found["purchase_events"] - 1, found["gap_days"], found["gap_days_squared"])
    sizes = _Moments(found["purchase_events"], found["cents"], found["cents_squared"])
    return found.select(
        *_CUSTOMER,
        "purchase_events",
        "first_purchase_date",
        "last_purchase_date",
        "observed_months",
        window_start_date=ibis.literal(window.start),
        window_end_date=ibis.literal(window.end),
        mean_gap_days=exact.ratio(gaps.sum, gaps.count),
        interval_cv=gaps.cv(),
        size_cv=sizes.cv(),
        stability_class=_class(found["purchase_events"], gaps, sizes, rules),
        demand_interval_months=exact.ratio(*_months_between(gaps)),
        demand_pattern=_pattern(gaps, sizes, rules),
        active_months=found["active_months"].fill_null(0),
        active_month_ratio=exact.ratio(found["active_months"].fill_null(0), found["observed_months"]),
        monthly_cv=months.cv(),
        monthly_trend=_trend(months, found["ty"].fill_null(exact.zero())),
    )


# --- sums -------------------------------------------------------------------------------------------------------------


def _in_window(events: ir.Table, window: MonthWindow) -> ir.Table:
    """Purchases in the window, with the days since the one before and the months the customer is observed."""
    day = events["purchase_date"]
    known = events.mutate(first_known=day.min().over(ibis.window(group_by=list(_CUSTOMER))))
    rows = known.filter((day >= ibis.literal(window.start)) & (day <= ibis.literal(window.end)))
    in_order = ibis.window(group_by=list(_CUSTOMER), order_by=[rows["purchase_date"].asc()])
    before = rows["purchase_date"].lag(1).over(in_order)
    first = _month(rows["first_known"])
    first = ibis.ifelse(first < _month_number(window.start), _month_number(window.start), first)
    last = _month_number(window.last_complete)
    return rows.mutate(
        cents=exact.whole_cents(rows["amount"]),
        gap=exact.widened(rows["purchase_date"].delta(before, unit="day")),
        month=_month(rows["purchase_date"]) - first + 1,
        observed_months=ibis.ifelse(first > last, 0, last - first + 1),
    )


def _spread(rows: ir.Table) -> ir.Table:
    """Number, first and last day, Σx and Σx² of gaps and amounts."""
    return rows.group_by([*_CUSTOMER, "observed_months"]).aggregate(
        purchase_events=rows.count(),
        first_purchase_date=rows["purchase_date"].min(),
        last_purchase_date=rows["purchase_date"].max(),
        gap_days=exact.total(rows["gap"]),
        gap_days_squared=exact.total(exact.product(rows["gap"], rows["gap"])),
        cents=exact.total(rows["cents"]),
        cents_squared=exact.total(exact.product(rows["cents"], rows["cents"])),
    )


def _by_month(rows: ir.Table, window: MonthWindow) -> ir.Table:
    """Active months, Σy, Σy² and Σty of the monthly sums y, t being 1 in the first month observed."""
    complete = rows.filter(rows["purchase_date"] <= ibis.literal(window.last_complete))
    monthly = complete.group_by([*_CUSTOMER, "month"]).aggregate(cents=exact.total(complete["cents"]))
    cents = monthly["cents"]
    return monthly.group_by(list(_CUSTOMER)).aggregate(
        active_months=monthly.count(),
        y=exact.total(cents),
        yy=exact.total(exact.product(cents, cents)),
        ty=exact.total(exact.times(cents, monthly["month"])),
    )


def _month(day: ir.DateValue) -> ir.IntegerValue:
    return day.year().cast("int64") * 12 + day.month()


def _month_number(day: date) -> int:
    return day.year * 12 + day.month


# --- verdicts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Moments:
    """Number, sum and sum of squares of some values of at least zero."""

    count: ir.IntegerValue
    sum: ir.DecimalValue
    squares: ir.DecimalValue

    def cv_squared(self) -> tuple[ir.DecimalValue, ir.DecimalValue]:
        """CV² as an exact numerator and denominator; the denominator is zero where CV is undefined."""
        square_of_sum = exact.product(self.sum, self.sum)
        spread = exact.times(self.squares, self.count) - square_of_sum
        degrees = ibis.ifelse(self.count > 1, self.count - 1, 0)
        return exact.times(spread, self.count), exact.times(square_of_sum, degrees)

    def has_cv(self) -> ir.BooleanValue:
        return (self.count > 1) & (self.sum > exact.zero())

    def cv(self) -> ir.DecimalValue:
        return exact.root_of_ratio(*self.cv_squared())

    def is_within(self, cut: Decimal) -> ir.BooleanValue:
        """CV ≤ cut."""
        part, bound = exact.compare_share(*self.cv_squared(), Fraction(cut) ** 2)
        return part <= bound


def _class(events: ir.IntegerValue, gaps: _Moments, sizes: _Moments, rules: StabilityRules) -> ir.StringValue:
    stable, fluctuating = (
        gaps.is_within(gap) & sizes.is_within(size)
        for gap, size in zip(rules.interval_cuts, rules.size_cuts, strict=True)
    )
    return ibis.cases(
        ((events < rules.events_needed) | ~sizes.has_cv(), "insufficient"),
        (stable, "stable"),
        (fluctuating, "fluctuating"),
        else_="unstable",
    )


def _months_between(gaps: _Moments) -> tuple[ir.DecimalValue, ir.DecimalValue]:
    """Mean gap ÷ 30.4375 days, as numerator and denominator."""
    return exact.times(gaps.sum, 16), exact.times(exact.widened(gaps.count), SIXTEEN_MONTHS)


def _pattern(gaps: _Moments, sizes: _Moments, rules: StabilityRules) -> ir.StringValue:
    gap, least_gap = exact.compare_share(*_months_between(gaps), rules.demand_interval_cut)
    spread, least_spread = exact.compare_share(*sizes.cv_squared(), rules.demand_size_cut)
    is_seldom, is_uneven = gap >= least_gap, spread >= least_spread
    return ibis.cases(
        (~sizes.has_cv(), ibis.null("string")),
        (is_seldom & is_uneven, "lumpy"),
        (is_seldom, "intermittent"),
        (is_uneven, "erratic"),
        else_="smooth",
    )


def _trend(months: _Moments, weighted: ir.DecimalValue) -> ir.DecimalValue:
    """Slope ÷ mean = (12 Σty − 6 (n + 1) Σy) ÷ ((n² − 1) Σy): for t = 1 … n the usual sums come to this."""
    count = months.count
    rise = exact.times(weighted, 12) - exact.times(exact.times(months.sum, 6), count + 1)
    degrees = ibis.ifelse(count > 1, count * count - 1, 0)
    return exact.ratio(rise, exact.times(months.sum, degrees))


# --- the mart ---------------------------------------------------------------------------------------------------------


def _stability_of_facts(facts: Facts) -> ir.Table:
    """The mart.

    Raises:
        NothingToScore: no line of the document type that counts is known.
    """
    rules = StabilityRules.from_policy(facts.policy)
    sales = facts.sales()
    if not facts.has_rows(sales):
        raise NothingToScore(f"no_sales_lines: {sales_bases(facts.sales_rules)}")
    events = facts.once("purchase_events", lambda: purchase_events(sales, merge_days=rules.merge_days))
    return customer_stability(events, rules, as_of=facts.as_of)


MARTS = (Mart(tables.MART_CUSTOMER_STABILITY, _stability_of_facts, made_from=(tables.DIM_CUSTOMER,), group="abc"),)
