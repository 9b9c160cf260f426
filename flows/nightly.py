"""The night as a Prefect flow: the same function, each stage a task.

May import: everything of ours. Entry point for deployments: `kehu.flows.nightly:nightly`. Prefect is imported here and
nowhere else; importing this module costs about four seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from kehu.flows.quiet import send_nothing

send_nothing(os.environ)  # before Prefect is imported: it reads its settings then

from prefect import flow, task  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.runtime import flow_run  # noqa: E402

from kehu.config.settings import load_settings  # noqa: E402
from kehu.flows.night import night  # noqa: E402
from kehu.flows.receipts import NightReceipt, NightRequest  # noqa: E402

P = ParamSpec("P")
T = TypeVar("T")


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
        exports: the export folder.
        as_of: the day judged; by default the business date of the scheduled start in the portfolio's time zone, minus
            one day.
        project: project folder; by default KEHU_PROJECT.
        home: home folder; by default the project's.

    Returns:
        The machine-readable summary of the night.

    Raises:
        KehuError: as `night` does; the flow run then fails with the error's sentence.
    """
    settings = load_settings(
        project=Path(project) if project else None,
        home=Path(home) if home else None,
        warehouse=None,
        environ=os.environ,
        cwd=Path.cwd(),
    )
    judged = as_of or business_date_before(flow_run.get_scheduled_start_time(), settings.portfolio.timezone)
    request = NightRequest(settings=settings, source=source, exports=Path(exports), as_of=judged)
    return night(request, step=as_prefect_task).as_summary()


def business_date_before(start: datetime, timezone: str) -> date:
    """The calendar day before an instant, in a time zone: a night that starts at 01:00 judges the day that just ended.

    Args:
        start: an aware instant.
        timezone: IANA name, e.g. `Asia/Shanghai`.
    """
    return start.astimezone(ZoneInfo(timezone)).date() - timedelta(days=1)
