"""Publish a run: add its rows, check them, move the pointers, hand out the next version of the file.

May import: `config`, `schemas`, other modules of `warehouse`.

    reserve a number → copy the master → add rows → check → move pointers → views → checkpoint → name, link → prune

All of it happens on a private work file; a reader meets the old version or the new one, never anything between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from kehu.config.errors import KehuError, SettingsError, WarehouseError
from kehu.schemas.model import Table
from kehu.schemas.rendering import WAREHOUSE_SCHEMA, arrow_schema, contract_fingerprint, literal, quoted
from kehu.schemas.tables import (
    PUBLISHED_TABLES,
    QUALITY_TABLES,
    RUN_CURRENT,
    RUN_LOG,
    RUN_MART,
    RUN_PORTFOLIO,
    RUN_TABLES,
)
from kehu.warehouse.connections import closed_at_the_end, open_duckdb, readable_failures
from kehu.warehouse.duckdb_file import VersionedFile, do_nothing, linked_version, version_path
from kehu.warehouse.lock import hold_lock
from kehu.warehouse.read import PortfolioFacts, read_portfolio, refuse_other_portfolio
from kehu.warehouse.rebuild import copy_by_contract, create_tables, release_order
from kehu.warehouse.views import refresh_views

PUBLISH_STEPS = (
    "reserved",
    "source_copied",
    "rows_added",
    "rows_checked",
    "pointers_moved",
    "committed",
    "checkpointed",
    "copied",
    "master_named",
    "version_named",
    "linked",
    "pruned",
)
"""The steps `on_step` is told of, in order. Killed after any of them, readers have the old version or the new one."""

OWN_TABLES = frozenset({RUN_PORTFOLIO.name, RUN_LOG.name, RUN_CURRENT.name})
"""Run tables that publishing writes itself; all others are handed in."""

GIVEN_TABLES = tuple(table for table in (*RUN_TABLES, *QUALITY_TABLES) if table.name not in OWN_TABLES)
"""Run and quality tables a caller hands in as Arrow tables."""


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run when it is published; its row in `run_log`.

    Attributes:
        run_id: as_of and twelve hex digits of the hash of inputs, policy, code and parameters.
        as_of: the day judged.
        known_at: deliveries up to this day were used; None = all.
        gate: `open` or `warned`.
        started_at: clock time the run began, with time zone.
        finished_at: clock time its last mart was built, with time zone.
        code_version: version of Kehu.
        inputs_hash: hash of deliveries and mappings.
        policy_hash: hash of the policy in force.
        parameters_json: parameters of the run as JSON.
        sandbox: name of the sandbox, None for the official warehouse.
        reason: why the run becomes official, stored with the pointers it moves.
    """

    run_id: str
    as_of: date
    known_at: date | None
    gate: str
    started_at: datetime
    finished_at: datetime
    code_version: str
    inputs_hash: str
    policy_hash: str
    parameters_json: str
    sandbox: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class MovedPointer:
    """One mart of the day that got another official run."""

    mart: str
    run_id: str
    superseded_run_id: str | None


@dataclass(frozen=True)
class PublishReceipt:
    """What a publication did.

    Attributes:
        version: number of the published file.
        path: the published file; `kehu.duckdb` beside it links to it.
        changed: False when the run was official already: nothing was added and no pointer moved.
        moved: the pointers that moved, by mart.
        rows: rows added per table; empty when the run was published before.
        is_repaired: True when a new version was made only because the published file had been changed by someone else.
        is_rebuilt: True when kept rows were carried over to changed contracts.
        left_behind: columns and tables the contracts no longer know, when rebuilt.
    """

    version: int
    path: Path
    changed: bool
    moved: tuple[MovedPointer, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    is_repaired: bool = False
    is_rebuilt: bool = False
    left_behind: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Publication:
    """The arguments of one publication, as its steps hand them on."""

    run: RunFacts
    marts: Mapping[str, Path]
    run_tables: Mapping[str, pa.Table]
    portfolio: PortfolioFacts
    published_at: datetime
    tables: Sequence[Table]
    on_step: Callable[[str], None]
    threads: int | None
    memory_limit: str | None

    @property
    def fingerprint(self) -> str:
        return contract_fingerprint(self.tables)

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)


