"""Which deliveries count: the files in force on a day, of all that were ever conformed.

May import: nothing of ours. The one place that knows what a file's mode means for the files before it; core, the gate
and the quarantine ask here, so that they speak of the same files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, Protocol, TypeVar


class ConformedFile(Protocol):
    """What must be known of one conformed file (and sheet, and entity) to tell whether it counts and where it lies."""

    @property
    def system(self) -> str: ...
    @property
    def company_id(self) -> str: ...
    @property
    def file_mapping(self) -> str: ...
    @property
    def entity(self) -> str: ...
    @property
    def delivery_id(self) -> str: ...
    @property
    def file_name(self) -> str: ...
    @property
    def sheet(self) -> str: ...
    @property
    def delivered_date(self) -> date: ...
    @property
    def arrived_at(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def partition(self) -> str | None: ...
    @property
    def partition_value(self) -> str | None: ...
    @property
    def directory(self) -> str: ...


File = TypeVar("File", bound=ConformedFile)

Order = tuple[date, str, str, str, str, str]


def delivery_order(file: ConformedFile) -> Order:
    """The order in which files follow each other, without ties: day, arrival, name, sheet, delivery, folder.

    Of two deliveries of one day the one that arrived later knows more; what arrived in one landing follows by name.
    """
    return (file.delivered_date, file.arrived_at, file.file_name, file.sheet, file.delivery_id, file.directory)


def published_key(file: ConformedFile, as_of: date, run_id: str) -> dict[str, Any]:
    """The columns by which the published tables about files (`run_input`, `dq_quarantine`, …) name one of a run."""
    return {
        "as_of": as_of,
        "run_id": run_id,
        "source": file.system,
        "company_id": file.company_id,
        "delivery_id": file.delivery_id,
        "file_name": file.file_name,
        "sheet_name": file.sheet,
        "entity": file.entity,
    }


def files_in_force(files: Iterable[File], known_at: date) -> tuple[File, ...]:
    """The conformed files whose rows may count on `known_at`, oldest first.

    Rule: of a file mapping in mode `snapshot` the files of its newest day of delivery; in mode `partition` the same for
    each partition a file name tells; in the other modes all of them (which of their rows count is settled row by row).
    Several files of one mapping delivered on one day belong together (one a shop, say); the same file name delivered
    twice on one day is a correction, and in the modes in which a file replaces something only the one that arrived
    later counts.
    """
    known = sorted((file for file in files if file.delivered_date <= known_at), key=delivery_order)
    groups: dict[tuple[str, ...], list[File]] = defaultdict(list)
    for file in known:
        groups[(file.system, file.entity, file.file_mapping, file.partition_value or "")].append(file)
    kept = [file for group in groups.values() for file in _kept_of_group(group)]
    return tuple(sorted(kept, key=delivery_order))


def files_before(files: Iterable[File], newest: Sequence[File]) -> tuple[File, ...]:
    """The files a snapshot took the place of: those of its mapping's day of delivery before; empty for the first."""
    told = newest[0]
    mapping = (told.system, told.entity, told.file_mapping)
    return files_in_force(
        (file for file in files if (file.system, file.entity, file.file_mapping) == mapping),
        told.delivered_date - timedelta(days=1),
    )


def last_of_name(files: Iterable[File]) -> dict[tuple[str, date], str]:
    """The delivery that arrived last, by file name and day: others of that name and day it corrects."""
    return {(file.file_name, file.delivered_date): file.delivery_id for file in sorted(files, key=delivery_order)}


def _kept_of_group(group: Sequence[File]) -> list[File]:
    newest = group[-1]
    if newest.mode not in ("snapshot", "partition"):
        return list(group)
    last = last_of_name(group)
    corrected = [file for file in group if file.delivery_id == last[(file.file_name, file.delivered_date)]]
    is_whole = newest.mode == "snapshot" or newest.partition_value is not None
    return [file for file in corrected if not is_whole or file.delivered_date == newest.delivered_date]
