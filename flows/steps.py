"""The stages of a night, each from receipts to a receipt.

May import: everything of ours but `flows.night` and `flows.cli`. Every stage opens and closes its own engine connection, so
that it can run in a task of its own; rows stay in files, only receipts travel.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import kehu
from kehu.config.errors import SettingsError
from kehu.config.policy import PolicyBook
from kehu.config.sources import SourceMapping, load_source
from kehu.flows.receipts import Inputs, MartReceipt, NightPlan, NightReceipt, NightRequest
from kehu.schemas.rendering import contract_fingerprint
from kehu.schemas.tables import PUBLISHED_TABLES
from kehu.tasks.conform import Conformed, conform_delivery
from kehu.tasks.corrections import load_corrections
from kehu.tasks.gate import GateReceipt, run_gate
from kehu.tasks.land import Landing, known_deliveries, land_exports
from kehu.tasks.marts import build_marts, marts_named
from kehu.warehouse.connections import engine
from kehu.warehouse.lock import writer_lock
from kehu.warehouse.publish import RunFacts, publish_run
from kehu.warehouse.read import is_current, portfolio_of

if TYPE_CHECKING:
    import duckdb


@contextlib.contextmanager
def one_writer(request: NightRequest) -> Iterator[None]:
    """Hold the writer's lock of the warehouse this night publishes to; a dry run needs none.

    Raises:
        AnotherRunHoldsTheLock: another run is under way (exit 14).
    """
    if not request.publish:
        yield
        return
    with writer_lock(request.warehouse_dir, command=f"run {request.source} {request.as_of}", now=_now()):
        yield


def plan_night(request: NightRequest) -> NightPlan:
    """Look up everything the request names and refuse what is wrong before a file is touched.

    Raises:
        SettingsError: policy, mapping or portfolio is malformed.
        UsageError: no such source or mart.
    """
    settings = request.settings
    mapping = load_source(request.source, settings.sources_dir)
    policy = PolicyBook.load(settings.policy_dir).on(request.as_of, request.overrides)
    published = portfolio_of(request.warehouse_dir)
    currency = settings.portfolio.reporting_currency or (published.reporting_currency if published else mapping.currency)
    return NightPlan(request, mapping, policy, currency, marts_named(request.only))


def land(plan: NightPlan) -> Landing:
    """Take tonight's files into the landing area as they are."""
    return land_exports(plan.mapping, plan.request.exports, plan.request.settings.home, _now())


def conform(plan: NightPlan, landing: Landing) -> Inputs:
    """Make typed rows of every delivery the night may use; what was conformed by the same rules before is reused."""
    request = plan.request
    home = request.settings.home
    tonight = {(delivery.file_name, delivery.delivery_id) for delivery in landing.batch}
    batch: list[Conformed] = []
    known: list[Conformed] = []
    with _engine(plan) as connection:
        for mapping, delivery in _deliveries(plan, home):
            conformed = conform_delivery(
                connection,
                delivery,
                mapping,
                home=home,
                corrections=load_corrections(request.settings.corrections_dir),
                policy=plan.policy,
                reporting_currency=plan.reporting_currency,
            )
            known.extend(conformed)
            if (delivery.file_name, delivery.delivery_id) in tonight:
                batch.extend(conformed)
    return _identified(plan, batch, known)


def _deliveries(plan: NightPlan, home: Path) -> Iterator[tuple[SourceMapping, "object"]]:
    mappings: dict[str, SourceMapping] = {plan.mapping.name: plan.mapping}
    for delivery in known_deliveries(home, None, plan.request.known_at):
        if delivery.mapping not in mappings:
            mappings[delivery.mapping] = load_source(delivery.mapping, plan.request.settings.sources_dir)
        yield mappings[delivery.mapping], delivery