def publish_run(
    warehouse_dir: Path,
    run: RunFacts,
    marts: Mapping[str, Path],
    run_tables: Mapping[str, pa.Table],
    *,
    portfolio: PortfolioFacts,
    published_at: datetime,
    kept_versions: int = 3,
    threads: int | None = None,
    memory_limit: str | None = None,
    tables: Sequence[Table] = PUBLISHED_TABLES,
    on_step: Callable[[str], None] = do_nothing,
) -> PublishReceipt:
    """Publish a run as the next version of the warehouse and make it official for its day and marts.

    Args:
        warehouse_dir: folder of the warehouse; made if absent.
        run: identity and facts of the run.
        marts: Parquet file by contract per published mart; `--only` runs hand in fewer, the other pointers stay.
        run_tables: Arrow table by contract per table of `GIVEN_TABLES`; `run_mart` must be there and is the receipt the
            marts are checked against, others may be left out when they have no rows.
        portfolio: whose customers these are; its currency must be known at the first publication.
        published_at: clock time of the publication, with time zone.
        kept_versions: how many published files stay, the new one included.
        threads: threads DuckDB may use; None = all cores.
        memory_limit: memory DuckDB may use, e.g. `4GB`.
        tables: contracts of everything published.
        on_step: told the name of each of `PUBLISH_STEPS` once it is done; for tests that interrupt.

    Returns:
        The receipt. Publishing an official run again changes nothing; one that was superseded gets its pointers back
        without a second copy of its rows.

    Raises:
        SettingsError: the warehouse holds another portfolio (`other_portfolio`), or the currency is not known yet.
        WarehouseError: not reachable, damaged, made by a newer Kehu, or kept rows do not fit changed contracts.
        AnotherRunHoldsTheLock: something else is publishing into the same folder.
        OutOfResources: disk or memory ran out; nothing was published.
        KehuError: the rows break their own contract or differ from an earlier publication of the same run: a defect.
    """
    job = _Publication(run, marts, run_tables, portfolio, published_at, tables, on_step, threads, memory_limit)
    with readable_failures(str(warehouse_dir)):
        linked_version(warehouse_dir)  # refuses a folder that is not ours before anything is written into it
        files = VersionedFile(warehouse_dir)
        with hold_lock(files.master_folder, started_at=published_at, command=f"publish {run.run_id}"):
            return _publish(files, job, kept_versions)


def _publish(files: VersionedFile, job: _Publication, kept_versions: int) -> PublishReceipt:
    linked = linked_version(files.directory)
    is_official = linked is not None and _is_official_already(files, linked, job)
    if linked is not None and is_official and files.is_intact(linked):
        return PublishReceipt(linked, version_path(files.directory, linked), changed=False)
    version, work = files.reserve_work()
    try:
        job.on_step("reserved")
        if linked is not None:
            files.copy_master(linked, work)
        job.on_step("source_copied")
        made = _Made() if is_official else _make_version(files, version, job, is_first=linked is None)
        path = files.release(version, job.on_step)
    except BaseException:
        files.discard_work(version)
        raise
    files.prune(kept_versions)
    job.on_step("pruned")
    return PublishReceipt(
        version,
        path,
        changed=made.is_change,
        moved=made.moved,
        rows=made.rows,
        is_repaired=not made.is_change,
        is_rebuilt=made.is_rebuilt,
        left_behind=made.left_behind,
    )


