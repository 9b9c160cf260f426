"""What is left when an error is none of ours: Ctrl-C, resources that ran out, and defects.

May import: `config`. Heavy libraries only inside functions.
"""

from __future__ import annotations

import errno
import sys
import tempfile
import traceback
from pathlib import Path

from kehu.config.errors import KehuError, OutOfResources, SettingsError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_PERMITTED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)


class PublishedThenInterrupted(KeyboardInterrupt):
    """Ctrl-C after readers were switched over: the run is published, whatever of the night was still to come.

    Attributes:
        run_id: the run.
        page: its page; None where it was not written yet.
    """

    def __init__(self, run_id: str, page: Path | None) -> None:
        super().__init__(run_id)
        self.run_id = run_id
        self.page = page

    @property
    def message(self) -> str:
        """What is there, and how to get what is not."""
        if self.page is not None:
            return f"interrupted at the end: run {self.run_id} is published, its page is {self.page}"
        return (
            f"interrupted after publishing: run {self.run_id} is published, its page is missing; "
            f"`kehu page --run {self.run_id}` writes it"
        )


_INTERRUPTED_STATEMENT = "Query interrupted"


def is_interruption(error: BaseException) -> bool:
    """True for Ctrl-C, also where a library made another error of it.

    DuckDB ends a statement under way with a `RuntimeError` of that text, which the interruption has caused; the gate's
    engine keeps the text and nothing else.
    """
    if isinstance(error, RuntimeError) and _INTERRUPTED_STATEMENT in str(error):
        return True
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


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


def as_user_error(error: BaseException) -> KehuError | None:
    """The error as one the user can act on: resources that ran out, or a file that may not be read or written."""
    if isinstance(error, OSError) and error.errno in _NOT_PERMITTED:
        return SettingsError(
            f"A file or folder cannot be used: {error.strerror}.",
            code="not_permitted",
            file=str(error.filename) if error.filename else None,
            hint="let this user read and write there, or name another place",
        )
    return as_resource_error(error)


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
