"""The night as a Prefect flow: the same receipt, the same errors, and no place that is gone in the morning."""

from __future__ import annotations

import logging
import shutil
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from night_world import MONTH_END, Company, invoice_lines

from kehu.config.errors import GateClosed, InputError, SettingsError
from kehu.flows.nightly import business_date_before, night_flow, nightly, refuse_places_not_kept


@pytest.fixture
def trading(company: Company) -> Company:
    company.export("发票_20240331.csv", invoice_lines())
    return company


def test_a_flow_gives_the_receipt_of_a_direct_night(trading: Company, caplog: pytest.LogCaptureFixture) -> None:
    """One temporary server serves all of it: the flow of `kehu run --prefect`, the deployment's, and two that fail."""
    directly = trading.run()
    shutil.rmtree(trading.home)
    through_prefect = night_flow(trading.request())
    assert through_prefect == directly
    assert through_prefect.as_summary() == directly.as_summary()

    places = {"exports": str(trading.exports), "project": str(trading.project), "home": str(trading.home)}
    again = nightly(source="tiny", as_of=MONTH_END, **places)
    assert again == trading.run().as_summary()
    assert again["status"] == "unchanged"

    caplog.clear()
    lines = invoice_lines()
    trading.export("发票_20240331.csv", [*(line | {"不含税金额": "?"} for line in lines[:20]), *lines[20:]])
    with pytest.raises(GateClosed) as closed:
        nightly(source="tiny", as_of=MONTH_END, **places)
    assert (closed.value.exit_code, closed.value.count) == (12, 20)
    with pytest.raises(SettingsError, match="relative"):
        nightly(source="tiny", exports="exports", as_of=MONTH_END)
    assert "Traceback" not in caplog.text
    assert "sales_line.amount_net_not_an_amount: 20 of 60" in caplog.text


# --- without a server -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("places", "environ", "setting"),
    [
        ({"exports": "exports", "home": "/srv/home"}, {}, "exports"),
        ({"exports": "/srv/exports", "home": "var"}, {}, "home"),
        ({"exports": "/srv/exports", "project": "company"}, {}, "project"),
        ({"exports": "/srv/exports"}, {"KEHU_HOME": "./var"}, "home"),
        ({"exports": "/srv/exports"}, {}, "home"),
        ({"exports": "/srv/exports", "project": "", "home": None}, {"KEHU_PROJECT": ""}, "home"),
    ],
)
def test_a_place_in_the_workers_own_folder_is_refused(
    places: dict[str, str | None], environ: dict[str, str], setting: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refused:
        refuse_places_not_kept(places, environ, tmp_path)
    assert (refused.value.code, refused.value.setting) == ("place_not_kept", setting)


@pytest.mark.parametrize(
    ("places", "environ"),
    [
        ({"exports": "/srv/exports", "home": "/srv/home"}, {}),
        ({"exports": "/srv/exports", "project": "/srv/company"}, {}),
        ({"exports": "~/exports", "home": "~/home"}, {}),
        ({"exports": "/srv/exports"}, {"KEHU_PROJECT": "/srv/company"}),
        ({"exports": "/srv/exports"}, {"KEHU_HOME": "/srv/home"}),
    ],
)
def test_places_that_stay_are_taken(places: dict[str, str | None], environ: dict[str, str], tmp_path: Path) -> None:
    refuse_places_not_kept(places, environ, tmp_path)


def test_a_working_folder_that_is_a_project_is_taken(company: Company) -> None:
    refuse_places_not_kept({"exports": "/srv/exports"}, {}, company.project)


def test_a_night_that_starts_after_midnight_judges_the_day_that_ended() -> None:
    half_past_one_in_shanghai = datetime(2024, 3, 31, 17, 30, tzinfo=UTC)
    assert business_date_before(half_past_one_in_shanghai, "Asia/Shanghai") == MONTH_END
    assert business_date_before(half_past_one_in_shanghai, "Europe/London") == date(2024, 3, 30)


def test_only_defects_are_logged_with_a_traceback() -> None:
    logger = logging.getLogger("prefect.flow_runs")

    def logged(error: Exception) -> str:
        try:
            raise error
        except Exception:
            record = logger.makeRecord(logger.name, logging.ERROR, "f", 1, "Failed: %r", (error,), sys.exc_info())
        assert logger.filter(record)
        return logging.Formatter().format(record)

    assert logged(InputError("no such column", code="column_missing")) == "no such column"
    assert "Traceback" in logged(ValueError("ours"))