@dataclass
class _Made:
    moved: tuple[MovedPointer, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    is_rebuilt: bool = False
    left_behind: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        return bool(self.moved or self.rows or self.is_rebuilt)


# --- before anything is written ---------------------------------------------------------------------------------------


def _is_official_already(files: VersionedFile, linked: int, job: _Publication) -> bool:
    """Look into the master (never the published file, which others can change) whether there is nothing to do."""
    master = files.master_path(linked)
    if not master.is_file():
        return False
    try:
        with _opened(master, job, read_only=True) as con:
            if _stored_contract(con)[0] != job.fingerprint:
                return False
            refuse_other_portfolio(read_portfolio(con), job.portfolio)
            return _is_known(con, job) and not _pointers_to_move(con, job)
    except (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException, duckdb.InternalException):
        return False  # a damaged master: the copy, whose bytes are checked, decides


def _stored_contract(con: duckdb.DuckDBPyConnection) -> tuple[str | None, str | None]:
    """Fingerprint of the contracts and version of Kehu a file was made by; readable for every release."""
    row = (con.execute("SELECT * FROM run_portfolio").to_arrow_table().to_pylist() or [{}])[0]
    return row.get("contract_version"), row.get("code_version")


# --- the work file ----------------------------------------------------------------------------------------------------


def _make_version(files: VersionedFile, version: int, job: _Publication, *, is_first: bool) -> _Made:
    work, made = files.work_path(version), _Made()
    if not is_first:
        made.is_rebuilt = _needs_rebuild(work, job)
    kept = work.with_name(f"{work.stem}.kept.duckdb")
    if made.is_rebuilt:
        work.rename(kept)
    with _opened(work, job, spill=files.spill_folder(version)) as con:
        if made.is_rebuilt:
            made.left_behind = copy_by_contract(con, kept, job.tables)
        elif is_first:
            create_tables(con, job.tables)
        con.execute("BEGIN")
        con.execute(f"USE {quoted(WAREHOUSE_SCHEMA)}")
        _write_portfolio(con, job)
        if not _is_known(con, job):
            with _incoming(con, job) as relations:
                made.rows = _add_rows(con, job, relations)
                job.on_step("rows_added")
                _check_rows(con, job, relations, made.rows)
        job.on_step("rows_checked")
        made.moved = _move_pointers(con, job)
        job.on_step("pointers_moved")
        refresh_views(con, job.tables)
        con.execute("COMMIT")
        job.on_step("committed")
        con.execute("CHECKPOINT")
    kept.unlink(missing_ok=True)
    job.on_step("checkpointed")
    return made


@contextmanager
def _opened(
    path: Path, job: _Publication, *, read_only: bool = False, spill: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    opened = open_duckdb(path, read_only=read_only, threads=job.threads, memory_limit=job.memory_limit, spill=spill)
    with closed_at_the_end(opened) as con:
        if read_only:
            con.execute(f"USE {quoted(WAREHOUSE_SCHEMA)}")
        yield con


def _needs_rebuild(work: Path, job: _Publication) -> bool:
    with _opened(work, job, read_only=True) as con:
        fingerprint, made_by = _stored_contract(con)
        refuse_other_portfolio(read_portfolio(con), job.portfolio)
    if fingerprint == job.fingerprint:
        return False
    if release_order(made_by) > release_order(job.run.code_version):
        raise WarehouseError(
            "The warehouse was made by a newer Kehu, with other contracts: this one would lose columns.",
            code="newer_contracts",
            details=[f"made by {made_by}, this is {job.run.code_version}"],
            hint="run the newer version",
        )
    return True


def _write_portfolio(con: duckdb.DuckDBPyConnection, job: _Publication) -> None:
    """The one row of `run_portfolio`: written once; later only contract and code version move on."""
    if read_portfolio(con) is not None:
        con.execute(
            "UPDATE run_portfolio SET contract_version = ?, code_version = ?", [job.fingerprint, job.run.code_version]
        )
        return
    if job.portfolio.reporting_currency is None:
        raise SettingsError(
            "The reporting currency is not known.",
            code="currency_missing",
            hint="set `reporting_currency` under [portfolio] in kehu.toml",
        )
    _insert(
        con,
        RUN_PORTFOLIO,
        {
            "portfolio_name": job.portfolio.name,
            "reporting_currency": job.portfolio.reporting_currency,
            "timezone": job.portfolio.timezone,
            "fiscal_year_start_month": job.portfolio.fiscal_year_start_month,
            "contract_version": job.fingerprint,
            "code_version": job.run.code_version,
        },
    )


def _insert(con: duckdb.DuckDBPyConnection, table: Table, row: Mapping[str, Any]) -> None:
    names = ", ".join(map(quoted, row))
    con.execute(f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


# --- rows of the run --------------------------------------------------------------------------------------------------


@contextmanager
def _incoming(con: duckdb.DuckDBPyConnection, job: _Publication) -> Iterator[dict[str, str]]:
    """What is read from for each table of the run: a Parquet file, or an Arrow table lent to DuckDB for the while."""
    given = {table.name for table in GIVEN_TABLES}
    for name in job.run_tables:
        if name not in given:
            raise _defect(f"`{name}` is not a run table that can be handed in.", "unknown_run_table", name)
    if RUN_MART.name not in job.run_tables:
        raise _defect("A run is published with its receipts.", "receipts_missing", RUN_MART.name)
    relations: dict[str, str] = {}
    for name, path in job.marts.items():
        _check_columns(job.table(name), pq.read_schema(path))
        relations[name] = f"read_parquet({literal(str(path))})"
    for name, rows in job.run_tables.items():
        _check_columns(job.table(name), rows.schema)
        con.register(f"incoming_{name}", rows)
        relations[name] = f"incoming_{name}"
    yield relations
    for name in job.run_tables:
        con.unregister(f"incoming_{name}")


def _check_columns(table: Table, found: pa.Schema) -> None:
    expected = arrow_schema(table)
    wrong = [c.name for c in expected if c.name not in found.names or found.field(c.name).type != c.type]
    wrong += [name for name in found.names if name not in expected.names]
    if wrong:
        raise _defect(
            "Columns of the run's rows are not as the contract states them.", "columns_differ", table.name, keys=wrong
        )


def _add_rows(con: duckdb.DuckDBPyConnection, job: _Publication, relations: Mapping[str, str]) -> dict[str, int]:
    run = job.run
    _insert(
        con,
        RUN_LOG,
        {
            "as_of": run.as_of,
            "run_id": run.run_id,
            "known_at": run.known_at,
            "run_status": "published",
            "gate": run.gate,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "code_version": run.code_version,
            "inputs_hash": run.inputs_hash,
            "policy_hash": run.policy_hash,
            "contract_version": job.fingerprint,
            "parameters": run.parameters_json,
            "sandbox": run.sandbox,
        },
    )
    rows = {RUN_LOG.name: 1}
    for name, relation in relations.items():
        added = con.execute(f"INSERT INTO {quoted(name)} BY NAME SELECT * FROM {relation}").fetchone()
        rows[name] = int(added[0]) if added else 0
    return rows


def _check_rows(
    con: duckdb.DuckDBPyConnection, job: _Publication, relations: Mapping[str, str], added: Mapping[str, int]
) -> None:
    """Stage, check, swap: what was added is held against the run's identity, the keys and the receipts."""
    for name, relation in relations.items():
        _check_identity(con, job, name, relation)
        _check_keys(con, job.table(name), relation)
    receipts = _receipts(job)
    published = {mart: count for mart, (status, count, _) in receipts.items() if status == "published"}
    if set(published) != set(job.marts):
        raise _defect(
            "The marts handed in are not those the receipts call published.",
            "marts_differ",
            RUN_MART.name,
            keys=sorted(set(published) ^ set(job.marts)),
        )
    for mart, count in published.items():
        if added[mart] != count:
            raise _defect(
                f"Of {count} rows the receipt states, {added[mart]} were added.",
                "row_count_differs",
                mart,
                count=added[mart],
            )


def _check_identity(con: duckdb.DuckDBPyConnection, job: _Publication, name: str, relation: str) -> None:
    found = con.execute(
        f"SELECT count(*) FROM {relation} WHERE as_of IS DISTINCT FROM ? OR run_id IS DISTINCT FROM ?",
        [job.run.as_of, job.run.run_id],
    ).fetchone()
    if found and found[0]:
        raise _defect("Rows carry another day or run than the one published.", "other_run", name, count=found[0])


def _check_keys(con: duckdb.DuckDBPyConnection, table: Table, relation: str) -> None:
    keys = ", ".join(map(quoted, table.key_names))
    told = [quoted(name) for name in table.key_names if name not in ("as_of", "run_id")] or ["run_id"]
    repeated = f"SELECT {keys} FROM {relation} GROUP BY {keys} HAVING count(*) > 1"
    rows = con.execute(
        f"SELECT concat_ws(' / ', {', '.join(told)}), count(*) OVER () FROM ({repeated}) ORDER BY {keys} LIMIT 5"
    ).fetchall()
    if rows:
        raise _defect(
            "Keys stand more than once.", "key_not_unique", table.name, count=rows[0][1], keys=[row[0] for row in rows]
        )


def _receipts(job: _Publication) -> dict[str, tuple[str, int | None, str | None]]:
    rows = job.run_tables[RUN_MART.name].to_pylist() if RUN_MART.name in job.run_tables else []
    return {row["mart"]: (row["mart_status"], row["row_count"], row["checksum"]) for row in rows}


def _is_known(con: duckdb.DuckDBPyConnection, job: _Publication) -> bool:
    """True when the run's rows are in the file already; they must then be the same rows.

    Raises:
        KehuError: the same run id came to other rows: as inputs, rules and code are equal, that is a defect.
    """
    if con.execute("SELECT 1 FROM run_log WHERE run_id = ?", [job.run.run_id]).fetchone() is None:
        return False
    rows = con.execute(
        "SELECT mart, mart_status, row_count, checksum FROM run_mart WHERE run_id = ? ORDER BY mart", [job.run.run_id]
    ).fetchall()
    stored = {mart: (status, count, checksum) for mart, status, count, checksum in rows}
    given = _receipts(job)
    if stored != given:
        differing = sorted(mart for mart in stored.keys() | given.keys() if stored.get(mart) != given.get(mart))
        raise _defect("The run was published before with other rows.", "not_reproduced", RUN_MART.name, keys=differing)
    return True


# --- pointers ---------------------------------------------------------------------------------------------------------


def _pointers_to_move(con: duckdb.DuckDBPyConnection, job: _Publication) -> tuple[MovedPointer, ...]:
    rows = con.execute("SELECT mart, run_id FROM run_current WHERE as_of = ? ORDER BY mart", [job.run.as_of]).fetchall()
    official = dict(rows)
    return tuple(
        MovedPointer(mart, job.run.run_id, official.get(mart))
        for mart in sorted(job.marts)
        if official.get(mart) != job.run.run_id
    )


def _move_pointers(con: duckdb.DuckDBPyConnection, job: _Publication) -> tuple[MovedPointer, ...]:
    moved = _pointers_to_move(con, job)
    for pointer in moved:
        con.execute("DELETE FROM run_current WHERE as_of = ? AND mart = ?", [job.run.as_of, pointer.mart])
        _insert(
            con,
            RUN_CURRENT,
            {
                "as_of": job.run.as_of,
                "mart": pointer.mart,
                "run_id": pointer.run_id,
                "published_at": job.published_at,
                "superseded_run_id": pointer.superseded_run_id,
                "reason": job.run.reason,
            },
        )
    return moved


def _defect(message: str, code: str, table: str, *, count: int | None = None, keys: Sequence[str] = ()) -> KehuError:
    return KehuError(
        message,
        code=code,
        count=count,
        keys=keys,
        details=[f"table {table}"],
        hint="nothing was published; this is a defect, please report it",
    )
