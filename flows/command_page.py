"""`kehu page`.

May import: everything of ours.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

from kehu.config.errors import UsageError
from kehu.flows import show
from kehu.flows.context import language_of, settings_of
from kehu.flows.failures import as_resource_error
from kehu.schemas.tables import MART_ABC_CUSTOMER
from kehu.warehouse.read import current_run, list_runs, show_run


def page(arguments: argparse.Namespace) -> int:
    """Write the page of a published run again: to the folder of pages, or to a file.

    Raises:
        UsageError: no published run has this id (`unknown_run`), nothing is published for the day (`unknown_run`), or
            the file of `--output` cannot be made (`file_not_writable`).
    """
    from kehu.flows.page import pages_dir, policy_of, render_page, write_page, write_run_page
    from kehu.flows.page_facts import run_facts

    settings = settings_of(arguments)
    language = language_of(arguments, settings)
    warehouse = settings.home / "sandboxes" / arguments.sandbox if arguments.sandbox else settings.warehouse_dir
    run_id = _run_asked_for(warehouse, arguments.run, arguments.as_of)
    policy = policy_of(run_facts(warehouse, run_id), settings.policy_dir)
    if arguments.output is None:
        written = write_run_page(
            warehouse, run_id, pages_dir(settings, arguments.sandbox), policy=policy, language=language
        )
    else:
        is_folder = arguments.output.is_dir()
        written = arguments.output / f"{run_id}.html" if is_folder else arguments.output
        content = render_page(run_facts(warehouse, run_id), policy, language)
        try:
            write_page(content, written)
        except OSError as error:
            if as_resource_error(error) is not None:
                raise
            reason = error.strerror or type(error).__name__
            raise UsageError(
                f"cannot write {written}: {reason}", code="file_not_writable", file=str(written),
                hint="name another file or folder with --output",
            ) from None  # fmt: skip
    if arguments.json:
        show.print_json({"exit_code": 0, "run_id": run_id, "page": str(written)})
    else:
        show.results().print(str(written), markup=False, soft_wrap=True)
    return 0


def _run_asked_for(warehouse: Path, run_id: str | None, as_of: date | None) -> str:
    """The run named, else the one official for the customers' classes on the day, by default the newest with any."""
    if run_id is not None:
        return str(show_run(warehouse, run_id).log["run_id"])
    mart = MART_ABC_CUSTOMER.name
    runs = [run for run in list_runs(warehouse) if as_of in (None, run.as_of) and run.official_marts]
    if not runs:
        raise UsageError(
            f"Nothing is published for {as_of}." if as_of else "Nothing is published.",
            code="unknown_run",
            hint="`kehu runs` lists what is",
        )
    newest = next((run for run in runs if mart in run.official_marts), runs[0])
    return current_run(warehouse, newest.as_of, mart) or newest.run_id
