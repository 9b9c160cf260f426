"""What the stages of a night hand on: small frozen receipts, never frames or connections.

May import: `config`, and the receipts of `tasks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from kehu.config.policy import Policy
from kehu.config.settings import Settings
from kehu.config.sources import SourceMapping
from kehu.tasks.conformed import Conformed

NightStatus = Literal["published", "unchanged", "checked", "gate_closed"]


@dataclass(frozen=True)
class NightRequest:
    """What to run.

    Attributes:
        settings: where things are.
        source: name of the source mapping tonight's files belong to.
        exports: the export folder.
        as_of: the day that is judged.
        known_at: deliveries up to this day may be used; None = all.
        only: marts or groups to build; empty = all.
        sandbox: publish into the sandbox of that name; None = the official warehouse.
        overrides: policy values laid over the policy files; only in a sandbox.
        data_docs: folder for Great Expectations' Data Docs; None = none.
        publish: False for a dry run that ends after the gate.
    """

    settings: Settings
    source: str
    exports: Path
    as_of: date
    known_at: date | None = None
    only: tuple[str, ...] = ()
    sandbox: str | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    data_docs: Path | None = None
    publish: bool = True

    @property
    def warehouse_dir(self) -> Path:
        """The folder of the warehouse file this night publishes to."""
        return self.settings.home / "sandboxes" / self.sandbox if self.sandbox else self.settings.warehouse_dir


@dataclass(frozen=True)
class NightPlan:
    """A request with everything it names looked up and checked, before a file is touched.

    Attributes:
        request: what to run.
        mapping: the source mapping tonight's files belong to.
        policy: the policy in force on as_of, overrides included.
        reporting_currency: currency of all amounts in marts.
        marts: names of the marts to build, in order.
        started_at: clock time the night began; stands in the run log only.
    """

    request: NightRequest
    mapping: SourceMapping
    policy: Policy
    reporting_currency: str
    marts: tuple[str, ...]
    started_at: datetime


@dataclass(frozen=True)
class Inputs:
    """What a night may use.

    Attributes:
        batch: the conformed files of tonight's export folder.
        known: all conformed deliveries the night may use, tonight's included.
        known_at: the newest day of delivery used.
        basis_by_system: document type that counts as sales, for systems whose mapping says so.
        inputs_hash: hash of all of them with their mappings.
        run_id: as_of and twelve hex digits of the hash of inputs, policy, code and parameters.
        code_version: version of Kehu and hash of its source files.
        parameters_json: the run's parameters, for the run log.
    """

    batch: tuple[Conformed, ...]
    known: tuple[Conformed, ...]
    known_at: date
    basis_by_system: Mapping[str, str]
    inputs_hash: str
    run_id: str
    code_version: str
    parameters_json: str


@dataclass(frozen=True)
class MartReceipt:
    """One mart of a run: published with its figures, or skipped with the reason."""

    mart: str
    status: Literal["published", "skipped"]
    reason: str | None = None
    path: Path | None = None
    row_count: int = 0
    checksum: str | None = None
    exact_total: Decimal | None = None
    rounding_difference: Decimal | None = None


@dataclass(frozen=True)
class Account:
    """What became of every record of the files in force: few rows, one per file and entity, and per outcome.

    Attributes:
        run_input: rows of `run_input`.
        run_input_reason: rows of `run_input_reason`.
    """

    run_input: pa.Table
    run_input_reason: pa.Table


@dataclass(frozen=True)
class Marts:
    """What a run built, before anyone can see it.

    Attributes:
        receipts: one per mart asked for.
        folder: where the marts' Parquet files lie until they are published.
    """

    receipts: tuple[MartReceipt, ...]
    folder: Path


@dataclass(frozen=True)
class NightReceipt:
    """What came of a night: what `kehu run` prints and `--json` returns.

    Attributes:
        status: published, unchanged (this very run is official already), checked (dry run) or gate_closed.
        run_id: the run.
        as_of: the day judged.
        gate: open, warned or closed.
        warehouse: the file readers open; None for a dry run.
        published: mart → rows.
        skipped: mart → reason.
        quarantined: rows put aside tonight.
        files: tonight's rows of `run_input`, one per file and entity.
        quality: failed expectations, worst first.
        unmapped_files: files of the export folder no mapping takes.
        warnings: sentences a person should read.
        page: the HTML page of the run; None where nothing is published or it could not be written.
    """

    status: NightStatus
    run_id: str
    as_of: date
    gate: str
    warehouse: Path | None
    published: Mapping[str, int]
    skipped: Mapping[str, str]
    quarantined: int
    files: tuple[Mapping[str, Any], ...]
    quality: tuple[Mapping[str, Any], ...]
    unmapped_files: tuple[str, ...]
    warnings: tuple[str, ...]
    page: Path | None = None

    def as_summary(self) -> dict[str, Any]:
        """The machine-readable summary of `--json`."""
        return {
            "exit_code": 0,
            "status": self.status,
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "gate": self.gate,
            "warehouse": str(self.warehouse) if self.warehouse else None,
            "published": dict(self.published),
            "skipped": dict(self.skipped),
            "quarantined": self.quarantined,
            "files": [dict(row) for row in self.files],
            "quality": [dict(row) for row in self.quality],
            "unmapped_files": list(self.unmapped_files),
            "warnings": list(self.warnings),
            "page": str(self.page) if self.page else None,
        }
