"""The published DuckDB file: numbered versions, a link to the newest, and a private master. No SQL here.

May import: `config`, `schemas`, `warehouse.connections`.

    warehouse_dir/kehu-000007.duckdb      a version: mode 0444, never changed after it was named
    warehouse_dir/kehu.duckdb             relative link to the newest version, replaced in one step
    warehouse_dir/.master/                0700: what the next version is made from
        kehu-000007.duckdb, .json         the same bytes, with size and SHA-256
        work-000008.duckdb                the next version while it is made; its name also reserves the number
        published                         exists once a link was made: a missing link is then damage, not a first night

Why a master: mode 0444 stops nobody with the rights of root, and DuckDB replays a `.wal` that lies beside a file. So
nothing that can happen to a published file (rows added, a log left behind by a killed client) may reach the next one:
that is made from the master, whose bytes are checked while they are copied. Why numbers: DuckDB resolves the link and
keeps one open instance per real path and process, so a new name is what lets a long-lived process see the new night.

Every name appears by `rename`, after the bytes are on disk. Killed anywhere, the link points to the old or the new
version; the next publication removes what was left.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from kehu.config.errors import KehuError, WarehouseError

LINK_NAME = "kehu.duckdb"
"""What BI tools open: always the newest published version."""

MASTER_FOLDER = ".master"

_VERSION = re.compile(r"^kehu-(\d{6,})\.duckdb$")
_NUMBERED = re.compile(r"^\.?(?:kehu|work)-(\d{6,})\.")
_PUBLISHED_MARK = "published"
_CHUNK_BYTES = 8 * 1024 * 1024


def do_nothing(step: str) -> None:
    """Take no notice of a step: what `on_step` does outside of tests."""


@dataclass(frozen=True)
class FileFacts:
    """What a version's bytes are known by."""

    version: int
    size: int
    sha256: str


def version_path(directory: Path, version: int) -> Path:
    """Path of a published version."""
    return directory / f"kehu-{version:06d}.duckdb"


def linked_version(directory: Path) -> int | None:
    """Number of the published version, None before the first publication.

    Raises:
        WarehouseError: `kehu.duckdb` is something else than our link, or the link is gone.
    """
    link = directory / LINK_NAME
    if link.is_symlink():
        target = link.readlink()
        matched = _VERSION.match(target.name)
        if matched is None or target.name != str(target):
            raise _not_ours(link, f"it points to {target}")
        return int(matched.group(1))
    if link.exists():
        raise _not_ours(link, "it is a file of its own, not the link to a published version")
    if (directory / MASTER_FOLDER / _PUBLISHED_MARK).exists():
        raise WarehouseError(
            "The link to the published version is gone.",
            code="link_missing",
            file=str(link),
            hint=f"link the newest version again: ln -s kehu-NNNNNN.duckdb {LINK_NAME}",
        )
    return None


def newest_version(directory: Path) -> Path:
    """The file of the published version, with the link resolved.

    Raises:
        WarehouseError: nothing was published here yet, or the file is gone.
    """
    version = linked_version(directory) if directory.is_dir() else None
    if version is None:
        raise WarehouseError(
            "There is no warehouse here yet.",
            code="warehouse_missing",
            file=str(directory / LINK_NAME),
            hint="`kehu run` publishes the first night",
        )
    path = version_path(directory, version)
    if not path.is_file():
        raise WarehouseError(
            "The published version is gone.",
            code="version_missing",
            file=str(path),
            hint="run the newest night again: it is published anew",
        )
    return path


def trusted_file(directory: Path) -> Path:
    """Where a writer looks up what was published: the private master, which no client of the published file can change.

    Returns:
        The master of the published version; the published file where there is no master; the folder itself before the
        first publication.

    Raises:
        WarehouseError: as `linked_version`, or both files are gone.
    """
    version = linked_version(directory) if directory.is_dir() else None
    if version is None:
        return directory
    master = VersionedFile(directory).master_path(version)
    return master if master.is_file() else newest_version(directory)


def is_published_file_intact(directory: Path) -> bool:
    """True when readers of the folder get the bytes that were published; False before the first publication."""
    version = linked_version(directory) if directory.is_dir() else None
    return version is not None and VersionedFile(directory).is_intact(version)


