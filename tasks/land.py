"""Landing: taking the files of an export folder as received, and knowing each again.

May import: `config`. The bytes are kept unchanged under their SHA-256; beside them one small JSON record says what was
delivered, when, and for which day. A file counts as delivered only once that record stands: whatever is interrupted
before leaves nothing that is taken for a delivery. Everything here is readable by its owner only.
"""

from __future__ import annotations

import calendar
import contextlib
import fcntl
import hashlib
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO
from zoneinfo import ZoneInfo

from kehu.config.errors import InputError, SettingsError

if TYPE_CHECKING:
    from kehu.config.sources import FileMapping, SourceMapping

PRIVATE = 0o700
"""Mode of every folder that holds rows or bytes as received: their owner's only."""

_LANDING = ".landing-"

COPY_BYTES = 4 * 1024 * 1024

# Left by programs that are not finished with a file, or by desktops; never an export.
_UNFINISHED = ("*.tmp", "*.part", "*.crdownload", "*.swp", "~$*", "~*", ".*", "thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Delivery:
    """One file as received, for one day.

    Attributes:
        system: the system it came from.
        mapping: name of the source mapping that took it.
        file_mapping: which kind of file it is.
        file_name: its path below the export folder, with `/`.
        sha256: of its bytes, in hex.
        byte_count: its size.
        delivered_date: the day the export speaks for; later deliveries know more.
        arrived_at: instant of landing, ISO 8601 in UTC: for the record, and to order deliveries of one day.
        raw_path: where its bytes lie.
    """

    system: str
    mapping: str
    file_mapping: str
    file_name: str
    sha256: str
    byte_count: int
    delivered_date: date
    arrived_at: str
    raw_path: Path

    @property
    def delivery_id(self) -> str:
        """Day and content: `20240305-` and twelve hex digits."""
        return f"{self.delivered_date:%Y%m%d}-{self.sha256[:12]}"

    def to_dict(self, home: Path) -> dict[str, Any]:
        """The record as JSON keeps it; the path is relative to the home, so that a home can be moved."""
        return {
            "system": self.system,
            "mapping": self.mapping,
            "file_mapping": self.file_mapping,
            "file_name": self.file_name,
            "sha256": self.sha256,
            "byte_count": self.byte_count,
            "delivered_date": self.delivered_date.isoformat(),
            "arrived_at": self.arrived_at,
            "raw_path": self.raw_path.relative_to(home).as_posix(),
        }

    @classmethod
    def from_dict(cls, kept: dict[str, Any], home: Path) -> Delivery:
        """The delivery a JSON record speaks of."""
        return cls(
            **{
                **kept,
                "delivered_date": date.fromisoformat(kept["delivered_date"]),
                "raw_path": home / kept["raw_path"],
            }
        )


@dataclass(frozen=True)
class Landing:
    """What an export folder held.

    Attributes:
        batch: the deliveries of the folder, known ones included, in the order of file mapping and file name.
        unmapped_files: files no mapping takes.
        ignored_files: files the mapping leaves alone on purpose, and those of unfinished downloads and editors.
        missing_files: names of required file mappings without a file.
        reused: how many of the folder's files had been landed before.
        new: those of the batch that were not known before.
        copies: (file, the file it repeats byte for byte): such a file is read once.
    """

    batch: tuple[Delivery, ...]
    unmapped_files: tuple[str, ...]
    ignored_files: tuple[str, ...]
    missing_files: tuple[str, ...]
    reused: int
    new: tuple[Delivery, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()


def land_exports(
    mapping: SourceMapping, exports: Path, home: Path, now: datetime, *, is_recorded: bool = True
) -> Landing:
    """Land the files of an export folder that the mapping takes.

    A file already landed is recognised and reused: in mode `append` by its content, so that no event counts twice; in
    the other modes by content and day. Where the day is the day of arrival, a file is the same as long as its newest
    delivery has the same content. Two files of one kind, content and day are one delivery.

    Args:
        mapping: the source.
        exports: folder to search, sub-folders included.
        home: where landed files are kept.
        now: the clock's time with time zone; it dates deliveries only where the source says `delivered_at: arrival`.
        is_recorded: False where the new deliveries must be checked first: `record_deliveries` makes them count.

    Raises:
        InputError: `exports_not_found`, `no_mapped_file`, `no_date_in_name`, `file_still_changing`, `file_unreadable`.
        SettingsError: `file_claimed_twice`.
    """
    if not exports.is_dir():
        raise InputError(
            "There is no such export folder.", code="exports_not_found", file=str(exports), hint="see --exports"
        )
    claimed, unmapped, ignored = _sorted_out(mapping, exports)
    if not claimed:
        raise _no_mapped_file(mapping, unmapped)
    for file_mapping, name in claimed:
        # Before anything is taken, so that one nameless file does not leave half a batch behind.
        _delivered_date(mapping, name, now, file_mapping.name)
    private_folder(home / "raw")
    _remove_left_over(home / "raw")
    known = list(known_deliveries(home, mapping.system, None))
    batch: dict[tuple[str, str, str], Delivery] = {}
    new: list[Delivery] = []
    reused = 0
    copies: list[tuple[str, str]] = []
    for file_mapping, name in claimed:
        delivery = _take(mapping, file_mapping, name, exports, home, now)
        earlier = _recognised(delivery, file_mapping, mapping, known)
        if earlier is None:
            if is_recorded:
                _write_record(delivery, home)
            known.append(delivery)
            new.append(delivery)
        else:
            reused += 1
        taken = earlier or delivery
        if taken.file_name != name:
            copies.append((name, taken.file_name))
        batch.setdefault((taken.file_mapping, taken.delivery_id, taken.file_name), taken)
    with_file = {file_mapping.name for file_mapping, _ in claimed}
    missing = tuple(item.name for item in mapping.files if item.required and item.name not in with_file)
    return Landing(tuple(batch.values()), tuple(unmapped), tuple(ignored), missing, reused, tuple(new), tuple(copies))


def record_deliveries(deliveries: Sequence[Delivery], home: Path) -> None:
    """Make landed files count as delivered from now on: later nights know them."""
    for delivery in deliveries:
        _write_record(delivery, home)


def known_deliveries(home: Path, system: str, known_at: date | None) -> tuple[Delivery, ...]:
    """All deliveries of a system up to a day, oldest first: by day, then by arrival, file mapping, name and content.

    Args:
        home: where landed files are kept.
        system: the system.
        known_at: last delivered day that may be used; None for all.
    """
    folder = _records_folder(home, system)
    records = sorted(folder.glob("*.json")) if folder.is_dir() else []
    found = (Delivery.from_dict(json.loads(path.read_text(encoding="utf-8")), home) for path in records)
    usable = (delivery for delivery in found if known_at is None or delivery.delivered_date <= known_at)
    return tuple(sorted(usable, key=_age))


def all_deliveries(home: Path, known_at: date | None, new: Sequence[Delivery] = ()) -> tuple[Delivery, ...]:
    """All deliveries of every system up to a day, system by system, each as `known_deliveries`.

    Args:
        home: where landed files are kept.
        known_at: last delivered day that may be used; None for all.
        new: landed files that are not recorded yet.
    """
    root = home / "raw" / "deliveries"
    systems = sorted(folder.name for folder in root.iterdir() if folder.is_dir()) if root.is_dir() else []
    recorded = [delivery for system in systems for delivery in known_deliveries(home, system, known_at)]
    landed = [delivery for delivery in new if known_at is None or delivery.delivered_date <= known_at]
    # A content that was delivered before under the same name and day stands once, as its newest landing.
    known = {(d.system, d.file_mapping, d.delivery_id, d.file_name): d for d in (*recorded, *landed)}
    return tuple(sorted(known.values(), key=lambda delivery: (delivery.system, *_age(delivery))))


def date_in_name(file_name: str) -> date | None:
    """The last date in a file's name, or in the folders it lies in, the innermost first; None if there is none.

    Read are `20240305` (a time of day may follow), `2024-03-05`, `2024.3.5`, `2024_03_05`, `2024年3月5日`. A month
    alone, `2024年3月`, `2024-03` or `202403`, means its last day, and counts only where no full date stands beside it.
    """
    parts = unicodedata.normalize("NFKC", file_name).split("/")
    for part in reversed(parts):
        for pattern in (_DAY, _MONTH):
            found = [day for match in pattern.finditer(part) if (day := _as_date(match)) is not None]
            if found:
                return found[-1]
    return None


# --- dates in names ---------------------------------------------------------------------------------------------------

_YEAR = r"(?:(?:19|20)\d\d)"
_DAY = re.compile(
    rf"(?<!\d)(?P<y1>{_YEAR})(?P<m1>\d\d)(?P<d1>\d\d)(?:\d{{4}}|\d{{6}})?(?!\d)"
    rf"|(?<!\d)(?P<y2>{_YEAR})(?P<separator>[-._/])(?P<m2>\d\d?)(?P=separator)(?P<d2>\d\d?)(?!\d)"
    rf"|(?<!\d)(?P<y3>{_YEAR})\s*年\s*(?P<m3>\d\d?)\s*月\s*(?P<d3>\d\d?)\s*[日号]"
)
_MONTH = re.compile(
    rf"(?<!\d)(?P<y1>{_YEAR})\s*年\s*(?P<m1>\d\d?)\s*月(?:份|度)?"
    rf"|(?<!\d)(?P<y2>{_YEAR})[-._](?P<m2>\d\d?)(?!\d)"
    rf"|(?<!\d)(?P<y3>{_YEAR})(?P<m3>\d\d)(?!\d)"
)


def _as_date(match: re.Match[str]) -> date | None:
    parts = {name[0]: int(text) for name, text in match.groupdict().items() if text and name[0] in "ymd"}
    year, month = parts["y"], parts["m"]
    if not 1 <= month <= 12:
        return None
    last = calendar.monthrange(year, month)[1]
    day = parts.get("d", last)
    return date(year, month, day) if 1 <= day <= last else None


def _delivered_date(mapping: SourceMapping, file_name: str, now: datetime, kind: str) -> date:
    if isinstance(mapping.delivered_at, date):
        return mapping.delivered_at
    if mapping.delivered_at == "arrival":
        return now.astimezone(ZoneInfo(mapping.timezone)).date()
    day = date_in_name(file_name)
    if day is None:
        raise InputError(
            "The file's name holds no date, and the source takes the day of delivery from the name.",
            code="no_date_in_name",
            file=file_name,
            rule=kind,
            hint="name it such as 客户_20240305.csv, or set `delivered_at` to a date or `arrival` in the mapping",
        )
    return day


# --- which file is what -----------------------------------------------------------------------------------------------


def _sorted_out(mapping: SourceMapping, exports: Path) -> tuple[list[tuple[FileMapping, str]], list[str], list[str]]:
    claimed: list[tuple[FileMapping, str]] = []
    unmapped: list[str] = []
    ignored: list[str] = []
    for name in _file_names(exports):
        takers = [item for item in mapping.files if any(_matches(name, glob) for glob in item.match)]
        if _is_unfinished(name) or any(_matches(name, glob) for glob, _ in mapping.ignore):
            ignored.append(name)
        elif not takers:
            unmapped.append(name)
        elif len(takers) > 1 and not _read_different_sheets(takers):
            raise SettingsError(
                f"Two kinds of file claim it: {' and '.join(item.name for item in takers)}.",
                code="file_claimed_twice",
                file=mapping.file or mapping.name,
                details=[f"export: {name}"],
                hint="make the `match` patterns of the source mapping exclude each other",
            )
        else:
            claimed.extend((taker, name) for taker in takers)
    order = {item.name: position for position, item in enumerate(mapping.files)}
    return sorted(claimed, key=lambda pair: (order[pair[0].name], pair[1])), unmapped, ignored


def _read_different_sheets(takers: Sequence[FileMapping]) -> bool:
    """One workbook may be several kinds of file, as long as each names a sheet of its own."""
    return len({taker.sheet for taker in takers} - {None}) == len(takers)


def _file_names(exports: Path) -> list[str]:
    return sorted(path.relative_to(exports).as_posix() for path in exports.rglob("*") if path.is_file())


def _matches(file_name: str, glob: str) -> bool:
    # File systems differ in case and in how they compose characters; a pattern should not.
    return PurePosixPath(_folded(file_name)).match(_folded(glob))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _is_unfinished(file_name: str) -> bool:
    return any(PurePosixPath(part).match(glob) for part in _folded(file_name).split("/") for glob in _UNFINISHED)


def _no_mapped_file(mapping: SourceMapping, found: Sequence[str]) -> InputError:
    patterns = [f"{item.name}: {', '.join(item.match)}" for item in mapping.files]
    shown = ", ".join(found[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
    return InputError(
        "No file of the export folder fits the source.",
        code="no_mapped_file",
        count=len(found),
        details=[f"found: {shown or 'nothing'}", *(f"wanted: {pattern}" for pattern in patterns)],
        hint=f"see --exports and --source, or the `match` patterns of source {mapping.name}",
    )


# --- taking a file ----------------------------------------------------------------------------------------------------


def _take(
    mapping: SourceMapping, file_mapping: FileMapping, name: str, exports: Path, home: Path, now: datetime
) -> Delivery:
    try:
        sha256, byte_count, raw_path = _copy_by_hash(exports / name, name, home)
    except PermissionError:
        raise InputError(
            "The file may not be read.",
            code="file_unreadable",
            file=name,
            hint="give the user who runs this read access",
        ) from None
    return Delivery(
        system=mapping.system,
        mapping=mapping.name,
        file_mapping=file_mapping.name,
        file_name=name,
        sha256=sha256,
        byte_count=byte_count,
        delivered_date=_delivered_date(mapping, name, now, file_mapping.name),
        arrived_at=now.astimezone(UTC).isoformat(timespec="microseconds"),
        raw_path=raw_path,
    )


def _copy_by_hash(source: Path, name: str, home: Path) -> tuple[str, int, Path]:
    """Copy a file to its place under its hash, hashing on the way; what is already there is left as it is."""
    raw = home / "raw"
    handle, temporary = tempfile.mkstemp(prefix=_LANDING, dir=raw)
    try:
        # The lock says that this copy is alive; it is held until the copy has its final name.
        with os.fdopen(handle, "wb") as target, source.open("rb") as file:
            fcntl.flock(target, fcntl.LOCK_EX)
            before = os.fstat(file.fileno())
            sha256, byte_count = _hashed_copy(file, target)
            after = os.fstat(file.fileno())
            if (before.st_size, before.st_mtime_ns) != (
                after.st_size,
                after.st_mtime_ns,
            ) or byte_count != after.st_size:
                raise InputError(
                    "The file changed while it was read: it is still being written.",
                    code="file_still_changing",
                    file=name,
                    hint="run again when the export is complete",
                )
            return sha256, byte_count, _place(Path(temporary), target, raw / sha256[:2] / sha256, name)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _place(temporary: Path, target: BinaryIO, folder: Path, name: str) -> Path:
    kept = sorted(folder.iterdir()) if folder.is_dir() else []
    if kept:
        return kept[0]
    target.flush()
    os.fsync(target.fileno())
    private_folder(folder)
    place = folder / PurePosixPath(name).name
    temporary.replace(place)
    sync_folder(folder)
    return place


def _remove_left_over(raw: Path) -> None:
    """Remove copies of landings that were killed: a living one holds a lock on its copy before it writes to it."""
    for path in raw.glob(f"{_LANDING}*"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("rb") as copy:
            if os.fstat(copy.fileno()).st_size:
                fcntl.flock(copy, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _hashed_copy(file: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    digest, byte_count = hashlib.sha256(), 0
    while chunk := file.read(COPY_BYTES):
        digest.update(chunk)
        target.write(chunk)
        byte_count += len(chunk)
    return digest.hexdigest(), byte_count


def _recognised(
    delivery: Delivery, file_mapping: FileMapping, mapping: SourceMapping, known: Sequence[Delivery]
) -> Delivery | None:
    same_kind = [item for item in known if item.file_mapping == delivery.file_mapping]
    same_content = [item for item in same_kind if item.sha256 == delivery.sha256]
    if file_mapping.mode == "append":
        return same_content[0] if same_content else None
    if mapping.delivered_at == "arrival":
        newest = max((item for item in same_kind if item.file_name == delivery.file_name), key=_age, default=None)
        if newest is not None and newest.sha256 == delivery.sha256:
            return newest
    same_day = [item for item in same_kind if item.delivered_date == delivery.delivered_date]
    same_name = [item for item in same_day if item.file_name == delivery.file_name]
    if same_name:
        # Only the newest of a name and day: a file that goes back to an earlier content is a correction of its own.
        newest_of_name = max(same_name, key=_age)
        return newest_of_name if newest_of_name.sha256 == delivery.sha256 else None
    return next((item for item in same_day if item.sha256 == delivery.sha256), None)


def _age(delivery: Delivery) -> tuple[date, str, str, str, str]:
    return (
        delivery.delivered_date,
        delivery.arrived_at,
        delivery.file_mapping,
        delivery.file_name,
        delivery.sha256,
    )


# --- records of deliveries --------------------------------------------------------------------------------------------


def _records_folder(home: Path, system: str) -> Path:
    return home / "raw" / "deliveries" / system


def _write_record(delivery: Delivery, home: Path) -> None:
    folder = _records_folder(home, delivery.system)
    private_folder(folder)
    name_hash = hashlib.sha256(f"{delivery.file_mapping}/{delivery.file_name}".encode()).hexdigest()[:8]
    text = json.dumps(delivery.to_dict(home), ensure_ascii=False, indent=1, sort_keys=True)
    handle, temporary = tempfile.mkstemp(prefix=".record-", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as target:
        target.write(text)
        target.flush()
        os.fsync(target.fileno())
    Path(temporary).replace(folder / f"{delivery.delivery_id}--{name_hash}.json")
    sync_folder(folder)


def private_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, for their owner only."""
    for part in (*reversed(folder.parents), folder):
        if not part.exists():
            part.mkdir(mode=PRIVATE, exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Write a folder's names to disk: only then does a rename in it survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
