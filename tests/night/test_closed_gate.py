"""A closed gate publishes nothing and is forgotten; readers see the night before until the next one is whole."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from night_world import MONTH_END, NO_SCORES, Company, Row, invoice_lines

from kehu.config.errors import EXIT_GATE_CLOSED, EXIT_LOCKED, AnotherRunHoldsTheLock, GateClosed
from kehu.flows.cli import main
from kehu.flows.night import night
from kehu.warehouse.read import connect_read, reading

NEXT = date(2024, 4, 30)


@pytest.fixture(scope="module")
def march(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company with one night published."""
    company = Company(tmp_path_factory.mktemp("march"))
    company.map_tiny(mode="append")
    company.export("发票_20240331.csv", invoice_lines())
    company.run()
    return company


@pytest.fixture
def published(march: Company, tmp_path: Path) -> Company:
    """A copy of it, to go on from."""
    return march.copied_to(tmp_path / "copy")


def _april(broken: int = 0) -> list[Row]:
    lines = [line | {"发票号": f"A{line['发票号']}"} for line in invoice_lines(count=40, last=NEXT, days=30)]
    return [line | ({"不含税金额": "见附件"} if n < broken else {}) for n, line in enumerate(lines)]


def test_a_closed_gate_publishes_nothing(published: Company, capsys: pytest.CaptureFixture[str]) -> None:
    versions = published.versions()
    published.export("发票_20240430.csv", _april(broken=10))
    places = ["--project", str(published.project), "--home", str(published.home), "--exports", str(published.exports)]
    command = ["run", "--source", "tiny", "--as-of", NEXT.isoformat(), *places]
    assert main([*command, "--json"]) == EXIT_GATE_CLOSED
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert (error["code"], error["count"]) == ("gate_closed", 10)
    assert "sales_line.amount_net_not_an_amount: 10 of 100" in printed.err
    shown = [line for line in printed.err.splitlines() if "invoice/AF" in line]
    assert [line.count("invoice/AF") for line in shown] == [5], "at most five keys"
    assert "见附件" not in printed.err + printed.out, "never the values of a row"
    assert published.versions() == versions
    assert [row["as_of"] for row in published.ask("SELECT as_of FROM run_log")] == [MONTH_END]
    assert list((published.home / "scratch").iterdir()) == []


def test_a_refused_delivery_is_mended_by_delivering_again(published: Company) -> None:
    """What the gate refused was never delivered: the mended file counts, as if the first had not come."""
    published.export("发票_20240430.csv", _april(broken=10))
    with pytest.raises(GateClosed):
        published.run(NEXT)
    published.export("发票_20240430.csv", _april())
    mended = published.run(NEXT)
    assert (mended.status, mended.quarantined) == ("published", 0)
    assert [(row["file_name"], row["rows_accepted"]) for row in published.rows("run_input", mended)] == [
        ("发票_20240331.csv", 60), ("发票_20240430.csv", 40),
    ]  # fmt: skip
    total = sum((Decimal(line["不含税金额"]) for line in [*invoice_lines(), *_april()]), Decimal(0))
    assert published.one("run_mart", mended, mart="mart_abc_customer")["exact_total"] == total


def test_a_dry_run_leaves_no_delivery_and_no_warehouse(company: Company) -> None:
    company.export("发票_20240331.csv", invoice_lines())
    receipt = company.run(publish=False, only=NO_SCORES)
    assert (receipt.status, receipt.gate, receipt.warehouse) == ("checked", "open", None)
    assert company.versions() == {}
    company.export("发票_20240331.csv", invoice_lines(count=40))
    published = company.run(only=NO_SCORES)
    (file,) = company.rows("run_input", published)
    assert (file["rows_accepted"], published.run_id != receipt.run_id) == (40, True)


def test_a_new_connection_of_the_same_process_sees_the_new_night(published: Company) -> None:
    link = str(published.warehouse() / "kehu.duckdb")
    newest = "SELECT max(as_of) FROM kehu.v_abc_customer"
    with duckdb.connect(link, read_only=True) as old, connect_read(published.warehouse()) as ours:
        published.export("发票_20240430.csv", _april())
        assert published.run(NEXT).status == "published"
        with duckdb.connect(link, read_only=True) as new, reading(published.warehouse()) as ours_new:
            assert new.execute(newest).fetchall() == ours_new.execute(newest).fetchall() == [(NEXT,)]
            assert old.execute(newest).fetchall() == ours.execute(newest).fetchall() == [(MONTH_END,)]
            history = "SELECT as_of, count(*) FROM kehu.v_abc_customer_history GROUP BY 1 ORDER BY 1"
            assert [day for day, _ in new.execute(history).fetchall()] == [MONTH_END, NEXT]


def test_while_one_night_runs_another_is_turned_away(published: Company) -> None:
    """A sandbox and a dry run need no lock; a second official run is told who holds it."""
    published.export("发票_20240430.csv", _april())
    turned_away: list[AnotherRunHoldsTheLock] = []

    def run_another(stage):  # type: ignore[no-untyped-def]
        def called(*arguments: object) -> object:
            if stage.__name__ == "build":
                assert published.run(publish=False, only=NO_SCORES).status == "checked"
                with pytest.raises(AnotherRunHoldsTheLock) as raised:
                    published.run()
                turned_away.append(raised.value)
            return stage(*arguments)

        called.__name__ = stage.__name__
        return called

    assert night(published.request(NEXT, only=NO_SCORES), step=run_another).status == "published"
    (error,) = turned_away
    assert (error.exit_code, error.code) == (EXIT_LOCKED, "locked")
    assert any("kehu run tiny" in detail for detail in error.details)
