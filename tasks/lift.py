"""What would lift a customer into the next class, and what he must not lose, with every other customer left as he is.

May import: nothing of ours. Whole numbers and fractions only: values are counted in a smallest unit (cents), a score is
a whole number over a common denominator, and a cut is decided by cross-multiplication.

Raising one value moves the percentile ranks of others as well: each customer overtaken loses a place. So the value is
walked up past one customer after the other, and at every place between two of them the whole judgement is known.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from math import lcm
from typing import NamedTuple

INDICATORS = ("collections", "sales", "gross_profit", "brand_share")
"""What a judgement may rest on, in the order of a customer's values and weights."""

TRADE = INDICATORS[:3]
"""Only who has one of these above zero is ranked: a brand share alone is no trade."""

CLASSES = ("A", "B", "C")
NO_CLASS = len(CLASSES)

Key = tuple[str, ...]


class Judged(NamedTuple):
    """One customer who may be ranked; internal customers are left out.

    Attributes:
        key: source, company and customer code: who is smaller goes first among equals.
        values: one per indicator of `INDICATORS`, in whole units; None where it is missing.
        weights: what each indicator counts for him, in proportion; None where it has no part in his judgement, as sales
            for whom size is measured by collections.
    """

    key: Key
    values: tuple[int | None, ...]
    weights: tuple[int | None, ...]


@dataclass(frozen=True)
class CutRules:
    """How classes are cut; each attribute is the policy key `abc.<name>`."""

    method: str = "quota"
    quota_shares: tuple[Decimal, ...] = (Decimal("0.2"), Decimal("0.4"), Decimal("0.4"))
    cumulative_cuts: tuple[Decimal, ...] = (Decimal("0.55"), Decimal("0.85"))
    cut_rule: str = "midpoint"


class Standing(NamedTuple):
    """A customer's class and rank; both None where he is not ranked."""

    abc_class: str | None
    rank: int | None


class Reach(NamedTuple):
    """The smallest change of a value that changes the class.

    Attributes:
        change: units to gain, or to lose.
        abc_class: the class he is in then; None = no longer ranked.
        rank: his rank then.
    """

    change: int
    abc_class: str | None
    rank: int | None


# --- the combined judgement -------------------------------------------------------------------------------------------


def combined_standing(rows: Sequence[Judged], rules: CutRules, who: int) -> Standing:
    """Class and rank of `rows[who]` by the combined judgement.

    Rule: percentile rank = (ranked customers with a smaller value + half of those with the same, himself included) ÷
    ranked customers, 0 for a value of zero or below; score = Σ weight · percentile rank ÷ Σ weight over the indicators
    that are not missing. Ranked are customers with an indicator of `TRADE` above zero that has a part in their
    judgement, by score, ties by key; cut by `rules`.

    Source: ABC-4, ABC-5; rulings R3, R18, R23.
    """
    return _Judgement(rows, rules, who).standing()


def combined_rise(rows: Sequence[Judged], rules: CutRules, who: int, indicator: str) -> Reach | None:
    """The least gain in one indicator, all else unchanged, that brings a better combined class.

    Args:
        rows: all customers who may be ranked.
        rules: how classes are cut.
        who: place of the customer in `rows`.
        indicator: one of `INDICATORS`.

    Returns:
        None where he is in class A, where the value is missing or counts nothing for him, and where not even the first
        rank by it does it.
    """
    now, place = combined_standing(rows, rules, who), INDICATORS.index(indicator)
    value = rows[who].values[place]
    if value is None or now.abc_class == CLASSES[0] or not rows[who].weights[place]:
        return None
    judgement = _Judgement(_with_value(rows, who, place, max(value, 1)), rules, who)
    if not judgement.is_ranked[who]:
        return None
    for raised, standing in judgement.walk(place, upwards=True):
        if _order(standing) < _order(now):
            return Reach(raised - value, *standing)
    return None


