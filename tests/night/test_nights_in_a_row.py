"""Memory comes from facts, not from earlier runs (R7): which nights were run, and in which order, changes no mart."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from night_world import MONTH_END, Company, Night, Row, invoice_lines, noise

FEBRUARY = date(2024, 2, 29)
CORRECTED = Decimal("123456.78")
NIGHTS = (date(2024, 1, 31), FEBRUARY, MONTH_END)


def _month(month: int) -> list[Row]:
    last = date(2024, month, monthrange(2024, month)[1])
    lines = invoice_lines(count=30, last=last, days=last.day)
    return [line | {"发票号": f"M{month}{line['发票号']}"} for line in lines]


def _customers(month: int) -> list[Row]:
    return [
        {"客户编码": f"K{n:03}", "客户名称": f"客户{n}", "地区": f"大区{noise(month, n) % 3}"}
        for n in range(8 + 2 * month)
    ]


def _deliver(company: Company, night: date) -> None:
    company.export(f"客户_{night:%Y%m%d}.csv", _customers(night.month))
    company.export(f"发票_{night:%Y%m%d}.csv", _month(night.month))


def _run_through(root: Path, nights: Sequence[date]) -> Company:
    """A company that runs on some of three nights; files of the others are found by the next."""
    company = Company(root)
    company.map_tiny(mode="append")
    for night in NIGHTS:
        _deliver(company, night)
        if night in nights:
            company.run(night)
    return company


@pytest.fixture(scope="module")
def nightly(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company that ran on all three nights."""
    return _run_through(tmp_path_factory.mktemp("nightly"), NIGHTS)


def test_nights_left_out_change_nothing(nightly: Company, tmp_path: Path) -> None:
    """The last night alone on an empty warehouse, and all three of them, judge the last day alike."""
    every = Night(nightly, nightly.run())
    only = _run_through(tmp_path / "only", NIGHTS[-1:])
    last = Night(only, only.run())
    assert every.receipt.status == last.receipt.status == "unchanged"
    assert every.checksums() == last.checksums()
    assert every.marts() == last.marts()


def test_a_past_night_as_it_was_known_is_the_night_that_was_run(nightly: Company) -> None:
    """With the files of later nights in the folder: `--known-at` the day of the night finds that very run."""
    versions = nightly.versions()
    again = nightly.run(FEBRUARY, known_at=FEBRUARY)
    assert again.status == "unchanged"
    assert nightly.ask(f"SELECT run_id FROM run_log WHERE as_of = '{FEBRUARY}'") == [{"run_id": again.run_id}]
    assert nightly.versions() == versions


def test_a_past_night_restated_is_official_for_its_day_only(nightly: Company, tmp_path: Path) -> None:
    """A correction that came in March, of a line of February: the day is judged anew, the newest stays in front."""
    company = nightly.copied_to(tmp_path / "copy")
    before = company.ask(f"SELECT run_id FROM run_current WHERE as_of = '{FEBRUARY}' AND mart = 'mart_abc_customer'")
    company.export("发票_20240315.csv", [_month(2)[0] | {"不含税金额": CORRECTED}])
    restated = company.run(FEBRUARY)
    assert restated.status == "published"
    history = company.ask("SELECT DISTINCT as_of, run_id FROM v_abc_customer_history ORDER BY as_of")
    assert [row["as_of"] for row in history] == list(NIGHTS)
    assert history[1]["run_id"] == restated.run_id != before[0]["run_id"]
    assert company.ask("SELECT DISTINCT as_of FROM v_abc_customer") == [{"as_of": MONTH_END}]
    assert company.ask("SELECT DISTINCT run_id FROM v_abc_customer_superseded") == before
    told = "SELECT sales_net FROM v_abc_customer{} WHERE customer_id = '{}' AND as_of = '{}'"
    code, night = _month(2)[0]["客户编码"], FEBRUARY
    ((now,), (then,)) = (company.ask(told.format(ending, code, night)) for ending in ("_history", "_superseded"))
    moved = CORRECTED - _month(2)[0]["不含税金额"]
    assert abs(now["sales_net"] - then["sales_net"] - moved) <= Decimal("0.01")
