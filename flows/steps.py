"""The stages of a night, each from receipts to a receipt.

May import: everything of ours but `flows.night`, `flows.nightly` and the commands. Every stage opens and closes its own
engine connection, so that it can run in a task of its own; rows stay in files, only receipts travel.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

import kehu
from kehu.config.errors import GateClosed, KehuError, SettingsError, WarehouseError
from kehu.config.policy import PolicyBook
from kehu.config.sources import SourceMapping, load_source
from kehu.flows.failures import PublishedThenInterrupted, as_resource_error, is_interruption, write_traceback
from kehu.flows.receipts import Account, Inputs, MartReceipt, Marts, NightPlan, NightReceipt, NightRequest, NightStatus
from kehu.schemas.rendering import arrow_schema
from kehu.schemas.tables import DQ_QUARANTINE, DQ_RESULT, RUN_INPUT, RUN_INPUT_REASON, RUN_MART
from kehu.tasks.account import run_inputs
from kehu.tasks.conform import conform_delivery
from kehu.tasks.conformed import Conformed
from kehu.tasks.corrections import load_corrections
from kehu.tasks.gate import GateReceipt, quality_rows, quarantine_rows, run_gate
from kehu.tasks.in_force import delivery_order, files_in_force
from kehu.tasks.land import Landing, all_deliveries, land_exports, record_deliveries
from kehu.tasks.marts import MartInputs, SkippedMart, build_marts, marts_named
from kehu.warehouse.connections import closed_at_the_end, connect_scratch
from kehu.warehouse.duckdb_file import LINK_NAME, is_published_file_intact, trusted_file
from kehu.warehouse.lock import hold_lock
from kehu.warehouse.publish import RunFacts, publish_run
from kehu.warehouse.read import is_published, refuse_other_portfolio, stored_portfolio
from kehu.warehouse.scratch import clear_abandoned_scratch, new_scratch_folder, scratch_folder

if TYPE_CHECKING:
    import duckdb

    from kehu.tasks.land import Delivery


_EXPIRED = "delivery_expired"
"""Rule of the gate on deliveries too old for the day judged."""


# --- before the first file --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def one_writer(request: NightRequest) -> Iterator[None]:
    """Hold the writer's lock of the home while a night publishes; sandboxes and dry runs need none.

    Raises:
        SettingsError: the home cannot be written (exit 10).
        WarehouseError: the folder of the warehouse cannot be written (exit 13).
        AnotherRunHoldsTheLock: another run is under way (exit 14).
    """
    _refuse_unwritable(request)
    if not request.publish or request.sandbox:
        yield
        return
    with hold_lock(request.settings.home, started_at=_now(), command=f"kehu run {request.source} {request.as_of}"):
        clear_abandoned_scratch(request.settings.home)
        yield


def _refuse_unwritable(request: NightRequest) -> None:
    """Find out before the work begins whether files can be made where they will be needed."""
    home, warehouse = request.settings.home, request.warehouse_dir
    if reason := _why_unwritable(home, mode=0o700):
        raise SettingsError(
            f"The home folder cannot be written: {reason}.",
            code="home_not_writable",
            file=str(home),
            hint="name another with --home, KEHU_HOME or `home` in kehu.toml, or let this user write there",
        )
    if request.publish and (reason := _why_unwritable(warehouse, mode=0o777)):
        raise WarehouseError(
            f"The folder of the warehouse cannot be written: {reason}.",
            code="not_reachable",
            file=str(warehouse),
            hint="name another with --warehouse or `warehouse` in kehu.toml, or let this user write there",
        )


def _why_unwritable(folder: Path, *, mode: int) -> str | None:
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        if as_resource_error(error) is not None:
            raise
        return error.strerror or type(error).__name__


def plan_night(request: NightRequest) -> NightPlan:
    """Look up everything the request names and refuse what is wrong before a file is touched.

    Raises:
        SettingsError: policy, mapping or portfolio is malformed, or the warehouse holds another portfolio (exit 10).
        UsageError: no such source or mart.
        WarehouseError: the warehouse is there and cannot be read (exit 13).
    """
    settings = request.settings
    mapping = load_source(request.source, settings.sources_dir)
    policy = PolicyBook.load(settings.policy_dir).on(request.as_of, request.overrides)
    stored = stored_portfolio(trusted_file(request.warehouse_dir))
    refuse_other_portfolio(stored, settings.portfolio)
    currency = settings.portfolio.reporting_currency or (stored.reporting_currency if stored else mapping.currency)
    marts = marts_named(request.only)
    unknown = sorted(set(settings.required_marts) - set(marts_named(())))
    if unknown:
        raise SettingsError(
            f"required_marts names no mart: {', '.join(unknown)}", code="unknown_mart", file="kehu.toml"
        )
    return NightPlan(request, mapping, policy, currency, marts, _now())


# --- land, conform ----------------------------------------------------------------------------------------------------


def land(plan: NightPlan) -> Landing:
    """Take tonight's files into the landing area as they are; they count as delivered once `record` says so."""
    return land_exports(plan.mapping, plan.request.exports, plan.request.settings.home, _now(), is_recorded=False)


