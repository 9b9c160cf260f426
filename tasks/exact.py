"""Exact decimal arithmetic in Ibis: the only module of the scores that multiplies, divides, sums or casts decimals.

May import: nothing of ours. Ibis' idea of the type of a decimal product or mean differs from what DuckDB returns, and a
cast to the type Ibis already believes in is left out, so every operand here is first widened to DECIMAL(38, scale):
there both agree. What does not fit in 38 digits is an error of the engine, never a wrong number. A ratio is estimated
in floating point and then corrected by exact comparison, so that it is right to the last published digit on any engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from math import lcm

import ibis
import ibis.expr.types as ir

WIDEST = 38
"""Digits of the widest decimal every engine offers."""

RATIO_SCALE = 6
"""Decimals of a published ratio."""


def widened(value: ir.Value) -> ir.DecimalValue:
    """A decimal (scale kept) or a whole number (scale 0) as DECIMAL(38, scale)."""
    type_ = value.type()
    scale = type_.scale if type_.is_decimal() else 0
    return value.cast(f"decimal({WIDEST}, {scale})")


def zero(scale: int = 0) -> ir.DecimalScalar:
    """Nought as DECIMAL(38, scale)."""
    return ibis.literal("0").cast(f"decimal({WIDEST}, {scale})")


def whole(number: int) -> ir.DecimalScalar:
    """A whole number as DECIMAL(38, 0)."""
    return ibis.literal(str(number)).cast(f"decimal({WIDEST}, 0)")


def times(value: ir.Value, factor: ir.Value | int) -> ir.DecimalValue:
    """A decimal times a whole number, in the decimal's scale."""
    by = whole(factor) if isinstance(factor, int) else widened(factor)
    if by.type().scale != 0:
        raise ValueError("the factor must be whole: multiply two amounts with `product`")
    return widened(value) * by


def product(left: ir.Value, right: ir.Value) -> ir.DecimalValue:
    """The product of two decimals with all its decimals: DECIMAL(38, sum of the scales)."""
    wide_left, wide_right = widened(left), widened(right)
    scale = wide_left.type().scale + wide_right.type().scale
    if wide_left.type().scale == 0 or wide_right.type().scale == 0:
        return wide_left * wide_right
    return (wide_left * wide_right).cast(f"decimal({WIDEST}, {scale})")


def total(value: ir.Column, where: ir.BooleanValue | None = None) -> ir.DecimalScalar:
    """The sum of a decimal or whole-number column as DECIMAL(38, scale); null over no value."""
    wide = widened(value)
    # Ibis believes that a sum has at least two decimals; the engine keeps the scale.
    return wide.sum(where=where).cast(wide.type())


def half_even(value: ir.Value, scale: int) -> ir.DecimalValue:
    """A decimal rounded to `scale` decimals, exact halves to the even neighbour, as DECIMAL(38, scale).

    The engine's own cast rounds halves away from zero; where the value was such a half and the result is odd, one unit
    of the last place is taken back. The result must fit into 18 digits.
    """
    wide = widened(value)
    fine = wide.type().scale
    if fine <= scale:
        return wide.cast(f"decimal({WIDEST}, {scale})")
    nearest = wide.cast(f"decimal({WIDEST}, {scale})")
    moved = wide - nearest.cast(f"decimal({WIDEST}, {fine})")
    half = _literal(Decimal(5).scaleb(-scale - 1), fine)
    unit = _literal(Decimal(1).scaleb(-scale), scale)
    last_place = times(nearest, 10**scale).cast(f"decimal({WIDEST}, 0)").cast("int64")
    is_odd_half = (last_place % 2 != 0) & ((moved == half) | (moved == -half))
    # A half was rounded away from zero: what remains of it points back to zero.
    back = ibis.ifelse(moved > zero(fine), unit, -unit)
    return ibis.ifelse(is_odd_half, nearest + back, nearest)