def combined_fall(rows: Sequence[Judged], rules: CutRules, who: int, indicator: str) -> Reach | None:
    """The least loss in one indicator, all else unchanged, that brings a worse combined class; not below zero.

    Returns:
        None where he keeps his class even with nothing, where he has none, and where the value is missing, not above
        zero, or counts nothing for him.
    """
    now, place = combined_standing(rows, rules, who), INDICATORS.index(indicator)
    value = rows[who].values[place]
    if value is None or value <= 0 or now.abc_class is None or not rows[who].weights[place]:
        return None
    for lowered, standing in _Judgement(rows, rules, who).walk(place, upwards=False):
        if _order(standing) > _order(now):
            return Reach(value - lowered, *standing)
    nothing = combined_standing(_with_value(rows, who, place, 0), rules, who)
    return Reach(value, *nothing) if _order(nothing) > _order(now) else None


class _Judgement:
    """Scores of all customers as whole numbers, and where one of them stands among them.

    A score counts in units of 1 ÷ (2 · common multiple of the ranked counts · common multiple of the known weights).
    """

    def __init__(self, rows: Sequence[Judged], rules: CutRules, who: int) -> None:
        self.rules, self.who = rules, who
        self.columns = list(zip(*(row.values for row in rows), strict=True))
        self.half_place = _worth_of_half_a_place(rows, self.columns)
        percentiles = [_twice_percentile_numerators(column) for column in self.columns]
        self.scores = [
            sum(worth[number] * twice[number] for worth, twice in zip(self.half_place, percentiles, strict=True))
            for number in range(len(rows))
        ]
        self.is_ranked = [_has_traded(row) and score > 0 for row, score in zip(rows, self.scores, strict=True)]
        self.places = [0] * len(rows)
        for place, number in enumerate(sorted(range(len(rows)), key=lambda number: rows[number].key)):
            self.places[number] = place

    def standing(self) -> Standing:
        """Where the customer stands as the values are."""
        return _Crowd(self, upwards=True).standing() if self.is_ranked[self.who] else Standing(None, None)

    def walk(self, indicator: int, *, upwards: bool) -> Iterator[tuple[int, Standing]]:
        """Every place the customer's value can take from now on, nearest first, above zero, with his standing there.

        A place is the value of another customer, or the least (upwards) or greatest (downwards) between two of them;
        the standing is the same at all values between two.
        """
        step = 1 if upwards else -1
        column = self.columns[indicator]
        now = column[self.who]
        assert now is not None and now > 0  # noqa: S101 - callers see to it
        crowd = _Crowd(self, upwards=upwards)
        yield now, crowd.standing()
        groups = defaultdict(list)
        for number, value in enumerate(column):
            if number != self.who and value is not None and value > 0 and (value - now) * step >= 0:
                groups[value].append(number)
        for value in sorted(groups, reverse=not upwards):
            if value != now:
                crowd.pass_by_half(indicator, groups[value])
                yield value, crowd.standing()
            crowd.pass_by_half(indicator, groups[value])
            beyond = value + step
            if beyond > 0 and beyond not in groups:
                yield beyond, crowd.standing()


class _Crowd:
    """Those the customer has not passed yet: ahead of him on the way up, behind him on the way down.

    Passing moves scores towards each other only, so whoever is passed stays passed.
    """

    def __init__(self, judgement: _Judgement, *, upwards: bool) -> None:
        self._of, self._sign = judgement, 1 if upwards else -1
        self._scores = judgement.scores.copy()
        ranked = [number for number, is_ranked in enumerate(judgement.is_ranked) if is_ranked]
        self._count, self._total = len(ranked), sum(self._scores[number] for number in ranked)
        self._seats = quota_seats(self._count, judgement.rules.quota_shares)
        mine = self._entry(judgement.who)
        self._heap = [entry for entry in map(self._entry, ranked) if entry > mine]
        self._left = {number for _, _, number in self._heap}
        self._left_sum = sum(self._scores[number] for number in self._left)
        heapq.heapify(self._heap)

    def _entry(self, number: int) -> tuple[int, int, int]:
        return self._sign * self._scores[number], -self._sign * self._of.places[number], number

    def pass_by_half(self, indicator: int, others: Sequence[int]) -> None:
        """Go from before the others to level with them, or from level to beyond: half a place each way."""
        worth, who = self._of.half_place[indicator], self._of.who
        self._move(who, self._sign * len(others) * worth[who])
        for number in others:
            if worth[number] and self._of.is_ranked[number]:
                self._move(number, -self._sign * worth[number])
        self._drop_passed()

    def _move(self, number: int, change: int) -> None:
        self._scores[number] += change
        self._total += change
        if number in self._left:
            self._left_sum += change
            heapq.heappush(self._heap, self._entry(number))

    def _drop_passed(self) -> None:
        mine = self._entry(self._of.who)
        while self._heap:
            first = self._heap[0]
            number = first[2]
            if number in self._left and first == self._entry(number):
                if first > mine:
                    return
                self._left.remove(number)
                self._left_sum -= self._scores[number]
            heapq.heappop(self._heap)

    def standing(self) -> Standing:
        """Class and rank where he is now."""
        score = self._scores[self._of.who]
        if self._sign > 0:
            ahead, sum_ahead = len(self._left), self._left_sum
        else:
            ahead, sum_ahead = self._count - 1 - len(self._left), self._total - self._left_sum - score
        letter = _class_at(self._of.rules, self._seats, ahead, 2 * sum_ahead + score, score, 2 * self._total)
        return Standing(letter, ahead + 1)