def conform(plan: NightPlan, landing: Landing) -> Inputs:
    """Make typed rows of every delivery the night may use; what the same rules made before is reused."""
    home = plan.request.settings.home
    corrections = load_corrections(plan.request.settings.corrections_dir)
    tonight = {(delivery.file_name, delivery.delivery_id) for delivery in landing.batch}
    known: list[Conformed] = []
    mappings: dict[str, SourceMapping] = {}
    deliveries = all_deliveries(home, plan.request.known_at, landing.new)
    with _engine(plan) as (connection, _):
        for delivery, mapping in _with_mappings(plan, deliveries):
            mappings[mapping.name] = mapping
            known += conform_delivery(
                connection,
                delivery,
                mapping,
                home=home,
                corrections=corrections,
                policy=plan.policy,
                reporting_currency=plan.reporting_currency,
                deliveries=deliveries,
            )
    batch = tuple(file for file in known if (file.file_name, file.delivery_id) in tonight)
    basis = {mapping.system: mapping.sales_basis for mapping in mappings.values() if mapping.sales_basis}
    return _identified(plan, batch, tuple(known), basis)


def _with_mappings(plan: NightPlan, deliveries: Sequence[Delivery]) -> Iterator[tuple[Delivery, SourceMapping]]:
    mappings = {plan.mapping.name: plan.mapping}
    for delivery in deliveries:
        if delivery.mapping not in mappings:
            mappings[delivery.mapping] = load_source(delivery.mapping, plan.request.settings.sources_dir)
        yield delivery, mappings[delivery.mapping]


def _identified(
    plan: NightPlan, batch: Sequence[Conformed], known: Sequence[Conformed], basis: dict[str, str]
) -> Inputs:
    """Give the run its id: as_of and twelve hex digits over inputs, policy, code and parameters."""
    request = plan.request
    known_at = request.known_at or max((file.delivered_date for file in known), default=request.as_of)
    parameters = {
        "as_of": request.as_of.isoformat(),
        "known_at": known_at.isoformat(),
        "marts": list(plan.marts),
        "reporting_currency": plan.reporting_currency,
        "sales_basis": basis,
        "overrides": dict(sorted(request.overrides.items())),
        "batch": sorted(file.directory for file in batch),
    }
    inputs_hash = _hash_of(_ranked(known))
    code_version = f"{kehu.__version__}+{_source_hash()}"
    portfolio = dataclasses.asdict(request.settings.portfolio)
    digest = _hash_of([inputs_hash, plan.policy.fingerprint, code_version, parameters, portfolio])
    return Inputs(
        batch=tuple(batch),
        known=tuple(known),
        known_at=known_at,
        basis_by_system=basis,
        inputs_hash=inputs_hash[:16],
        run_id=f"{request.as_of:%Y%m%d}-{digest[:12]}",
        code_version=code_version,
        parameters_json=json.dumps(parameters, ensure_ascii=False, sort_keys=True),
    )


