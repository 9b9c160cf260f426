"""Connections to DuckDB, with the settings every one of ours has.

May import: `config`, `schemas`.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from kehu.config.errors import KehuError, OutOfResources, WarehouseError

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_ROOM_TEXTS = ("no space left", "disk quota exceeded", "file too large")


def connect_scratch(
    folder: Path,
    *,
    threads: int | None = None,
    memory_limit: str | None = None,
    preserve_insertion_order: bool = True,
) -> duckdb.DuckDBPyConnection:
    """A database in memory for the work of one run, spilling into a folder when memory runs short.

    Args:
        folder: scratch folder of the run; made if absent. Spilled blocks lie in `folder/spill`.
        threads: how many threads DuckDB may use; None = all cores.
        memory_limit: e.g. `4GB`; None = DuckDB's default, 80 % of the machine.
        preserve_insertion_order: False saves memory where a statement states its own order anyway.

    Returns:
        An open connection, to be closed by the caller.
    """
    spill = folder / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    con = open_duckdb(None, threads=threads, memory_limit=memory_limit, spill=spill)
    if not preserve_insertion_order:
        con.execute("SET preserve_insertion_order = false")
    return con


def open_duckdb(
    database: Path | None,
    *,
    read_only: bool = False,
    threads: int | None = None,
    memory_limit: str | None = None,
    spill: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection as all of ours are: its clock is UTC, and it never looks for an extension on the network.

    Args:
        database: the file; None = in memory.
        read_only: open the file for reading only.
        threads: how many threads DuckDB may use; None = all cores.
        memory_limit: e.g. `4GB`; None = DuckDB's default, 80 % of the machine.
        spill: folder for what does not fit into memory; None = beside the file.
    """
    # Everything needed (parquet, icu, json) is linked into the wheel; a run must not depend on what else is installed.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }
    if threads is not None:
        settings["threads"] = threads
    if memory_limit is not None:
        settings["memory_limit"] = memory_limit
    if spill is not None:
        settings["temp_directory"] = str(spill)
    con = duckdb.connect(":memory:" if database is None else str(database), read_only=read_only, config=settings)
    con.execute("SET TimeZone = 'UTC'")
    return con


@contextmanager
def closed_at_the_end(con: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Close a connection when the body of the `with` statement ends, however it ends.

    After Ctrl-C the statement under way is ended first: DuckDB's threads work on, and closing would wait for them.

    Args:
        con: the open connection.
    """
    try:
        yield con
    except BaseException:
        con.interrupt()
        raise
    finally:
        con.close()


@contextmanager
def readable_failures(place: str) -> Iterator[None]:
    """Turn what the disk or DuckDB raises into an error of ours: no room → OutOfResources, else WarehouseError.

    Errors of ours pass unchanged; statements DuckDB cannot bind or parse are defects and pass unchanged too.

    Args:
        place: what was being worked on, as the user knows it.
    """
    try:
        yield
    except KehuError:
        raise
    except (OSError, MemoryError, duckdb.Error) as error:
        ours = _translated(error, place)
        if ours is None:
            raise
        raise ours from error


def _translated(error: OSError | MemoryError | duckdb.Error, place: str) -> KehuError | None:
    text = str(error)
    first_line = text.splitlines()[0] if text else type(error).__name__
    if isinstance(error, (duckdb.OutOfMemoryException, MemoryError)):
        return OutOfResources(
            "Memory ran out.",
            code="out_of_memory",
            file=place,
            details=[first_line],
            hint="set `memory_limit` or give the run more memory and disk",
        )
    if getattr(error, "errno", None) in _NO_ROOM or any(phrase in text.lower() for phrase in _NO_ROOM_TEXTS):
        return OutOfResources(
            "The disk is full.",
            code="disk_full",
            file=place,
            details=[first_line],
            hint="free some space and run again; nothing was published",
        )
    if isinstance(error, (OSError, duckdb.IOException, duckdb.SerializationException)):
        return WarehouseError(
            "The warehouse cannot be reached.", code="not_reachable", file=place, details=[first_line]
        )
    return None
