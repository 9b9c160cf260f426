"""The generated page: complete, committed, and loud when it has drifted."""

from __future__ import annotations

from pathlib import Path

import pytest

from kehu.schemas import dictionary, tables
from kehu.schemas.model import Table


def test_the_committed_page_says_what_the_contracts_say() -> None:
    assert dictionary.main(["--check"]) == 0, "run `python -m kehu.schemas.dictionary --write`"


def test_a_page_that_differs_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dictionary, "PAGE", tmp_path / "docs" / "dictionary.md")
    assert dictionary.main(["--check"]) == 1
    assert "--write" in capsys.readouterr().err
    assert dictionary.main(["--write"]) == 0
    assert dictionary.main(["--check"]) == 0
    dictionary.PAGE.write_text(dictionary.PAGE.read_text(encoding="utf-8").replace("客户", "顾客", 1), encoding="utf-8")
    assert dictionary.main(["--check"]) == 1


def test_without_a_choice_the_page_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert dictionary.main([]) == 0
    assert capsys.readouterr().out == dictionary.render_dictionary()


@pytest.mark.parametrize("table", tables.ALL_TABLES, ids=lambda table: table.name)
def test_a_section_shows_every_column_in_both_languages(table: Table) -> None:
    rows = [line for line in dictionary.render_table(table).splitlines() if line.startswith("| `")]
    assert len(rows) == len(table.columns)
    for column, row in zip(table.columns, rows, strict=True):
        assert row.replace("\\|", "").count("|") == 8
        assert f"`{column.name}`" in row
        assert column.label_zh in row
        assert column.label_en in row


def test_every_code_list_in_use_has_its_section() -> None:
    page = dictionary.render_dictionary()
    for table in tables.ALL_TABLES:
        for column in table.columns:
            if column.codes:
                assert f'<a id="codes-{column.codes.name}"></a>' in page


def test_links_of_the_contents_lead_to_headings() -> None:
    page = dictionary.render_dictionary()
    for table in tables.ALL_TABLES:
        assert f"### `{table.name}` · {table.label_zh}" in page
