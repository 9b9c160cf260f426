"""`kehu init`: what it writes loads, says what holds anyway, and never overwrites."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from kehu.config.errors import UsageError
from kehu.config.policy import PolicyBook
from kehu.config.project import init_project
from kehu.config.settings import Settings, load_settings
from kehu.config.sources import load_source, source_names
from kehu.tasks.corrections import load_corrections

DAY = date(2026, 3, 31)


def settings_of(project: Path) -> Settings:
    return load_settings(project=project, home=None, warehouse=None, environ={}, cwd=project.parent)


def uncommented(path: Path, starts_with: str) -> str:
    """The file with the `# ` taken away from the lines that start like that, and all other comments left out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line.removeprefix("# ") for line in lines if re.match(starts_with, line) or not line.startswith("#")]
    return "\n".join(kept) + "\n"


def test_a_new_project_has_everything_and_changes_nothing(tmp_path: Path) -> None:
    project = tmp_path / "firm"
    written = init_project(project)
    assert [path.relative_to(project).as_posix() for path in written] == [
        ".gitignore",
        "calendar/README.md",
        "corrections/README.md",
        "kehu.toml",
        "policy/example.yaml",
        "sources/README.md",
    ]
    settings = settings_of(project)
    assert settings == Settings(project=project, home=project / "var")
    assert PolicyBook.load(settings.policy_dir).on(DAY).fingerprint == PolicyBook.load(None).on(DAY).fingerprint
    assert source_names(settings.sources_dir) == source_names(None)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "example.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        init_project(tmp_path)
    assert (caught.value.code, caught.value.exit_code) == ("project_exists", 2)
    assert caught.value.details == ("there already: policy/example.yaml",)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["example.yaml"]
    assert (tmp_path / "policy" / "example.yaml").read_text(encoding="utf-8") == "mine"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "firm").write_text("", encoding="utf-8")
    with pytest.raises(UsageError):
        init_project(tmp_path / "firm")


def test_other_files_of_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    written = [path.name for path in init_project(tmp_path)]
    assert ".gitignore" not in written and "kehu.toml" in written
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8") == "*.log\n"


def test_the_settings_file_tells_the_true_defaults(tmp_path: Path) -> None:
    init_project(tmp_path)
    text = uncommented(tmp_path / "kehu.toml", r"# [a-z_]+ = ")
    without_examples = re.sub(
        "^(warehouse|memory_limit|threads|required_marts|reporting_currency) = .*$", "", text, flags=re.MULTILINE
    )
    (tmp_path / "kehu.toml").write_text(without_examples, encoding="utf-8")
    assert settings_of(tmp_path) == Settings(project=tmp_path, home=tmp_path / "var")
    (tmp_path / "kehu.toml").write_text(text, encoding="utf-8")
    assert settings_of(tmp_path).warehouse_dir == tmp_path / "var" / "warehouse"
    assert settings_of(tmp_path).threads == 2


def test_the_policy_example_loads_once_its_comment_signs_are_gone(tmp_path: Path) -> None:
    init_project(tmp_path)
    example = tmp_path / "policy" / "example.yaml"
    text = example.read_text(encoding="utf-8").split("lines below to try:\n")[1]
    example.write_text("\n".join(line.removeprefix("# ") for line in text.splitlines()), encoding="utf-8")
    book = PolicyBook.load(tmp_path / "policy")
    assert book.on(DAY).value("abc.method") == "cumulative"
    assert book.on(date(2025, 12, 31)).value("abc.method") == "quota"


def test_the_source_example_loads(tmp_path: Path) -> None:
    init_project(tmp_path)
    (block,) = re.findall(
        "```yaml\n(.*?)```", (tmp_path / "sources" / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    (tmp_path / "sources" / "erp.yaml").write_text(block, encoding="utf-8")
    mapping = load_source("erp", tmp_path / "sources")
    assert [file.name for file in mapping.files] == ["customers", "invoices"]


def test_the_correction_example_loads(tmp_path: Path) -> None:
    init_project(tmp_path)
    text = (tmp_path / "corrections" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall("```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "corrections" / "march.yaml").write_text(block, encoding="utf-8")
    (correction,) = load_corrections(tmp_path / "corrections")
    assert (correction.source, correction.wrong, correction.right, correction.until) == ("erp", "10O", "100", None)
