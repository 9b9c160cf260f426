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

DuckDBSettings = dict[str, str | bool | int | float | list[str]]

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
        An open connection, to be closed by the caller. Its clock is UTC and it fetches no extension.
    """
    spill = folder / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    settings = duckdb_settings(threads=threads, memory_limit=memory_limit, spill=spill)
    settings["preserve_insertion_order"] = preserve_insertion_order
    with readable_failures("scratch"):
        return duckdb.connect(":memory:", config=settings)


@contextmanager
def engine(
    folder: Path, *, threads: int | None = None, memory_limit: str | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """`connect_scratch` for the body of a `with` statement."""
    con = connect_scratch(folder, threads=threads, memory_limit=memory_limit)
    try:
        yield con
    finally:
        con.close()


def duckdb_settings(
    *, threads: int | None = None, memory_limit: str | None = None, spill: Path | None = None
) -> DuckDBSettings:
    """The settings of every DuckDB connection of ours: nothing is fetched, instants are in UTC."""
    settings: DuckDBSettings = {
        # Everything needed (parquet, icu, json) is linked into the wheel; a run must never look at the network.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "TimeZone": "UTC",
    }
    if threads is not None:
        settings["threads"] = threads
    if memory_limit is not None:
        settings["memory_limit"] = memory_limit
    if spill is not None:
        settings["temp_directory"] = str(spill)
    return settings


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
    except (OSError, duckdb.Error) as error:
        ours = _translated(error, place)
        if ours is None:
            raise
        raise ours from error


def _translated(error: OSError | duckdb.Error, place: str) -> KehuError | None:
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
