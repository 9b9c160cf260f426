"""What is known of one conformed file: the receipt every later step reads instead of the rows.

May import: `config`, `schemas`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any

FLAGGED_FILE, ACCEPTED_FILE, QUARANTINED_FILE = "flagged.parquet", "accepted.parquet", "quarantined.parquet"
"""What lies in a conformed file's directory: all data rows with their flags, the accepted ones, those put aside."""

DELETED_COLUMN = "is_deleted"
"""Accepted rows of an upsert feed carry it where the mapping has `deleted`: true takes the key out of force."""


@dataclass(frozen=True)
class Reason:
    """What became of some of the data rows.

    Attributes:
        outcome: `accepted`, `merged_into_key`, `quarantined`, `dropped` or `unmapped`.
        reason: why: the first rule the rows broke, the reason of a drop rule, and so on; empty for plain acceptance.
        measure_name: amount column whose total stands beside; empty where the entity has none.
        row_count: how many rows; the same for each measure.
        amount_total: exact total over these rows, null where none has a value or one cannot be read.
    """

    outcome: str
    reason: str
    measure_name: str
    row_count: int
    amount_total: Decimal | None


@dataclass(frozen=True)
class BrokenRule:
    """A rule that put rows aside: how many, and at most five keys, smallest first. A row counts under each rule it
    breaks.
    """

    rule: str
    sentence: str
    row_count: int
    example_keys: tuple[str, ...]


@dataclass(frozen=True)
class ControlTotal:
    """A printed total held against the sum of the data rows of its block.

    Attributes:
        column: contract column.
        printed: what the total row says, in currency units; 0 where it cannot be read as a number.
        summed: exact sum of the block's data rows, before quarantine.
        tolerance: half a unit of the last printed digit × rows.
        is_equal: the printed total can be read and lies within the tolerance of the sum of the values that can be read.
        is_one_rounding: within half a unit of its last printed digit: nothing but the total itself can be rounded.
        record: record number of the total row.
        rows: data rows of the block.
        unreadable: data rows of the block whose value cannot be read (the printed value itself counts as one).
    """

    column: str
    printed: Decimal
    summed: Decimal
    tolerance: Decimal
    is_equal: bool
    record: int
    rows: int = 0
    unreadable: int = 0
    is_one_rounding: bool = True


@dataclass(frozen=True)
class Note:
    """Something noticed about the file as a whole, worth a warning."""

    rule: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Conformed:
    """One file (and sheet) conformed to one entity.

    Identities that always hold: `rows_read` = data + header + title + total + blank; `rows_data` = accepted + merged +
    quarantined + dropped + unmapped. Rows later than as_of are still among the accepted: core tells them apart.

    Attributes:
        system: source system.
        company_id: legal entity the mapping states.
        delivery_id: the delivery.
        file_name: path in the export folder.
        file_mapping: name of the file mapping.
        sheet: sheet of a workbook, else empty.
        entity: the entity.
        delivered_date: day of delivery.
        mode: snapshot, append, upsert or partition.
        partition: mode partition: our column whose values are replaced, where the mapping names one.
        partition_value: mode partition: the partition the file name tells, where the mapping has an expression for it.
        encoding: character encoding, empty for workbooks.
        directory: folder of the Parquet files, relative to home.
        values_rounded: values with more than six decimals.
        unmapped_headers: headers no contract column of this entity takes.
        reasons: what became of the data rows.
        broken_rules: rules that put rows aside.
        control_totals: printed totals and what the rows sum to.
        conflicts: distinct feeds: column → the keys that carry several values.
        tolerances: the feed's own tolerances per rule.
        notes: remarks on the file.
        key_headers: headers that identify a row, empty where the export has no complete key.
        file_patterns: globs of the file mapping, for corrections.
        content_sha256: hash over the accepted rows, whatever their order.
        arrived_at: instant of landing, ISO 8601 in UTC: of two deliveries of one day the later one counts.
    """

    system: str
    company_id: str
    delivery_id: str
    file_name: str
    file_mapping: str
    sheet: str
    entity: str
    delivered_date: date
    mode: str
    partition: str | None
    partition_value: str | None
    encoding: str
    directory: str
    rows_read: int
    rows_header: int
    rows_title: int
    rows_total: int
    rows_blank: int
    rows_data: int
    rows_accepted: int
    rows_merged: int
    rows_quarantined: int
    rows_dropped: int
    rows_unmapped: int
    values_rounded: int
    unmapped_headers: tuple[str, ...]
    reasons: tuple[Reason, ...]
    broken_rules: tuple[BrokenRule, ...]
    control_totals: tuple[ControlTotal, ...]
    conflicts: tuple[tuple[str, tuple[str, ...]], ...]
    tolerances: Mapping[str, Decimal] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    key_headers: tuple[str, ...] = ()
    file_patterns: tuple[str, ...] = ()
    content_sha256: str = ""
    arrived_at: str = ""

    def to_json(self) -> str:
        """The receipt as text: sorted keys, exact numbers as strings."""
        facts = {item.name: _plain(getattr(self, item.name)) for item in fields(self)}
        return json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Conformed:
        """The receipt `to_json` wrote."""
        facts: dict[str, Any] = json.loads(text)
        facts["delivered_date"] = date.fromisoformat(facts["delivered_date"])
        for name in ("unmapped_headers", "key_headers", "file_patterns"):
            facts[name] = tuple(facts[name])
        facts["tolerances"] = {rule: Decimal(share) for rule, share in facts["tolerances"].items()}
        facts["conflicts"] = tuple((column, tuple(keys)) for column, keys in facts["conflicts"])
        facts["notes"] = tuple(Note(**note) for note in facts["notes"])
        facts["reasons"] = tuple(_reason(item) for item in facts["reasons"])
        facts["broken_rules"] = tuple(
            BrokenRule(**{**item, "example_keys": tuple(item["example_keys"])}) for item in facts["broken_rules"]
        )
        facts["control_totals"] = tuple(_control_total(item) for item in facts["control_totals"])
        return cls(**facts)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    return value


def _reason(item: dict[str, Any]) -> Reason:
    total = item["amount_total"]
    return Reason(**{**item, "amount_total": None if total is None else Decimal(total)})


def _control_total(item: dict[str, Any]) -> ControlTotal:
    exact = {name: Decimal(item[name]) for name in ("printed", "summed", "tolerance")}
    return ControlTotal(**{**item, **exact})
