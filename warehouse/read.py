"""Read a published warehouse: a connection, the list of runs, the story of one run, which run is official.

May import: `config`, `schemas`, other modules of `warehouse`.

Every call opens the newest version anew, so a long-lived process always sees the newest night, and closes it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb

from kehu.config.errors import SettingsError, UsageError, WarehouseError
from kehu.schemas.model import Table
from kehu.schemas.rendering import WAREHOUSE_SCHEMA, literal, quoted
from kehu.schemas.tables import (
    DQ_QUARANTINE,
    DQ_RESULT,
    RUN_CURRENT,
    RUN_INPUT,
    RUN_INPUT_REASON,
    RUN_MART,
    table_named,
)
from kehu.warehouse.connections import open_duckdb, readable_failures
from kehu.warehouse.duckdb_file import newest_version

Row = dict[str, Any]
"""One row by column name; instants carry their zone, UTC."""

_URL_START = "duckdb:///"
_ALIAS = "warehouse"


class PortfolioFacts(Protocol):
    """What a warehouse knows of its portfolio: `config.settings.Portfolio` is one."""

    @property
    def name(self) -> str: ...
    @property
    def reporting_currency(self) -> str | None: ...
    @property
    def timezone(self) -> str: ...
    @property
    def fiscal_year_start_month(self) -> int: ...


@dataclass(frozen=True)
class StoredPortfolio:
    """The portfolio a warehouse holds."""

    name: str
    reporting_currency: str
    timezone: str
    fiscal_year_start_month: int


@dataclass(frozen=True)
class RunEntry:
    """One published run in the list of runs.

    Attributes:
        run_id: the run.
        as_of: the day judged.
        known_at: deliveries up to this day were used; None = all.
        gate: `open` or `warned`.
        started_at: clock time the run began.
        finished_at: clock time its last mart was built.
        code_version: version of Kehu.
        sandbox: name of the sandbox; None for the official warehouse.
        official_marts: the marts this run is official for, sorted; empty when it is superseded wholly.
        published_at: when its newest pointer moved; None when superseded wholly.
    """

    run_id: str
    as_of: date
    known_at: date | None
    gate: str
    started_at: datetime
    finished_at: datetime
    code_version: str
    sandbox: str | None
    official_marts: tuple[str, ...]
    published_at: datetime | None


@dataclass(frozen=True)
class RunStory:
    """All that the warehouse tells of one run: rows by column name, in key order, without day and run but in `log`."""

    log: Row
    marts: tuple[Row, ...]
    pointers: tuple[Row, ...]
    inputs: tuple[Row, ...]
    input_reasons: tuple[Row, ...]
    quality: tuple[Row, ...]
    quarantine: tuple[Row, ...]


def connect_read(
    where: Path | str, *, threads: int | None = None, memory_limit: str | None = None
) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the newest published version.

    The file is attached to a connection of its own as `warehouse`, with the schema `kehu` current: `v_abc_customer`,
    `kehu.v_abc_customer` and `warehouse.kehu.v_abc_customer` all work, whatever else this process has open.

    Args:
        where: folder of the warehouse, path of a DuckDB file, or a `duckdb:///` URL of either.
        threads: how many threads DuckDB may use; None = all cores.
        memory_limit: e.g. `4GB`; None = DuckDB's default.

    Returns:
        An open connection, to be closed by the caller. It keeps seeing the version it was opened on.

    Raises:
        WarehouseError: nothing published yet, no DuckDB file, written by a newer DuckDB, or locked by a writing client.
    """
    path = _file_of(where)
    con = open_duckdb(None, threads=threads, memory_limit=memory_limit)
    try:
        with readable_failures(str(path)), _unreadable_files(path):
            con.execute(f"ATTACH {literal(str(path))} AS {_ALIAS} (READ_ONLY)")
        _use_schema(con, path)
    except BaseException:
        con.close()
        raise
    return con


def list_runs(where: Path | str) -> tuple[RunEntry, ...]:
    """All published runs, the newest day first, within a day the newest start first.

    Raises:
        WarehouseError: as `connect_read`.
    """
    with reading(where) as con:
        return _runs(con, "TRUE")