def _has_traded(row: Judged) -> bool:
    trade = list(zip(row.values, row.weights, strict=True))[: len(TRADE)]
    return any(value is not None and value > 0 and weight is not None for value, weight in trade)


def _worth_of_half_a_place(rows: Sequence[Judged], columns: Sequence[Sequence[int | None]]) -> list[list[int]]:
    """Per indicator and customer: what half a place more among its ranked customers adds to his score."""
    counts = [sum(value is not None and value > 0 for value in column) for column in columns]
    by_place = lcm(*(count for count in counts if count))
    known = [
        sum(weight or 0 for weight, value in zip(row.weights, row.values, strict=True) if value is not None)
        for row in rows
    ]
    by_weight = lcm(*set(known) - {0})
    shares = [by_weight // weight if weight else 0 for weight in known]
    return [
        [
            (row.weights[place] or 0) * (by_place // (count or 1)) * share
            for row, share in zip(rows, shares, strict=True)
        ]
        for place, count in enumerate(counts)
    ]


def _twice_percentile_numerators(column: Sequence[int | None]) -> list[int]:
    """Twice (smaller + half of the equal ones, himself included) among the values above zero; 0 for all others."""
    sizes = Counter(value for value in column if value is not None and value > 0)
    values = sorted(sizes)
    below = accumulate((sizes[value] for value in values), initial=0)
    twice = {value: 2 * smaller + sizes[value] for value, smaller in zip(values, below, strict=False)}
    return [twice.get(value, 0) if value is not None else 0 for value in column]


def _with_value(rows: Sequence[Judged], who: int, indicator: int, value: int) -> Sequence[Judged]:
    row = rows[who]
    if row.values[indicator] == value:
        return rows
    values = (*row.values[:indicator], value, *row.values[indicator + 1 :])
    return [*rows[:who], row._replace(values=values), *rows[who + 1 :]]


def _order(standing: Standing) -> int:
    return NO_CLASS if standing.abc_class is None else CLASSES.index(standing.abc_class)


# --- one indicator by itself ------------------------------------------------------------------------------------------


def single_standing(keys: Sequence[Key], values: Sequence[int | None], rules: CutRules, who: int) -> Standing:
    """Class and rank of one customer by one indicator: ranked are those above zero, ties by key (ABC-4, R3, R18)."""
    value = values[who]
    if value is None or value <= 0:
        return Standing(None, None)
    others = _others(keys, values, who)
    ahead = sum(1 for other, key in others if (-other, key) < (-value, keys[who]))
    sum_ahead = sum(other for other, _ in others[:ahead])
    total = value + sum(other for other, _ in others)
    return _single_at(rules, len(others) + 1, ahead, sum_ahead, value, total)


def single_rise(keys: Sequence[Key], values: Sequence[int | None], rules: CutRules, who: int) -> Reach | None:
    """The least gain that brings a better class by the indicator itself.

    Returns:
        None where he is in class A, or the value is missing.
    """
    now, value = single_standing(keys, values, rules, who), values[who]
    if value is None or now.abc_class == CLASSES[0]:
        return None
    others, better = _others(keys, values, who), _order(now) - 1
    sums = list(accumulate((other for other, _ in others), initial=0))
    count, first = len(others) + 1, len(others) if now.rank is None else now.rank - 1
    for ahead in range(first, -1, -1):
        least = max(value, 1, *(other + (key < keys[who]) for other, key in others[ahead : ahead + 1]))
        most = [other - (key > keys[who]) for other, key in others[max(ahead - 1, 0) : ahead]]
        found = _least_within(rules, better, count, ahead, sums[ahead], sums[-1], least)
        if found is not None and all(found <= bound for bound in most):
            standing = _single_at(rules, count, ahead, sums[ahead], found, sums[-1] + found)
            return Reach(found - value, *standing)
    return None


def _others(keys: Sequence[Key], values: Sequence[int | None], who: int) -> list[tuple[int, Key]]:
    """The ranked others, the largest first."""
    ranked = [
        (value, key)
        for number, (value, key) in enumerate(zip(values, keys, strict=True))
        if number != who and value is not None and value > 0
    ]
    return sorted(ranked, key=lambda other: (-other[0], other[1]))


def _single_at(rules: CutRules, count: int, ahead: int, sum_ahead: int, value: int, total: int) -> Standing:
    seats = quota_seats(count, rules.quota_shares)
    return Standing(_class_at(rules, seats, ahead, 2 * sum_ahead + value, value, 2 * total), ahead + 1)


def _least_within(
    rules: CutRules, better: int, count: int, ahead: int, sum_ahead: int, others: int, least: int
) -> int | None:
    """The least value, `least` or more, that lies in class `CLASSES[better]` or above with so many customers ahead;
    None where there is none.
    """
    if ahead == 0 or better == NO_CLASS - 1:
        return least
    if rules.method == "quota":
        return least if ahead < sum(quota_seats(count, rules.quota_shares)[: better + 1]) else None
    cut = Fraction(rules.cumulative_cuts[better])
    top, bottom = cut.numerator, cut.denominator
    # Each rule is a bound slope · value ≤ room; `crossing_up` leaves the bound itself out.
    slope, room = {
        "midpoint": (bottom - 2 * top, 2 * top * others - 2 * bottom * sum_ahead),
        "crossing_down": (bottom - top, top * others - bottom * sum_ahead),
        "crossing_up": (-top, top * others - bottom * sum_ahead - 1),
    }[rules.cut_rule]
    if slope * least <= room:
        return least
    return -(room // -slope) if slope < 0 else None


# --- the cuts ---------------------------------------------------------------------------------------------------------


@lru_cache
def quota_seats(count: int, shares: tuple[Decimal, ...]) -> tuple[int, int, int]:
    """Places in A, B and C among so many customers: largest remainder, equal remainders to the better class; where A
    gets none, one place moves there from the larger of B and C, from C if they are equal (R18).
    """
    exact = [count * Fraction(share) for share in shares]
    seats = [int(size) for size in exact]
    order = sorted(range(NO_CLASS), key=lambda place: (seats[place] - exact[place], place))
    for place in order[: count - sum(seats)]:
        seats[place] += 1
    if count and not seats[0]:
        seats[1 if seats[1] > seats[2] else 2] -= 1
        seats[0] = 1
    return seats[0], seats[1], seats[2]


def _class_at(
    rules: CutRules, seats: Sequence[int], ahead: int, twice_middle: int, value: int, twice_total: int
) -> str:
    """The class with so many customers ahead; `twice_middle` = twice the sum ahead + his own value."""
    if ahead == 0:
        return CLASSES[0]
    if rules.method == "quota":
        return CLASSES[(ahead >= seats[0]) + (ahead >= seats[0] + seats[1])]
    part = twice_middle + {"midpoint": 0, "crossing_down": value, "crossing_up": -value}[rules.cut_rule]
    for letter, (top, bottom) in zip(CLASSES, _cuts(rules.cumulative_cuts), strict=False):
        left, right = part * bottom, twice_total * top
        if left < right or (left == right and rules.cut_rule != "crossing_up"):
            return letter
    return CLASSES[-1]


@lru_cache
def _cuts(cuts: tuple[Decimal, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((fraction.numerator, fraction.denominator) for fraction in map(Fraction, cuts))
