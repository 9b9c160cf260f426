"""Misuse of `kehu quarantine`: each is refused, and no corrections are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from shop import NO_SCORES, Shop

SAID = ("--reason", "typed wrongly", "--by", "Li Na")


@pytest.fixture
def rejected(shop: Shop, tmp_path: Path) -> Path:
    """An export of one rejected row."""
    shop.sales[6][5] = "见附件"
    shop.export()
    shop.published(*NO_SCORES)
    path = tmp_path / "rejected.csv"
    shop.kehu(shop.here("quarantine", "export", "--to", str(path)))
    return path


def test_misuse_of_release(shop: Shop, rejected: Path) -> None:
    def refused(exit_code: int, code: str, *arguments: str) -> dict[str, object]:
        error = shop.kehu(shop.here("quarantine", "release", *arguments, "--json")).refused(exit_code, code)
        assert list((shop.project / "corrections").iterdir()) == []
        return error

    refused(2, "release_incomplete", str(rejected), "--reason", "no name")
    refused(2, "file_not_readable", str(rejected.with_name("other.csv")), *SAID)
    assert refused(2, "nothing_changed", str(rejected), *SAID)["file"] == str(rejected)
    text = rejected.read_text(encoding="utf-8-sig")
    rejected.write_text(text.replace("_record", "record"), encoding="utf-8-sig")
    refused(2, "not_an_export", str(rejected), *SAID)
    rejected.write_text(text.replace(",8,", ",9,", 1).replace("见附件", "7"), encoding="utf-8-sig")
    assert refused(2, "row_not_in_quarantine", str(rejected), *SAID)["row"] == 2
    rejected.write_bytes(text.replace("见附件", "七百").encode("gbk"))
    refused(2, "file_not_readable", str(rejected), *SAID)


def test_release_without_a_project(shop: Shop, rejected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.folder)
    arguments = ["quarantine", "release", str(rejected), *SAID, "--home", str(shop.home), "--json"]
    assert "kehu init" in shop.kehu(arguments).refused(2, "no_project")["hint"]


def test_misuse_of_export(shop: Shop, rejected: Path) -> None:
    shop.kehu(shop.here("quarantine", "export", "--json")).refused(2, "file_missing")
    to = str(shop.folder / "nowhere" / "rejected.csv")
    shop.kehu(shop.here("quarantine", "export", "--to", to, "--json")).refused(2, "file_not_writable")
    to = str(shop.folder / "none.csv")
    shop.kehu(shop.here("quarantine", "export", "--to", to, "--entity", "payment", "--json")).refused(
        2, "nothing_in_quarantine"
    )
    assert not Path(to).exists()
