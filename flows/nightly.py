"""The night as a Prefect flow: the same function, each stage a task.

May import: everything of ours. Entry point for deployments: `kehu.flows.nightly:nightly`. Prefect is imported here and
nowhere else; importing this module costs about four seconds.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from kehu.flows.quiet import send_nothing

send_nothing(os.environ)  # before Prefect is imported: it reads its settings then

from prefect import flow, get_run_logger, task  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402

from kehu.config.errors import KehuError, SettingsError  # noqa: E402
from kehu.config.settings import PROJECT_FILE, load_settings  # noqa: E402
from kehu.flows.night import night  # noqa: E402
from kehu.flows.receipts import NightReceipt, NightRequest  # noqa: E402

P = ParamSpec("P")
T = TypeVar("T")


class _WithoutTraceback(logging.Filter):
    """Errors a user can act on are logged by Prefect as their sentence; a defect keeps its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, KehuError):
            record.exc_info, record.exc_text = None, None
            record.msg, record.args = str(error), None
        return True


for _logger in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_logger).addFilter(_WithoutTraceback())


def as_prefect_task(stage: Callable[P, T]) -> Callable[P, T]:
    """The step of a night under Prefect: each stage a task run, nothing cached or stored by Prefect.

    Kehu's own receipts and content hashes decide what is done again, so a second cache could only disagree.
    """
    run_as_task: Callable[P, T] = task(name=stage.__name__, cache_policy=NO_CACHE, persist_result=False)(stage)
    return run_as_task


@flow(name="kehu-night", persist_result=False, validate_parameters=False)
def night_flow(request: NightRequest) -> NightReceipt:
    """One night under Prefect: what `kehu run --prefect` calls.

    Raises:
        KehuError: as `night` does.
    """
    return night(request, step=as_prefect_task)


@flow(name="kehu-nightly", persist_result=False)
def nightly(
    source: str, exports: str, as_of: date | None = None, project: str | None = None, home: str | None = None
) -> dict[str, Any]:
    """The scheduled night of a deployment.

    Args:
        source: name of the source mapping.
        exports: the export folder, absolute.
        as_of: the day judged; by default the business date of the scheduled start in the portfolio's time zone, minus
            one day.
        project: project folder, absolute; by default KEHU_PROJECT.
        home: home folder, absolute; by default KEHU_HOME, or the project's.

    Returns:
        The machine-readable summary of the night.

    Raises:
        SettingsError: a place would lie in the temporary folder a worker starts in and deletes (`place_not_kept`).
        KehuError: as `night` does; the flow run then fails with the error's sentence, and its lines stand in the log.
    """
    try:
        return _nightly(source, exports, as_of, project, home)
    except KehuError as error:
        get_run_logger().error("\n".join(error.lines()))
        raise


def _nightly(source: str, exports: str, as_of: date | None, project: str | None, home: str | None) -> dict[str, Any]:
    refuse_places_not_kept({"exports": exports, "project": project, "home": home}, os.environ, Path.cwd())
    settings = load_settings(
        project=Path(project) if project else None,
        home=Path(home) if home else None,
        warehouse=None,
        environ=os.environ,
        cwd=Path.cwd(),
    )
    judged = as_of or business_date_before(flow_run.get_scheduled_start_time(), settings.portfolio.timezone)
    request = NightRequest(settings=settings, source=source, exports=Path(exports).expanduser(), as_of=judged)
    return night(request, step=as_prefect_task).as_summary()


def refuse_places_not_kept(places: Mapping[str, str | None], environ: Mapping[str, str], cwd: Path) -> None:
    """Refuse what a worker would look for, or leave, in its working folder: Prefect makes it anew for each flow run.

    Args:
        places: `exports`, `project` and `home` as given; None where not given.
        environ: the environment: KEHU_PROJECT and KEHU_HOME count where `project` and `home` are not given.
        cwd: the current folder; it serves as project where it holds a `kehu.toml`.

    Raises:
        SettingsError: a path is relative, or neither project nor home is known (code `place_not_kept`).
    """
    stated = {
        "exports": places.get("exports"),
        "project": places.get("project") or environ.get("KEHU_PROJECT"),
        "home": places.get("home") or environ.get("KEHU_HOME"),
    }
    for name, place in stated.items():
        if place and not place.startswith("~/") and not Path(place).is_absolute():
            raise SettingsError(
                f"{name} {place} is a relative path, and a scheduled night starts in a temporary folder",
                code="place_not_kept",
                setting=name,
                hint="give the absolute path, in the parameters of the deployment or on the worker",
            )
    if not (stated["project"] or stated["home"] or (cwd / PROJECT_FILE).is_file()):
        raise SettingsError(
            "neither project nor home is given: the warehouse would lie in a temporary folder and be deleted with it",
            code="place_not_kept",
            setting="home",
            hint="give `project` or `home` to the deployment, or KEHU_PROJECT or KEHU_HOME to the worker",
        )


def business_date_before(start: datetime, timezone: str) -> date:
    """The calendar day before an instant, in a time zone: a night that starts at 01:00 judges the day that just ended.

    Args:
        start: an aware instant.
        timezone: IANA name, e.g. `Asia/Shanghai`.
    """
    return start.astimezone(ZoneInfo(timezone)).date() - timedelta(days=1)