class VersionedFile:
    """The versions of one warehouse folder, as its single writer sees them.

    Hold the lock of `master_folder` while using it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.master_folder = directory / MASTER_FOLDER
        directory.mkdir(parents=True, exist_ok=True)
        self.master_folder.mkdir(mode=0o700, exist_ok=True)
        self.master_folder.chmod(0o700)
        if linked_version(directory) is not None:  # a publication killed right after its link had no time for the mark
            self._mark_published()

    def master_path(self, version: int) -> Path:
        """Path of the private copy of a version."""
        return self.master_folder / f"kehu-{version:06d}.duckdb"

    def reserve_work(self) -> tuple[int, Path]:
        """Reserve the next number and remove what killed publications left. Numbers are never used twice.

        A process may hold a leftover open under its number; a new file of the same name would be mistaken for it.
        """
        linked = linked_version(self.directory)
        seen = [number for path in self._own_files() if (number := _number_of(path)) is not None]
        version = max([0, linked or 0, *seen]) + 1
        work = self.master_folder / f"work-{version:06d}.duckdb.new"
        work.touch(mode=0o600)
        self._remove_leftovers(linked, keep=work)
        return version, self.work_path(version)

    def work_path(self, version: int) -> Path:
        """Path of a version while it is made."""
        return self.master_folder / f"work-{version:06d}.duckdb"

    def copy_master(self, version: int, target: Path) -> None:
        """Copy the bytes of a published version to a new file, proven equal to what was published.

        Edges: a damaged or missing master is replaced by the published file where that is proven unchanged.

        Raises:
            WarehouseError: neither copy has the bytes that were published.
        """
        facts = self._facts_of(version)
        for candidate in (self.master_path(version), version_path(self.directory, version)):
            if facts is not None and candidate.is_file() and _copy_bytes(candidate, target, version) == facts:
                return
            target.unlink(missing_ok=True)
        raise WarehouseError(
            "The private master copy of the warehouse is missing or damaged, and the published file was changed.",
            code="master_damaged",
            file=str(self.master_path(version)),
            hint=f"put {MASTER_FOLDER}/ back from a backup, or start a new warehouse and `kehu backfill`",
        )

    def is_intact(self, version: int) -> bool:
        """True when the published file has the bytes it was published with and no log lies beside it."""
        path = version_path(self.directory, version)
        facts = self._facts_of(version)
        if facts is None or not path.is_file() or _log_beside(path).exists() or path.stat().st_size != facts.size:
            return False
        return _facts_of_file(path, version) == facts

    def release(self, version: int, on_step: Callable[[str], None] = do_nothing) -> Path:
        """Publish the finished work file of a version: copy, name, link. Returns the path of the published version."""
        work, final = self.work_path(version), version_path(self.directory, version)
        if _log_beside(work).exists():
            raise KehuError("The new version was not written out whole.", code="not_checkpointed", file=str(work))
        staged = self.directory / f".kehu-{version:06d}.duckdb.new"
        facts = _copy_bytes(work, staged, version)
        staged.chmod(0o444)
        on_step("copied")
        self._write_facts(facts)
        work.rename(self.master_path(version))
        _sync(self.master_folder)
        on_step("master_named")
        _log_beside(final).unlink(missing_ok=True)
        staged.rename(final)
        _sync(self.directory)
        on_step("version_named")
        self._link(final)
        on_step("linked")
        self._mark_published()
        return final

    def prune(self, kept_versions: int) -> None:
        """Keep the newest published versions, the linked one included, and its master; remove all else.

        A process that has a removed version open keeps reading it: the file lives until it is closed.
        """
        linked = linked_version(self.directory)
        versions = sorted((int(m.group(1)) for m in map(_VERSION.match, _names(self.directory)) if m), reverse=True)
        for version in versions[max(kept_versions, 1) :]:
            for path in (version_path(self.directory, version), _log_beside(version_path(self.directory, version))):
                path.unlink(missing_ok=True)
        self._remove_leftovers(linked, keep=None)

    def discard_work(self, version: int) -> None:
        """Remove the work of a version that failed before it was named."""
        for path in [
            *self.master_folder.glob(f"work-{version:06d}.*"),
            self.directory / f".kehu-{version:06d}.duckdb.new",
        ]:
            _remove(path)

    def spill_folder(self, version: int) -> Path:
        """Folder for what DuckDB spills while a version is made; removed with the work."""
        return self.master_folder / f"work-{version:06d}.spill"

    def _own_files(self) -> Iterator[Path]:
        for folder in (self.directory, self.master_folder):
            for path in sorted(folder.iterdir()):
                if _NUMBERED.match(path.name):
                    yield path

    def _remove_leftovers(self, linked: int | None, keep: Path | None) -> None:
        for path in self._own_files():
            number = _number_of(path)
            if path.parent == self.master_folder:
                is_leftover = number != linked or path.name.startswith("work-") or path.name.endswith(".wal")
            else:
                is_leftover = (number or 0) > (linked or 0) or path.name.startswith(".")
            if is_leftover and path != keep:
                _remove(path)

    def _link(self, final: Path) -> None:
        staged = self.directory / f".kehu-{_number_of(final):06d}.link"
        staged.unlink(missing_ok=True)
        staged.symlink_to(final.name)
        # A client that does not resolve links leaves its log under the link's name: the new version would replay it.
        _log_beside(self.directory / LINK_NAME).unlink(missing_ok=True)
        staged.replace(self.directory / LINK_NAME)
        _sync(self.directory)

    def _mark_published(self) -> None:
        mark = self.master_folder / _PUBLISHED_MARK
        if not mark.exists():
            mark.touch(mode=0o600)

    def _facts_path(self, version: int) -> Path:
        return self.master_folder / f"kehu-{version:06d}.json"

    def _facts_of(self, version: int) -> FileFacts | None:
        try:
            return FileFacts(**json.loads(self._facts_path(version).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _write_facts(self, facts: FileFacts) -> None:
        staged = self.master_folder / f"work-{facts.version:06d}.json.new"
        with staged.open("w", encoding="utf-8") as stream:
            json.dump(asdict(facts), stream)
            stream.flush()
            os.fsync(stream.fileno())
        staged.rename(self._facts_path(facts.version))


def _copy_bytes(origin: Path, target: Path, version: int) -> FileFacts:
    digest, size = hashlib.sha256(), 0
    with origin.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
            size += len(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return FileFacts(version, size, digest.hexdigest())


def _facts_of_file(path: Path, version: int) -> FileFacts:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return FileFacts(version, stream.tell(), digest.hexdigest())


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _log_beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _number_of(path: Path) -> int | None:
    matched = _NUMBERED.match(path.name)
    return int(matched.group(1)) if matched else None


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_ours(link: Path, why: str) -> WarehouseError:
    return WarehouseError(
        f"`{LINK_NAME}` is not a link that Kehu made: {why}.",
        code="not_our_link",
        file=str(link),
        hint="move it away, or choose another home",
    )