def _ranked(known: Sequence[Conformed]) -> list[Any]:
    """The files with their rank among those of one mapping and day: which came later decides whose rows count."""
    seen: Counter[tuple[Any, ...]] = Counter()
    ranked = []
    for file in sorted(known, key=delivery_order):
        of_one_day = (file.system, file.file_mapping, file.entity, file.delivered_date)
        ranked.append((file.directory, file.file_name, file.sheet, seen[of_one_day]))
        seen[of_one_day] += 1
    return sorted(ranked)


def _hash_of(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()


def _source_hash() -> str:
    """Eight hex digits over the package's own files: changed code is another run, released or not."""
    root = Path(kehu.__file__).parent
    digest = hashlib.sha256()
    for folder in ("config", "flows", "schemas", "tasks", "warehouse"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".yaml"):
                digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:8]


def account(plan: NightPlan, inputs: Inputs) -> Account:
    """Count what became of every record of every file in force, and hold the two counting identities."""
    import ibis

    with _engine(plan) as (connection, _):
        tables = run_inputs(
            ibis.duckdb.from_connection(connection),
            inputs.known,
            home=plan.request.settings.home,
            as_of=plan.request.as_of,
            known_at=inputs.known_at,
            run_id=inputs.run_id,
            batch={(file.delivery_id, file.file_name) for file in inputs.batch},
        )
    return Account(*tables)


# --- gate, build, publish ---------------------------------------------------------------------------------------------


def gate(plan: NightPlan, inputs: Inputs) -> GateReceipt:
    """Ask of tonight's batch everything the contracts expect."""
    request = plan.request
    with _engine(plan) as (connection, _):
        return run_gate(
            connection,
            inputs.batch,
            home=request.settings.home,
            policy=plan.policy,
            known=inputs.known,
            as_of=request.as_of,
            data_docs=request.data_docs,
        )


def with_hint(error: GateClosed, plan: NightPlan, verdict: GateReceipt) -> GateClosed:
    """The error with what to do next where no row is at fault: deliveries far older than the day judged."""
    broken = {result.rule for result in verdict.failed if result.severity == "block"}
    if _EXPIRED not in broken:
        return error
    hint = f"check --as-of {plan.request.as_of}, or deliver newer files"
    if broken != {_EXPIRED} and error.hint:
        hint += f"; {error.hint}"
    return GateClosed(error.message, code=error.code, **{**error.facts, "hint": hint})


def record(plan: NightPlan, landing: Landing) -> None:
    """Make tonight's files count as delivered, now that the gate let them through and the marts could be built.

    What was refused, unreadable or interrupted is none, so that no later night meets it; nor is what a sandbox read.
    """
    if plan.request.sandbox is None:
        record_deliveries(landing.new, plan.request.settings.home)


def is_official(plan: NightPlan, inputs: Inputs) -> bool:
    """True when this very run is published and official already, and readers get it as it was published."""
    directory = plan.request.warehouse_dir
    return is_published(trusted_file(directory), inputs.run_id) and is_published_file_intact(directory)


@contextlib.contextmanager
def saying_what_is_published(plan: NightPlan, inputs: Inputs) -> Iterator[None]:
    """Turn an interruption that comes when readers meet the run already into one that says so.

    Raises:
        PublishedThenInterrupted: the run is published and official.
        KeyboardInterrupt: it is not.
    """
    try:
        yield
    except BaseException as error:
        if not is_interruption(error):
            raise
        if not is_official(plan, inputs):
            raise KeyboardInterrupt from error
        page = _page_of(plan, inputs.run_id)
        raise PublishedThenInterrupted(inputs.run_id, page if page.is_file() else None) from error