def whole_cents(value: ir.Value) -> ir.DecimalValue:
    """A decimal rounded half-even to cents, as a whole number of cents: DECIMAL(38, 0)."""
    return times(half_even(value, 2), 100).cast(f"decimal({WIDEST}, 0)")


def ratio(numerator: ir.Value, denominator: ir.Value) -> ir.DecimalValue:
    """Numerator ÷ denominator as DECIMAL(18, 6), halves to even; null where the denominator is null, zero or negative.

    The quotient times a million must fit into 15 digits, or the estimate would be too far off to be corrected.
    """
    above, below = widened(numerator), widened(denominator)
    scale = max(above.type().scale, below.type().scale)
    above, below = above.cast(f"decimal({WIDEST}, {scale})"), below.cast(f"decimal({WIDEST}, {scale})")
    divisible = below.nullif(zero(scale))
    # Every operand is written out wherever it is used, so each is used as seldom as can be.
    estimate = (above.cast("float64") / divisible.cast("float64") * 10**RATIO_SCALE).round().cast("int64")
    twice_rest = times(above, 2 * 10**RATIO_SCALE) - times(divisible, estimate * 2)
    # Of two neighbours as near, the even one: to an odd estimate half a place is too far already.
    least = ibis.ifelse(estimate % 2 != 0, _literal(Decimal(1).scaleb(-scale), scale), zero(scale))
    is_off = twice_rest.abs() + least > divisible
    millionths = estimate + ibis.ifelse(is_off, twice_rest.sign().cast("int64"), 0)
    published = product(millionths.cast(f"decimal({WIDEST}, 0)"), _literal(Decimal("0.000001"), 6))
    return ibis.ifelse(divisible > zero(scale), published, ibis.null(f"decimal({WIDEST}, 6)")).cast("decimal(18, 6)")


def root_of_ratio(numerator: ir.Value, denominator: ir.Value) -> ir.DecimalValue:
    """√(numerator ÷ denominator) as DECIMAL(18, 6); null where the base is not above zero or the numerator is negative.

    The sums under the root are exact; one division, one root and one rounding follow, each of them correctly rounded
    wherever it runs. So the result does not depend on threads or on the order of rows. For reading only: what is
    decided is decided on the squares.
    """
    above, below = widened(numerator), widened(denominator)
    has_root = (below > zero(below.type().scale)) & (above >= zero(above.type().scale))
    square = ibis.ifelse(has_root, above, ibis.null(above.type())).cast("float64") / below.cast("float64")
    millionths = (square.sqrt() * 10**RATIO_SCALE).round().cast("int64")
    return product(widened(millionths), _literal(Decimal("0.000001"), 6)).cast("decimal(18, 6)")


def compare_share(part: ir.Value, base: ir.Value, bound: Decimal | Fraction) -> tuple[ir.DecimalValue, ir.DecimalValue]:
    """Two exact numbers that compare like `part ÷ base` and `bound`, for any base above zero: no quotient is formed."""
    exact_bound = Fraction(bound)
    return times(part, exact_bound.denominator), times(base, exact_bound.numerator)


def divided(number: ir.IntegerValue, by: int) -> tuple[ir.IntegerValue, ir.IntegerValue]:
    """Whole quotient and remainder of a whole number ≥ 0: the remainder is taken off first, so no quotient is
    rounded.
    """
    rest = number % by
    return ((number - rest) / by).cast("int64"), rest


def over_common_denominator(shares: Iterable[Decimal]) -> tuple[tuple[int, ...], int]:
    """Shares as whole numerators over their least common denominator."""
    fractions = [Fraction(share) for share in shares]
    unit = lcm(*(fraction.denominator for fraction in fractions))
    return tuple(int(fraction * unit) for fraction in fractions), unit


def _literal(value: Decimal, scale: int) -> ir.DecimalScalar:
    return ibis.literal(format(value, "f")).cast(f"decimal({WIDEST}, {scale})")
