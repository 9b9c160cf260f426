"""The policy values the ABC analysis reads, in one place.

May import: `config`, `schemas`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Literal

from kehu.config.errors import SettingsError
from kehu.config.policy import Policy
from kehu.schemas import codes

Window = int | Literal["all"]

CUT_RULES = ("midpoint", "crossing_down", "crossing_up")
CLASSES = codes.ABC_CLASS.codes


@dataclass(frozen=True)
class AbcRules:
    """The policy values ABC reads; each attribute is the key `abc.<name>`.

    Attributes:
        quota_shares: shares of customers in A, B, C; they add up to 1.
        cumulative_cuts: cumulative shares of value at which A and B end.
        cut_rule: which share of a customer is held against the cuts.
        method: `quota` or `cumulative`: which class is published as the class.
        window: months up to as_of, or `all`.
        line_kinds_counted: line kinds that count, a line without kind being goods.
        concentration_top_1: share of the largest customer from which value is concentrated.
        concentration_top_5: the same of the five largest.
        size_by: `collections` or `sales`: what stands for a customer's size.
        weights: of size, gross profit and brand share in the combined judgement; they add up to 1.
        brand_report_months: how long a customer's own figures hold.
        confirm_periods: over how many periods a class is confirmed.
        confirm_needed: in how many of them it must hold.
        history_months, history_quarters, history_rolling: periods of each type in the history.
    """

    quota_shares: tuple[Decimal, ...] = (Decimal("0.2"), Decimal("0.4"), Decimal("0.4"))
    cumulative_cuts: tuple[Decimal, ...] = (Decimal("0.55"), Decimal("0.85"))
    cut_rule: str = "midpoint"
    method: str = "quota"
    window: Window = 12
    line_kinds_counted: tuple[str, ...] = codes.LINE_KIND.codes
    concentration_top_1: Decimal = Decimal("0.30")
    concentration_top_5: Decimal = Decimal("0.50")
    size_by: str = "collections"
    weights: tuple[Decimal, ...] = (Decimal("0.4"), Decimal("0.4"), Decimal("0.2"))
    brand_report_months: int = 12
    confirm_periods: int = 3
    confirm_needed: int = 2
    history_months: int = 13
    history_quarters: int = 5
    history_rolling: int = 13

    @classmethod
    def from_policy(cls, policy: Policy) -> AbcRules:
        """The rules in force.

        Raises:
            PolicyBlank: one of them is blank.
            SettingsError: a class would have to hold in more periods than are looked at (code `value_malformed`).
        """
        rules = cls(**{rule.name: policy.value(f"abc.{rule.name}") for rule in fields(cls)})
        if rules.confirm_needed > rules.confirm_periods:
            entry = policy.entry("abc.confirm_needed")
            raise SettingsError(
                f"a class cannot hold in {rules.confirm_needed} of {rules.confirm_periods} periods",
                code="value_malformed", file=entry.file, line=entry.line, setting=entry.key,
                hint="abc.confirm_needed must not be above abc.confirm_periods",
            )  # fmt: skip
        return rules