def show_run(where: Path | str, run_id: str) -> RunStory:
    """The story of one run.

    Args:
        where: as `connect_read`.
        run_id: the run, or the beginning of its id as far as it is unique.

    Raises:
        UsageError: no published run, or several, have this id.
        WarehouseError: as `connect_read`.
    """
    with reading(where) as con:
        chosen = f"run_id = {literal(_full_run_id(con, run_id))}"

        def rows_of(table: Table) -> tuple[Row, ...]:
            order = ", ".join(map(quoted, table.key_names))
            selected = f"SELECT * EXCLUDE (as_of, run_id) FROM {quoted(table.name)}"
            return tuple(_rows(con, f"{selected} WHERE {chosen} ORDER BY {order}"))

        return RunStory(
            log=_rows(con, f"SELECT * FROM run_log WHERE {chosen}")[0],
            marts=rows_of(RUN_MART),
            pointers=rows_of(RUN_CURRENT),
            inputs=rows_of(RUN_INPUT),
            input_reasons=rows_of(RUN_INPUT_REASON),
            quality=rows_of(DQ_RESULT),
            quarantine=rows_of(DQ_QUARANTINE),
        )


def published_run(where: Path | str, run_id: str) -> RunEntry | None:
    """The run of exactly this id, as `list_runs` has it; None when there is none or no warehouse yet.

    Raises:
        WarehouseError: as `connect_read`, except for a warehouse that does not exist yet.
    """
    with _reading_if_published(where) as con:
        found = _runs(con, f"l.run_id = {literal(run_id)}") if con else ()
        return found[0] if found else None


def is_published(where: Path | str, run_id: str) -> bool:
    """True when publishing the run again would change nothing: it is published and official for every mart it made.

    Raises:
        WarehouseError: as `connect_read`, except for a warehouse that does not exist yet.
    """
    with _reading_if_published(where) as con:
        if con is None or not _rows(con, f"SELECT 1 AS one FROM run_log WHERE run_id = {literal(run_id)}"):
            return False
        return not _rows(
            con,
            f"""
            SELECT 1 AS one FROM run_mart AS m
            WHERE m.run_id = {literal(run_id)} AND m.mart_status = 'published' AND NOT EXISTS (
                SELECT 1 FROM run_current AS c WHERE c.as_of = m.as_of AND c.mart = m.mart AND c.run_id = m.run_id)
            """,
        )


def current_run(where: Path | str, as_of: date, mart: str) -> str | None:
    """The run that is official for a day and mart; None when there is none or no warehouse yet.

    Raises:
        WarehouseError: as `connect_read`, except for a warehouse that does not exist yet.
    """
    day = f"DATE {literal(as_of.isoformat())}"
    with _reading_if_published(where) as con:
        if con is None:
            return None
        rows = _rows(con, f"SELECT run_id FROM run_current WHERE as_of = {day} AND mart = {literal(mart)}")
        return str(rows[0]["run_id"]) if rows else None


def query_published(
    where: Path | str, table: str, run_id: str, *, order_by: tuple[str, ...] = (), limit: int | None = None
) -> list[Row]:
    """The rows a run published into one table.

    Args:
        where: as `connect_read`.
        table: name of the table.
        run_id: the run.
        order_by: columns of which the first that is not null decides, largest first, nulls last; ties in key order.
            Without it all rows come in key order.
        limit: at most so many rows.

    Raises:
        KeyError: there is no such table or column.
        WarehouseError: as `connect_read`.
    """
    contract = table_named(table)
    largest = [f"coalesce({', '.join(quoted(contract.column(name).name) for name in order_by)}) DESC NULLS LAST"]
    order = ", ".join([*(largest if order_by else []), *map(quoted, contract.key_names)])
    most = "" if limit is None else f" LIMIT {limit:d}"
    with reading(where) as con:
        return _rows(
            con, f"SELECT * FROM {quoted(contract.name)} WHERE run_id = {literal(run_id)} ORDER BY {order}{most}"
        )


def stored_portfolio(where: Path | str) -> StoredPortfolio | None:
    """The portfolio the warehouse holds; None before the first publication.

    Raises:
        WarehouseError: as `connect_read`, except for a warehouse that does not exist yet.
    """
    with _reading_if_published(where) as con:
        return read_portfolio(con) if con else None


def read_portfolio(con: duckdb.DuckDBPyConnection) -> StoredPortfolio | None:
    """The portfolio row of the warehouse whose schema is current on the connection."""
    rows = _rows(
        con, "SELECT portfolio_name AS name, reporting_currency, timezone, fiscal_year_start_month FROM run_portfolio"
    )
    return StoredPortfolio(**rows[0]) if rows else None