def build(plan: NightPlan, inputs: Inputs) -> Marts:
    """Score the customers: one Parquet file per mart in a folder of this run.

    Raises:
        SettingsError: a mart that `required_marts` names had to be skipped (exit 10).
    """
    request = plan.request
    home = request.settings.home
    folder = new_scratch_folder(home, "build")
    wanted = MartInputs(
        files=inputs.known,
        home=home,
        scratch=folder,
        policy=plan.policy,
        as_of=request.as_of,
        known_at=inputs.known_at,
        run_id=inputs.run_id,
        reporting_currency=plan.reporting_currency,
        basis_by_system=inputs.basis_by_system,
    )
    try:
        with _engine(plan) as (connection, _):
            built = build_marts(connection, plan.marts, wanted)
        receipts = tuple(_mart_receipt(mart) for mart in built)
        _refuse_missing_marts(receipts, request.settings.required_marts)
    except BaseException:
        shutil.rmtree(folder)
        raise
    return Marts(receipts, folder)


def _mart_receipt(mart: Any) -> MartReceipt:
    if isinstance(mart, SkippedMart):
        return MartReceipt(mart.name, "skipped", reason=mart.reason)
    return MartReceipt(
        mart.name,
        "published",
        None,
        mart.path,
        mart.row_count,
        mart.checksum,
        mart.exact_total,
        mart.rounding_difference,
    )


def _refuse_missing_marts(receipts: Sequence[MartReceipt], required: Sequence[str]) -> None:
    missing = [receipt for receipt in receipts if receipt.status == "skipped" and receipt.mart in required]
    if missing:
        raise SettingsError(
            "marts that required_marts names cannot be built; nothing is published",
            code="required_mart_skipped",
            count=len(missing),
            details=[f"{receipt.mart}: {receipt.reason}" for receipt in missing],
            hint="set the blank policy value (`kehu policy show`), deliver the missing entity, or take the mart off",
        )


def publish(
    plan: NightPlan, landing: Landing, inputs: Inputs, counted: Account, verdict: GateReceipt, marts: Marts
) -> NightReceipt:
    """Add the run to the warehouse and switch readers over to it."""
    request = plan.request
    settings = request.settings
    portfolio = dataclasses.replace(settings.portfolio, reporting_currency=plan.reporting_currency)
    run = RunFacts(
        run_id=inputs.run_id,
        as_of=request.as_of,
        known_at=inputs.known_at,
        gate=verdict.status,
        started_at=plan.started_at,
        finished_at=_now(),
        code_version=inputs.code_version,
        inputs_hash=inputs.inputs_hash,
        policy_hash=plan.policy.fingerprint,
        parameters_json=inputs.parameters_json,
        sandbox=request.sandbox,
        reason="run",
    )
    try:
        publish_run(
            request.warehouse_dir,
            run,
            {mart.mart: mart.path for mart in marts.receipts if mart.path is not None},
            {
                RUN_INPUT.name: counted.run_input,
                RUN_INPUT_REASON.name: counted.run_input_reason,
                RUN_MART.name: _mart_rows(plan, inputs, marts.receipts),
                DQ_RESULT.name: quality_rows(verdict, request.as_of, inputs.run_id),
                DQ_QUARANTINE.name: quarantine_rows(
                    files_in_force(inputs.known, inputs.known_at), request.as_of, inputs.run_id
                ),
            },
            portfolio=portfolio,
            published_at=_now(),
            kept_versions=settings.kept_versions,
            threads=settings.threads,
            memory_limit=settings.memory_limit,
        )
    finally:
        shutil.rmtree(marts.folder)
    return _receipt(plan, landing, inputs, counted, verdict, "published", marts.receipts)


def _mart_rows(plan: NightPlan, inputs: Inputs, receipts: Sequence[MartReceipt]) -> pa.Table:
    rows = [
        {
            "as_of": plan.request.as_of,
            "run_id": inputs.run_id,
            "mart": receipt.mart,
            "mart_status": receipt.status,
            "reason": receipt.reason,
            "row_count": receipt.row_count,
            "checksum": receipt.checksum,
            "exact_total": receipt.exact_total,
            "rounding_difference": receipt.rounding_difference,
        }
        for receipt in sorted(receipts, key=lambda receipt: receipt.mart)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(RUN_MART))


# --- receipts of the night --------------------------------------------------------------------------------------------


