"""`kehu check` and `kehu run`.

May import: everything of ours.
"""

from __future__ import annotations

import argparse
import os

from kehu.config.errors import UsageError
from kehu.flows import show
from kehu.flows.context import language_of, settings_of
from kehu.flows.failures import PublishedThenInterrupted, is_interruption
from kehu.flows.receipts import NightReceipt, NightRequest
from kehu.flows.summary import show_night, show_refused


def check(arguments: argparse.Namespace) -> int:
    """Everything up to the gate; publishes nothing."""
    return run_and_show(_request(arguments, publish=False), arguments)


def run(arguments: argparse.Namespace) -> int:
    """The night.

    Raises:
        UsageError: `--set` without `--sandbox`: the official state follows the policy files only.
    """
    if arguments.set and not arguments.sandbox:
        raise UsageError(
            "--set changes policy for a what-if and needs --sandbox",
            code="set_without_sandbox",
            hint="add --sandbox NAME, or write the value into the project's policy/ with reason, owner and source",
        )
    return run_and_show(_request(arguments, publish=True), arguments)


def _request(arguments: argparse.Namespace, *, publish: bool) -> NightRequest:
    return NightRequest(
        settings=settings_of(arguments),
        source=arguments.source,
        exports=arguments.exports,
        as_of=arguments.as_of,
        known_at=arguments.known_at,
        only=getattr(arguments, "only", ()),
        sandbox=getattr(arguments, "sandbox", None),
        overrides=dict(getattr(arguments, "set", [])),
        data_docs=arguments.data_docs,
        publish=publish,
    )


def run_and_show(request: NightRequest, arguments: argparse.Namespace) -> int:
    """Run a night directly or through Prefect, and show what came of it.

    Prefect is used with `--prefect` or when the environment names an API.
    """
    from kehu.flows.night import NightRefused

    try:
        receipt = _run(request, arguments)
    except NightRefused as refused:
        if not arguments.json:
            show_refused(refused.receipt, language_of(arguments, request.settings))
        raise
    try:
        if arguments.json:
            show.print_json(receipt.as_summary())
        else:
            show_night(receipt, request, language_of(arguments, request.settings))
    except BaseException as error:
        if is_interruption(error) and receipt.warehouse is not None:
            raise PublishedThenInterrupted(receipt.run_id, receipt.page) from error
        raise
    return 0


def _run(request: NightRequest, arguments: argparse.Namespace) -> NightReceipt:
    if getattr(arguments, "prefect", False) or os.environ.get("PREFECT_API_URL"):
        from kehu.flows.nightly import night_flow

        receipt: NightReceipt = night_flow(request)
        return receipt
    from kehu.flows.night import night

    return night(request, step=show.Progress(is_silent=arguments.json).around)
