"""Stability: regular buyers are stable whatever their rhythm, bounds belong to the better class, a slow reference."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from purchase_cases import RULES, events, judged, sales
from purchase_reference import Sold, stability

from kehu.config.policy import PolicyBook
from kehu.schemas.tables import MART_CUSTOMER_STABILITY
from kehu.tasks.build import build_mart, fetch
from kehu.tasks.purchase_events import kept_lines, purchase_events
from kehu.tasks.stability import MonthWindow, StabilityRules, customer_stability, month_window

AS_OF = date(2024, 6, 30)
"""The last of a month: the window is the 24 months from July 2022 on."""


def test_the_rules_are_those_of_the_policy() -> None:
    assert StabilityRules.from_policy(PolicyBook.load(None).on(AS_OF)) == RULES


@pytest.mark.parametrize(
    ("as_of", "months", "start", "last_complete"),
    [
        (date(2024, 6, 30), 24, date(2022, 7, 1), date(2024, 6, 30)),
        (date(2024, 6, 29), 24, date(2022, 6, 1), date(2024, 5, 31)),
        (date(2024, 1, 1), 12, date(2023, 1, 1), date(2023, 12, 31)),
        (date(2024, 12, 31), 3, date(2024, 10, 1), date(2024, 12, 31)),
        (date(2024, 2, 28), 1, date(2024, 1, 1), date(2024, 1, 31)),
    ],
)
def test_the_window_is_complete_months_and_the_days_since(
    as_of: date, months: int, start: date, last_complete: date
) -> None:
    assert month_window(as_of, months) == MonthWindow(start, last_complete, as_of)


def _every(months: int, day: int = 15, amount: object = 1000) -> dict[date, object]:
    """The same order every so many months over the window."""
    numbers = range(2022 * 12 + 6, 2024 * 12 + 6, months)
    return {date(number // 12, number % 12 + 1, day): amount for number in numbers}


def test_equal_orders_every_one_two_three_and_six_months_are_stable(engine: Backend) -> None:
    """R13: by the CV of calendar months all but the first would be unstable."""
    found = judged(engine, {str(months): _every(months) for months in (1, 2, 3, 6)}, AS_OF)
    assert {row["stability_class"] for row in found.values()} == {"stable"}
    told = {months: (row["purchase_events"], row["demand_pattern"]) for months, row in found.items()}
    assert told == {"1": (24, "smooth"), "2": (12, "intermittent"), "3": (8, "intermittent"), "6": (4, "intermittent")}
    by_month = {months: str(row["monthly_cv"]) for months, row in found.items()}
    assert by_month == {"1": "0.000000", "2": "1.021508", "3": "1.444630", "6": "2.284161"}
    assert {months: row["active_months"] for months, row in found.items()} == {"1": 24, "2": 12, "3": 8, "6": 4}
    assert {row["observed_months"] for row in found.values()} == {24}


def test_the_same_amounts_at_random_dates_are_not_stable(engine: Backend) -> None:
    chance = random.Random(20240630)
    first, days = date(2022, 7, 1), (AS_OF - date(2022, 7, 1)).days + 1
    cases = {
        f"{count}-{n}": {first + timedelta(days=day): 1000 for day in chance.sample(range(days), count)}
        for count in (12, 24)
        for n in range(20)
    }
    found = judged(engine, cases, AS_OF)
    assert {row["size_cv"] for row in found.values()} == {0}
    assert Counter(row["stability_class"] for row in found.values()) == {"fluctuating": 25, "unstable": 15}


def test_uneven_amounts_at_even_dates_are_not_stable(engine: Backend) -> None:
    days = sorted(_every(2))
    uneven = {day: 100 if n % 2 else 1000 for n, day in enumerate(days)}
    wild = {day: 10_000 if n == 5 else 100 for n, day in enumerate(days)}
    found = judged(engine, {"uneven": uneven, "wild": wild}, AS_OF)
    assert [found[case]["stability_class"] for case in ("uneven", "wild")] == ["fluctuating", "unstable"]
    assert {row["demand_pattern"] for row in found.values()} == {"lumpy"}
    monthly = {day: 100 if n % 2 else 1000 for n, day in enumerate(sorted(_every(1)))}
    assert judged(engine, {"k": monthly}, AS_OF)["k"]["demand_pattern"] == "erratic"


def _after(gaps: Sequence[int], amounts: Sequence[object] | None = None) -> dict[date, object]:
    """Purchases with these gaps, from the first of 2023 on."""
    days = [date(2023, 1, 1)]
    for gap in gaps:
        days.append(days[-1] + timedelta(days=gap))
    return dict(zip(days, amounts or [1000] * len(days), strict=True))


def test_a_bound_belongs_to_the_better_class(engine: Backend) -> None:
    """Gaps 10, 20, 30 have CV 0.5, gaps 1, 1, 7 have 2 ÷ √3, amounts 1, 2, 3, 2 have CV² 1 ÷ 6."""
    at, beyond = Decimal("0.5"), Decimal("0.499999")
    purchases = {"gaps": _after((10, 20, 30)), "sizes": _after((10, 10, 10), (100, 200, 300, 200))}

    def classes(**rules: object) -> list[str]:
        found = judged(engine, purchases, AS_OF, replace(RULES, **rules))  # type: ignore[arg-type]
        return [found[case]["stability_class"] for case in ("gaps", "sizes")]

    assert classes() == ["stable", "stable"]
    assert classes(interval_cuts=(beyond, Decimal(1))) == ["fluctuating", "stable"]
    assert classes(interval_cuts=(Decimal("0.1"), at)) == ["fluctuating", "stable"]
    assert classes(interval_cuts=(Decimal("0.1"), beyond)) == ["unstable", "stable"]
    # √(1 ÷ 6) = 0.408248290…: irrational, so that a published figure could not decide.
    assert classes(size_cuts=(Decimal("0.408248"), Decimal("0.408249"))) == ["stable", "fluctuating"]
    assert classes(size_cuts=(Decimal("0.408249"), Decimal(1))) == ["stable", "stable"]


def test_a_pattern_begins_at_its_cut(engine: Backend) -> None:
    """Gaps of 487 ÷ 12 days are 4 ÷ 3 months; amounts 1, 1, 3 have CV² 12 ÷ 25 = 0.48."""
    purchases = {"k": _after((400, 87), (100, 100, 300))}
    even, seldom = Fraction(487, 2) / Fraction("30.4375"), Decimal(8)
    assert even == seldom

    def pattern(interval: Decimal, size: Decimal) -> str:
        rules = replace(RULES, demand_interval_cut=interval, demand_size_cut=size)
        row = judged(engine, purchases, AS_OF, rules)["k"]
        assert (str(row["demand_interval_months"]), str(row["size_cv"])) == ("8.000000", "0.692820")
        found: str = row["demand_pattern"]
        return found

    bit = Decimal("0.000001")
    assert pattern(Decimal(8), Decimal("0.48")) == "lumpy"
    assert pattern(Decimal(8) + bit, Decimal("0.48")) == "erratic"
    assert pattern(Decimal(8), Decimal("0.48") + bit) == "intermittent"
    assert pattern(Decimal(8) + bit, Decimal("0.48") + bit) == "smooth"


def test_too_few_purchases_are_insufficient(engine: Backend) -> None:
    purchases = {str(count): _after([30] * (count - 1)) for count in (1, 2, 3, 4)}
    # Five purchases, two of them before the window: what is judged is the window.
    purchases["old"] = {**{date(2021, month, 1): 1000 for month in (1, 2)}, **_after([30, 30])}
    found = judged(engine, purchases, AS_OF)
    classes = {case: row["stability_class"] for case, row in found.items()}
    assert classes == dict.fromkeys("123", "insufficient") | {"4": "stable", "old": "insufficient"}
    once = found["1"]
    nothing = ("mean_gap_days", "interval_cv", "size_cv", "demand_interval_months", "demand_pattern")
    assert {once[name] for name in nothing} == {None}
    assert (found["2"]["interval_cv"], found["2"]["size_cv"], found["2"]["demand_pattern"]) == (None, 0, "smooth")
    assert (found["old"]["purchase_events"], found["old"]["first_purchase_date"]) == (3, date(2023, 1, 1))


def test_a_young_customer_is_judged_on_his_own_age(engine: Backend) -> None:
    purchases = {
        "young": {date(2024, month, 10): 1000 for month in (3, 4, 5, 6)},
        "returned": {date(2019, 1, 1): 1, **{date(2024, month, 10): 1000 for month in (3, 4, 5, 6)}},
        "new": {date(2024, 6, 1): 500},
        "gone": {date(2022, 6, 30): 500},
    }
    found = judged(engine, purchases, AS_OF)
    months = {case: (row["observed_months"], row["active_months"]) for case, row in found.items()}
    assert months == {"young": (4, 4), "returned": (24, 4), "new": (1, 1)}
    assert (found["young"]["monthly_cv"], found["young"]["monthly_trend"]) == (0, 0)
    assert (found["young"]["active_month_ratio"], str(found["returned"]["active_month_ratio"])) == (1, "0.166667")
    assert (found["new"]["monthly_cv"], found["new"]["monthly_trend"]) == (None, None)
    # A month earlier June is not over: who first bought in it has no month to be judged by.
    early = judged(engine, {"new": {date(2024, 6, 1): 500}}, date(2024, 6, 29))["new"]
    assert (early["observed_months"], early["active_months"], early["active_month_ratio"]) == (0, 0, None)
    assert (early["window_start_date"], early["purchase_events"]) == (date(2022, 6, 1), 1)


def test_the_trend_is_growth_a_month_as_a_share_of_the_mean(engine: Backend) -> None:
    """100, 200, 300 grow by 100 a month with mean 200."""
    months = (4, 5, 6)
    up = {date(2024, month, 1): 100 * n for n, month in enumerate(months, start=1)}
    down = {date(2024, month, 1): 100 * n for n, month in zip((3, 2, 1), months, strict=True)}
    found = judged(engine, {"up": up, "down": down}, AS_OF)
    assert {case: str(row["monthly_trend"]) for case, row in found.items()} == {"up": "0.500000", "down": "-0.500000"}


_AMOUNTS = st.one_of(st.sampled_from([1, 100, 200, 300]), st.integers(1, 10**13).map(lambda n: Decimal(n).scaleb(-6)))
_STEPS = st.one_of(st.sampled_from([10, 20, 30, 30, 31]), st.integers(1, 300))
_CUSTOMERS = st.lists(st.tuples(_STEPS, _AMOUNTS), min_size=1, max_size=14)


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.lists(_CUSTOMERS, min_size=1, max_size=40),
    as_of=st.sampled_from([AS_OF, date(2024, 6, 1), date(2024, 2, 29)]),
    months=st.sampled_from([3, 12, 24]),
    cuts=st.sampled_from([("0.5", "1.0"), ("0.333333", "0.75"), ("0.1", "2")]),
)
def test_stability_agrees_with_a_slow_reference(
    engine: Backend, drawn: list[list[tuple[int, object]]], as_of: date, months: int, cuts: tuple[str, ...]
) -> None:
    of_cuts = tuple(Decimal(cut) for cut in cuts)
    rules = replace(RULES, months=months, interval_cuts=of_cuts, size_cuts=of_cuts)
    purchases: dict[str, dict[date, object]] = {}
    for number, steps in enumerate(drawn):
        day, of_one = as_of + timedelta(days=1), purchases.setdefault(f"k{number:02}", {})
        for step, amount in steps:
            day -= timedelta(days=step)
            of_one[day] = amount
    found = judged(engine, purchases, as_of, rules)
    exact = {
        customer: stability({day: Fraction(str(amount)) for day, amount in days.items()}, rules, as_of)
        for customer, days in purchases.items()
    }
    assert found == {customer: row for customer, row in exact.items() if row is not None}


def _bytes(lines: Sequence[Mapping[str, object]], threads: int, folder: Path) -> tuple[str, bytes]:
    with duckdb.connect(config={"threads": threads}) as con:
        backend = ibis.duckdb.from_connection(con)
        by_customer: dict[str, dict[date, object]] = {}
        for line in lines:
            by_customer.setdefault(str(line["customer"]), {})[line["day"]] = line["amount"]  # type: ignore[index]
        rows = customer_stability(events(by_customer), RULES, as_of=AS_OF)
        made = build_mart(backend, MART_CUSTOMER_STABILITY, rows, folder, as_of=AS_OF, run_id="run")
    return made.checksum, made.path.read_bytes()


def test_neither_threads_nor_the_order_of_rows_change_a_byte(tmp_path: Path) -> None:
    chance = random.Random(5)
    days = [date(2022, 1, 1) + timedelta(days=n) for n in range(900)]
    lines = [
        {"customer": f"k{n:03}", "day": day, "amount": Decimal(chance.randrange(1, 10**11)).scaleb(-6)}
        for n in range(300)
        for day in chance.sample(days, 25)
    ]
    shuffled = chance.sample(lines, len(lines))
    assert len({_bytes(rows, threads, tmp_path) for threads, rows in ((1, lines), (4, lines), (4, shuffled))}) == 1


def test_ibis_and_the_engine_agree_on_every_type(engine: Backend) -> None:
    """Where they differ, a cast to the believed type is left out and decimals are lost in silence."""
    lines = sales([Sold("A", "1", AS_OF, Decimal(1), Decimal(1), "p", order="x")])
    purchases = purchase_events(lines, merge_days=7)
    expressions = {
        "kept": kept_lines(lines),
        "bought": purchases,
        "judged": customer_stability(purchases, RULES, as_of=AS_OF),
    }
    for name, expression in expressions.items():
        engine.create_table(name, expression, temp=True)
        made = {column: kind for column, kind, *_ in engine.con.sql(f"DESCRIBE {name}").fetchall()}
        believed = {
            column: str(kind).upper().replace(" ", "").strip("!") for column, kind in expression.schema().items()
        }
        assert {column: kind for column, kind in made.items() if kind.startswith("DECIMAL")} == {
            column: kind for column, kind in believed.items() if kind.startswith("DECIMAL")
        }
        assert "DOUBLE" not in made.values()


@pytest.mark.real
def test_real_customers_are_of_several_classes(real_data: Path) -> None:
    """R13: by the CV of calendar months of 2017 all 701 customers of this shop would be unstable."""
    with duckdb.connect() as con:
        con.execute(
            f"""
            CREATE TABLE line AS
            SELECT 's' AS source, 'main' AS company_id, 'unknown' AS tax_basis, "客户 ID" AS customer_id,
                   "客户 ID" AS account_customer_id, "订单 ID" AS document_id, "行 ID" AS line_id,
                   "产品 ID" AS product_id, "订单日期"::DATE AS document_date, NULL::VARCHAR AS order_id,
                   NULL::VARCHAR AS return_of_document_id, NULL::VARCHAR AS line_kind,
                   "数量"::DECIMAL(18, 6) AS quantity, "销售额"::DECIMAL(38, 6) AS amount
            FROM read_csv('{real_data}/superstore_zh/订单.csv', all_varchar = true, header = true)"""
        )
        engine = ibis.duckdb.from_connection(con)
        purchases = purchase_events(engine.table("line"), merge_days=RULES.merge_days)
        told = engine.create_table("told", customer_stability(purchases, RULES, as_of=date(2017, 12, 31)))
        rows = fetch(engine, told).to_pylist()
    assert Counter(row["stability_class"] for row in rows) == {
        "stable": 4, "fluctuating": 107, "unstable": 308, "insufficient": 360,
    }  # fmt: skip
    assert Counter(row["demand_pattern"] for row in rows) == {
        "smooth": 6, "intermittent": 144, "erratic": 21, "lumpy": 542, None: 66,
    }  # fmt: skip
    assert min(row["monthly_cv"] for row in rows) == Decimal("1.581794")
    assert (len(rows), max(row["purchase_events"] for row in rows)) == (779, 11)
