"""Scratch folders of a home: made for one piece of work, gone when it ends, cleared when its process was killed.

May import: nothing of ours.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o700

_OWNED = re.compile(r"[a-z]+-(?P<pid>[0-9]+)-.*")


def scratch_root(home: Path) -> Path:
    """The folder all scratch of a home lies in, readable by its owner only; made if absent."""
    root = home / "scratch"
    root.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    return root


def new_scratch_folder(home: Path, purpose: str) -> Path:
    """A new folder, to be removed by the caller; its name tells which process made it.

    Args:
        home: the home.
        purpose: one lower-case word.
    """
    return Path(tempfile.mkdtemp(prefix=f"{purpose}-{os.getpid()}-", dir=scratch_root(home)))


@contextmanager
def scratch_folder(home: Path, purpose: str) -> Iterator[Path]:
    """A new folder for the body of the `with` statement, removed however it ends.

    Args:
        home: the home.
        purpose: one lower-case word.
    """
    folder = new_scratch_folder(home, purpose)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear_abandoned_scratch(home: Path) -> tuple[str, ...]:
    """Remove the scratch of processes that are gone (killed, or a machine that stopped), and name what was removed.

    Edges: scratch of a living process stays, even of another user; so does a folder whose name tells no process.
    """
    removed = []
    for folder in sorted(scratch_root(home).iterdir()):
        found = _OWNED.fullmatch(folder.name)
        if found is not None and not _is_alive(int(found["pid"])):
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder.name)
    return tuple(removed)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
