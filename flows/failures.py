"""What is left when an error is none of ours: resources that ran out, and defects.

May import: `config`. Heavy libraries only inside functions.
"""

from __future__ import annotations

import errno
import sys
import tempfile
import traceback
from pathlib import Path

from kehu.config.errors import OutOfResources

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def as_resource_error(error: BaseException) -> OutOfResources | None:
    """The error as exit 15 if disk or memory ran out, whoever raised it; None for anything else."""
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return OutOfResources(
            "the disk is full",
            code="disk_full",
            file=str(error.filename) if error.filename else None,
            hint="free space in the home folder (`--home`), then run the same command again: it continues cleanly",
        )
    duckdb = sys.modules.get("duckdb")
    if isinstance(error, MemoryError) or (duckdb is not None and isinstance(error, duckdb.OutOfMemoryException)):
        return OutOfResources(
            "memory ran out",
            code="out_of_memory",
            hint="set `memory_limit` in kehu.toml lower than the machine's memory, so that DuckDB spills to disk",
        )
    return None


def write_traceback(error: BaseException, home: Path | None) -> Path:
    """Write the traceback of a defect to a file and return its path: `<home>/defects/`, else the temporary folder."""
    text = "".join(traceback.format_exception(error))
    folder = (home or Path("var")) / "defects"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir())
    with tempfile.NamedTemporaryFile(
        "w", dir=folder, prefix="kehu-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    return Path(file.name)
