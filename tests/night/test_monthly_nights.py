"""R7: a verdict with memory does not depend on which nights were run — two years of monthly nights of the demo."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from night_world import Company, Night

from kehu.schemas.tables import MARTS
from kehu.tasks.demo_exports import write_demo_exports

LAST = date(2026, 3, 31)
NIGHTS = [*(date(2024 + month // 12, month % 12 + 1, 12) for month in range(3, 26)), LAST]
"""The 12th of each month, when the month before has been delivered; then the day the demo ends on."""


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three years of a small distributor."""
    folder = tmp_path_factory.mktemp("demo") / "exports"
    write_demo_exports(folder, customers=60, months=36, seed=7, as_of=LAST)
    return folder


def _delivered(file: Path) -> date:
    found = re.search(r"(\d{4})(\d{2})(\d{2})\.\w+$", file.name)
    assert found, file.name
    return date(*map(int, found.groups()))


def _last_of(nights: Sequence[date], exports: Path, root: Path) -> Night:
    """Run the nights one after the other, each with the files delivered by then; the last one."""
    company = Company(root)
    for night in nights:
        for file in exports.iterdir():
            if _delivered(file) <= night and not (company.exports / file.name).exists():
                shutil.copy(file, company.exports)
        receipt = company.run(night, source="demo")
        assert receipt.status == "published"
    return Night(company, receipt)


@pytest.mark.slow
def test_a_day_is_judged_alike_whichever_nights_were_run(exports: Path, tmp_path: Path) -> None:
    assert len(NIGHTS) == 24
    alone = _last_of(NIGHTS[-1:], exports, tmp_path / "alone")
    checksums = alone.checksums()
    assert set(checksums) == {mart.name for mart in MARTS}
    every = _last_of(NIGHTS, exports, tmp_path / "every")
    assert every.checksums() == checksums
    assert every.company.built == alone.company.built
    left_out = [night for number, night in enumerate(NIGHTS, start=1) if number % 3 or night == LAST]
    assert _last_of(left_out, exports, tmp_path / "left_out").checksums() == checksums
