"""What the marts of ABC share: from the facts of a run to values, ranks and the classes of every period.

May import: `config`, `schemas`, `tasks.abc*`, `tasks.brand_share`, `tasks.facts`. Only puts
together, and holds what is computed once; the rules stand in the modules it names.
"""

from __future__ import annotations

import ibis.expr.types as ir

from kehu.schemas import fields as f
from kehu.schemas import tables
from kehu.tasks.abc import combined_ranks, combined_scores, indicator_ranks, with_combined_class
from kehu.tasks.abc_periods import Period, bounds_of, ends_table, judged_period, periods_until, with_twelve_months
from kehu.tasks.abc_rules import AbcRules
from kehu.tasks.abc_values import (
    CUSTOMER,
    KEYS,
    collections_by_slice,
    collections_in_periods,
    sales_by_slice,
    sales_in_periods,
    sales_of_twelve_months,
    scored_customers,
    values_of_all,
    values_of_traders,
)
from kehu.tasks.brand_share import brand_shares
from kehu.tasks.core import sales_bases, with_accounts
from kehu.tasks.facts import Facts, NothingToScore

_PARTY = (*CUSTOMER, f.tax_basis.name)


class AbcFacts:
    """The interim results the ABC marts share, each computed once in a run."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.rules = AbcRules.from_policy(facts.policy)
        self.judged = judged_period(facts.as_of, self.rules)
        self._history = periods_until(facts.as_of, self.rules)
        self._periods = with_twelve_months(self._history)
        self._bounds = bounds_of(self._periods)

    def values(self) -> ir.Table:
        """`values_of_all` of the judged period."""
        return self.facts.once(
            "abc_values",
            lambda: values_of_all(
                self._population(), self._sales(), self._collections(), self._brand(), self.rules, self.judged
            ),
        )

    def ranks(self) -> ir.Table:
        """`indicator_ranks` of the judged period."""
        return self.facts.once("abc_ranks", lambda: indicator_ranks(self.values(), self.rules))

    def combined(self) -> ir.Table:
        """`combined_ranks` of the judged period."""
        return self.facts.once("abc_combined", lambda: combined_ranks(self.values(), self.ranks(), self.rules))

    def classes_of_periods(self) -> ir.Table:
        """The combined class of every period: one row per customer, tax basis and period it is ranked in."""
        return self.facts.once("abc_period_classes", self._classes_of_periods)

    def _classes_of_periods(self) -> ir.Table:
        values = self.facts.once(
            "abc_period_values",
            lambda: values_of_traders(
                self._population(), self._sales(), self._collections(), self._brand(), self.rules
            ),
        )
        ranks = self.facts.once("abc_period_ranks", lambda: indicator_ranks(values, self.rules))
        classed = with_combined_class(combined_scores(values, ranks, self.rules), self.rules)
        ranked = classed.filter(classed["is_ranked"])
        return ranked.select(
            *_PARTY,
            "period_type",
            "period_age",
            "period_start_date",
            "period_end_date",
            "abc_class",
            abc_rank=ranked["value_rank"],
            abc_score=ranked["percentile_rank"],
        )

    @property
    def history_periods(self) -> tuple[Period, ...]:
        """The periods whose classes are computed."""
        return self._history

    def _population(self) -> ir.Table:
        customers = self.facts.mart(tables.DIM_CUSTOMER)
        return self.facts.once(
            "abc_population", lambda: scored_customers(customers, self._sales_slices(), self.facts.first_receipts())
        )

    def _sales_slices(self) -> ir.Table:
        facts = self.facts
        held = facts.once("sales_slices", lambda: sales_by_slice(facts.sales(), self.rules, self._bounds))
        if not facts.has_rows(held):
            raise NothingToScore(f"no_sales_lines: {sales_bases(facts.sales_rules)}")
        return held

    def _collection_slices(self) -> ir.Table:
        facts = self.facts
        return facts.once("collection_slices", lambda: collections_by_slice(facts.collections(), self._bounds))

    def _sales(self) -> ir.Table:
        slices = self._sales_slices()
        return self.facts.once("period_sales", lambda: sales_in_periods(slices, self._periods, self._bounds))

    def _collections(self) -> ir.Table:
        slices = self._collection_slices()
        return self.facts.once(
            "period_collections", lambda: collections_in_periods(slices, self._periods, self._bounds)
        )

    def _sales_of_reporting_accounts(self) -> ir.Table:
        """`sales_in_periods` of the accounts that reported own figures and are scored under another customer."""
        facts = self.facts
        reports = facts.entity(tables.CHANNEL_REPORT).select(*CUSTOMER)
        reporting = with_accounts(reports, facts.merges()).select(*KEYS, "account_customer_id").distinct()
        lines = facts.sales().semi_join(reporting, [*KEYS, "account_customer_id"])
        lines = lines.filter(lines["account_customer_id"] != lines[f.customer_id.name])
        of_accounts = lines.mutate(customer_id=lines["account_customer_id"])
        by_slice = sales_by_slice(of_accounts, self.rules, self._bounds)
        return facts.once("account_sales", lambda: sales_in_periods(by_slice, self._periods, self._bounds))

    def _brand(self) -> ir.Table:
        facts = self.facts
        return facts.once(
            "abc_brand_share",
            lambda: brand_shares(
                facts.entity(tables.CHANNEL_REPORT),
                facts.mart(tables.DIM_CUSTOMER),
                facts.merges(),
                sales_of_twelve_months(self._sales()),
                sales_of_twelve_months(self._sales_of_reporting_accounts()),
                ends_table(self._periods),
                facts.sales_rules,
                report_months=self.rules.brand_report_months,
            ),
        )
