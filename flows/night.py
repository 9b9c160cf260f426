"""The night: land, conform, gate, score, publish, page: one plain function, run directly or stepwise under Prefect.

May import: everything of ours. No Prefect here: `step` decides how each stage is called (see `flows/nightly.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

from kehu.config.errors import GateClosed
from kehu.flows import steps
from kehu.flows.receipts import NightReceipt, NightRequest
from kehu.tasks.gate import gate_closed_error

P = ParamSpec("P")
T = TypeVar("T")


class Step(Protocol):
    """Wraps one stage: calls it directly, or as a task of an orchestrator."""

    def __call__(self, stage: Callable[P, T]) -> Callable[P, T]:
        """The stage, to be called with the same arguments."""


def call_directly(stage: Callable[P, T]) -> Callable[P, T]:
    """The step of a night without orchestrator: the stage itself."""
    return stage


class NightRefused(GateClosed):
    """The gate is closed: the error with the receipt of the night, so that its files can be shown beside it."""

    def __init__(self, error: GateClosed, receipt: NightReceipt) -> None:
        super().__init__(error.message, code=error.code, **error.facts)
        self.receipt = receipt

    @property
    def summary(self) -> dict[str, Any]:
        """What `--json` prints beside the error."""
        return self.receipt.as_summary()

    def __reduce__(self) -> tuple[Any, ...]:
        """Prefect pickles what a flow raises."""
        return (type(self), (GateClosed(self.message, code=self.code, **self.facts), self.receipt))


def night(request: NightRequest, step: Step = call_directly) -> NightReceipt:
    """Run one night and say what came of it.

    The same request on the same files gives the same run id and the same marts, byte for byte; run again it publishes
    nothing new. Nothing is visible to readers until `publish` has switched; the page of the run comes after it, and a
    page that cannot be written is a warning.

    Raises:
        SettingsError: settings, policy or mapping is malformed, or a required mart had to be skipped (exit 10).
        InputError: an export cannot be read or mapped (exit 11).
        NightRefused: a `GateClosed`: a blocking expectation failed; nothing is published (exit 12).
        WarehouseError: the warehouse is not reachable (exit 13).
        AnotherRunHoldsTheLock: another run is under way (exit 14).
        PublishedThenInterrupted: a `KeyboardInterrupt`: Ctrl-C when readers had been switched over already (exit 130).
    """
    with steps.one_writer(request):
        plan = step(steps.plan_night)(request)
        landing = step(steps.land)(plan)
        inputs = step(steps.conform)(plan, landing)
        counted = step(steps.account)(plan, inputs)
        verdict = step(steps.gate)(plan, inputs)
        if verdict.status == "closed":
            error = steps.with_hint(gate_closed_error(verdict), plan, verdict)
            raise NightRefused(error, steps.refused(plan, landing, inputs, counted, verdict))
        if not request.publish:
            return steps.checked(plan, landing, inputs, counted, verdict)
        with steps.saying_what_is_published(plan, inputs):
            if steps.is_official(plan, inputs):
                steps.record(plan, landing)
                return steps.with_page(plan, steps.unchanged(plan, landing, inputs, counted, verdict))
            marts = step(steps.build)(plan, inputs)
            steps.record(plan, landing)
            receipt = step(steps.publish)(plan, landing, inputs, counted, verdict, marts)
            return step(steps.with_page)(plan, receipt)