def checked(plan: NightPlan, landing: Landing, inputs: Inputs, counted: Account, verdict: GateReceipt) -> NightReceipt:
    """The receipt of a dry run."""
    return _receipt(plan, landing, inputs, counted, verdict, "checked", ())


def refused(plan: NightPlan, landing: Landing, inputs: Inputs, counted: Account, verdict: GateReceipt) -> NightReceipt:
    """The receipt of a night whose gate is closed: what its files held, although nothing is published."""
    return _receipt(plan, landing, inputs, counted, verdict, "gate_closed", ())


def unchanged(
    plan: NightPlan, landing: Landing, inputs: Inputs, counted: Account, verdict: GateReceipt
) -> NightReceipt:
    """The receipt of a run that is official already."""
    return _receipt(plan, landing, inputs, counted, verdict, "unchanged", ())


def _receipt(
    plan: NightPlan,
    landing: Landing,
    inputs: Inputs,
    counted: Account,
    verdict: GateReceipt,
    status: NightStatus,
    receipts: Sequence[MartReceipt],
) -> NightReceipt:
    request = plan.request
    warnings = [
        f"no file for `{name}` of source {plan.mapping.name} in {request.exports}" for name in landing.missing_files
    ]
    warnings += [f"{name} repeats {other} byte for byte and is read once" for name, other in landing.copies]
    return NightReceipt(
        status=status,
        run_id=inputs.run_id,
        as_of=request.as_of,
        gate=verdict.status,
        warehouse=None if status in ("checked", "gate_closed") else request.warehouse_dir / LINK_NAME,
        published={receipt.mart: receipt.row_count for receipt in receipts if receipt.status == "published"},
        skipped={receipt.mart: receipt.reason or "" for receipt in receipts if receipt.status == "skipped"},
        quarantined=sum(file.rows_quarantined for file in inputs.batch),
        files=tuple(row for row in counted.run_input.to_pylist() if row["is_new_delivery"]),
        quality=tuple(dataclasses.asdict(result) for result in verdict.failed),
        unmapped_files=landing.unmapped_files,
        warnings=tuple(warnings),
    )


# --- the page ---------------------------------------------------------------------------------------------------------


def with_page(plan: NightPlan, receipt: NightReceipt) -> NightReceipt:
    """Write the page of a published run, and say where it is.

    What is published stays published: a page that cannot be written is a warning, which names the command that tries
    again. A run that is official already and has its page keeps it.
    """
    from kehu.flows.page import write_run_page

    request = plan.request
    settings = request.settings
    page = _page_of(plan, receipt.run_id)
    if receipt.status == "unchanged" and page.is_file():
        return dataclasses.replace(receipt, page=page)
    try:
        written = write_run_page(
            request.warehouse_dir, receipt.run_id, page.parent, policy=plan.policy, language=settings.language
        )
    except Exception as error:
        if is_interruption(error):
            raise
        warning = f"the page was not written: {_why(error, settings.home)}; try `kehu page --run {receipt.run_id}`"
        return dataclasses.replace(receipt, warnings=(*receipt.warnings, warning))
    return dataclasses.replace(receipt, page=written)


def _page_of(plan: NightPlan, run_id: str) -> Path:
    from kehu.flows.page import pages_dir

    return pages_dir(plan.request.settings, plan.request.sandbox) / f"{run_id}.html"


def _why(error: Exception, home: Path) -> str:
    """An error that ends nothing, in a few words without a row value."""
    if isinstance(error, KehuError):
        return error.message.rstrip(".")
    if isinstance(error, OSError):
        return f"{error.strerror} ({error.filename})"
    return f"{type(error).__name__}, the traceback is in {write_traceback(error, home)}"


# --- engine and clock -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _engine(plan: NightPlan) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A scratch engine and its folder; both are gone when the stage ends, however it ends."""
    settings = plan.request.settings
    with scratch_folder(settings.home, "stage") as scratch:
        opened = connect_scratch(scratch, threads=settings.threads, memory_limit=settings.memory_limit)
        with closed_at_the_end(opened) as connection:
            yield connection, scratch


def _now() -> datetime:
    return datetime.now(UTC)