def refuse_other_portfolio(stored: StoredPortfolio | None, portfolio: PortfolioFacts) -> None:
    """Refuse to write one portfolio's scores into the warehouse of another.

    Edges: nothing stored yet is fine; a portfolio whose currency is left open takes the stored one.

    Raises:
        SettingsError: code `other_portfolio`, naming every fact that differs.
    """
    if stored is None:
        return
    facts = ("name", "reporting_currency", "timezone", "fiscal_year_start_month")
    differing = [
        f"{fact}: the warehouse has {getattr(stored, fact)}, the settings say {getattr(portfolio, fact)}"
        for fact in facts
        if getattr(portfolio, fact) is not None and getattr(portfolio, fact) != getattr(stored, fact)
    ]
    if differing:
        raise SettingsError(
            "The warehouse holds another portfolio.",
            code="other_portfolio",
            details=differing,
            hint="choose another home for this portfolio, or set [portfolio] in kehu.toml as the warehouse has it",
        )


@contextmanager
def reading(where: Path | str) -> Iterator[duckdb.DuckDBPyConnection]:
    """`connect_read` for the body of a `with` statement."""
    con = connect_read(where)
    try:
        yield con
    finally:
        con.close()


@contextmanager
def _reading_if_published(where: Path | str) -> Iterator[duckdb.DuckDBPyConnection | None]:
    try:
        con = connect_read(where)
    except WarehouseError as error:
        if error.code != "warehouse_missing":
            raise
        yield None
        return
    try:
        yield con
    finally:
        con.close()


def _full_run_id(con: duckdb.DuckDBPyConnection, run_id: str) -> str:
    given = literal(run_id)
    rows = _rows(
        con,
        f"SELECT run_id FROM run_log WHERE starts_with(run_id, {given}) ORDER BY run_id = {given} DESC, run_id",
    )
    found = [str(row["run_id"]) for row in rows]
    if not found:
        raise UsageError(f"There is no published run `{run_id}`.", code="unknown_run", hint="`kehu runs` lists them")
    if len(found) > 1 and found[0] != run_id:
        raise UsageError(
            f"Several runs begin with `{run_id}`.",
            code="ambiguous_run",
            count=len(found),
            keys=found,
            hint="give more of it",
        )
    return found[0]


def _runs(con: duckdb.DuckDBPyConnection, condition: str) -> tuple[RunEntry, ...]:
    rows = _rows(
        con,
        f"""
        SELECT l.run_id, l.as_of, l.known_at, l.gate, l.started_at, l.finished_at, l.code_version, l.sandbox,
               coalesce(list(c.mart ORDER BY c.mart) FILTER (WHERE c.mart IS NOT NULL), []) AS official_marts,
               max(c.published_at) AS published_at
        FROM run_log AS l LEFT JOIN run_current AS c ON c.as_of = l.as_of AND c.run_id = l.run_id
        WHERE {condition}
        GROUP BY ALL ORDER BY l.as_of DESC, l.started_at DESC, l.run_id
        """,
    )
    return tuple(RunEntry(**{**row, "official_marts": tuple(row["official_marts"])}) for row in rows)


def _rows(con: duckdb.DuckDBPyConnection, statement: str) -> list[Row]:
    # Through Arrow: DuckDB's own fetch needs pytz for instants, which is no dependency of ours.
    rows: list[Row] = con.execute(statement).to_arrow_table().to_pylist()
    return rows


def _file_of(where: Path | str) -> Path:
    if isinstance(where, str):
        where = Path(where.removeprefix(_URL_START))
    if where.is_dir() or not where.suffix:
        return newest_version(where)
    if not where.is_file():
        raise WarehouseError(
            "There is no warehouse here yet.",
            code="warehouse_missing",
            file=str(where),
            hint="`kehu run` publishes the first night",
        )
    return where.resolve()


@contextmanager
def _unreadable_files(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        text = str(error)
        if "not a valid DuckDB database file" in text:
            raise WarehouseError(
                "The file is not a DuckDB database.", code="not_a_warehouse", file=str(path)
            ) from error
        if "version number" in text:
            raise WarehouseError(
                "The file was written by a newer DuckDB than this one can read.",
                code="newer_storage",
                file=str(path),
                details=[text.splitlines()[0]],
                hint="install the newer version of Kehu that wrote it",
            ) from error
        if "could not set lock" in text.lower():
            raise WarehouseError(
                "Another program has the published file open for writing.",
                code="opened_for_writing",
                file=str(path),
                details=[text.splitlines()[0]],
                hint="end that program; publishing again makes a clean version",
            ) from error
        if "corrupt" in text.lower():
            raise WarehouseError(
                "The published file is damaged.",
                code="damaged",
                file=str(path),
                details=[text.splitlines()[0]],
                hint="run the newest night again: it is published anew",
            ) from error
        raise


def _use_schema(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        con.execute(f"USE {_ALIAS}.{quoted(WAREHOUSE_SCHEMA)}")
    except duckdb.CatalogException as error:
        raise WarehouseError("The database holds no schema `kehu`.", code="not_a_warehouse", file=str(path)) from error
