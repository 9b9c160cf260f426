"""What must hold of the files as checked in: nothing of one machine, versions that go together, a useful make."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Written so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(rb"(?<![\w.])/(?:work|root|Users)/\w|(?<![\w.])/" + rb"home/\w")
INDEX_ADDRESS = re.compile(r"index-url|find-links|--index|://[^\s\"']*/simple\b|://[^\s\"']*:[^\s\"']*@")


def checked_in(root: Path) -> list[Path]:
    """The files Git tracks; without Git, as in an unpacked sdist, all files."""
    if (root / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
        paths = [root / os.fsdecode(name) for name in listed.split(b"\0") if name]
    else:
        paths = sorted(root.rglob("*"))
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def test_no_file_holds_a_path_of_one_machine(project_root: Path) -> None:
    found = {
        str(path.relative_to(project_root)): match.group().decode()
        for path in checked_in(project_root)
        if (match := MACHINE_PATH.search(path.read_bytes()))
    }
    assert found == {}


def test_no_file_names_a_package_index(project_root: Path) -> None:
    paths = [project_root / name for name in ("constraints.txt", "pyproject.toml", "Makefile", ".ci/run")]
    found = {
        path.name: match.group() for path in paths if (match := INDEX_ADDRESS.search(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def pinned(root: Path) -> dict[str, str]:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def needed(*requirements: str) -> set[str]:
    """Everything installed that the requirements ask for, directly or through others."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        environment = {**default_environment(), "extra": extra}
        if requirement.marker and not requirement.marker.evaluate(
            {key: str(value) for key, value in environment.items()}
        ):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) not in found:
                found.add((name, wanted))
                waiting.extend((Requirement(text), wanted) for text in metadata.requires(name) or ())
    return {name for name, _ in found} - {"kehu"}


def test_every_needed_version_is_pinned_and_installed(project_root: Path) -> None:
    versions = pinned(project_root)
    installed = {name: metadata.version(name) for name in needed("kehu[dev]")}
    assert {name: version for name, version in installed.items() if versions.get(name) != version} == {}


def test_the_bounds_hold_for_the_pins(project_root: Path) -> None:
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = pinned(project_root)
    stated = [Requirement(text) for text in (*project["dependencies"], *project["optional-dependencies"]["dev"])]
    broken = [str(each) for each in stated if versions[canonicalize_name(each.name)] not in each.specifier]
    assert broken == []


def test_what_is_imported_is_required(project_root: Path) -> None:
    """A library that only comes along with another one may go with it, unasked."""
    project = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    providers = metadata.packages_distributions()
    unasked = set()
    for folder in ("config", "schemas", "warehouse", "tasks", "flows"):
        for path in (project_root / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                for name in (name.split(".")[0] for name in names):
                    known = name == "kehu" or name in sys.stdlib_module_names
                    if not known and not required & set(map(canonicalize_name, providers.get(name, []))):
                        unasked.add(f"{path.relative_to(project_root)}: {name}")
    assert unasked == set()


@pytest.mark.parametrize("bound", ["duckdb>=1.5,<2", "fastapi<0.155", "sqlglot<30.18"])
def test_a_bound_against_a_breakage_has_its_reason_above(project_root: Path, bound: str) -> None:
    lines = (project_root / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    (at,) = (number for number, line in enumerate(lines) if line.strip() == f'"{bound}",')
    assert lines[at - 1].strip().startswith("# ")


def make(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=root, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def bare_checkout(project_root: Path, tmp_path: Path) -> Path:
    """As much of a checkout as make looks at."""
    for folder in ("config", "flows", "schemas", "tasks", "warehouse"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    shutil.copytree(project_root / "src", tmp_path / "src", symlinks=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(project_root / name, tmp_path)
    return tmp_path


def test_make_alone_says_what_it_can_do(bare_checkout: Path) -> None:
    done = make(bare_checkout)
    assert done.returncode == 0, done.stderr
    listed = re.findall(r"^  make ([a-z-]+) ", done.stdout, flags=re.MULTILINE)
    assert {"help", "run", "test", "test-all", "check", "env", "clean"} <= set(listed)
    assert not (bare_checkout / ".venv").exists()


def test_a_checkout_without_symlinks_gets_one_sentence(bare_checkout: Path) -> None:
    link = bare_checkout / "src" / "kehu" / "config"
    link.unlink()
    link.write_text("../../config")
    done = make(bare_checkout, "run")
    assert done.returncode != 0
    (sentence,) = done.stderr.splitlines()
    assert "src/kehu/config is no symbolic link" in sentence
    assert "core.symlinks true" in sentence


def test_an_old_python_gets_one_sentence(bare_checkout: Path) -> None:
    done = make(bare_checkout, "run", "PYTHON=false")
    assert done.returncode != 0
    assert done.stdout.splitlines()[0].startswith("Kehu needs Python 3.11 or newer: make PYTHON=")
    assert not (bare_checkout / ".venv").exists()


def test_ci_runs_what_a_developer_runs(project_root: Path) -> None:
    script = project_root / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = script.read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert [line for line in lines if line.startswith("make ")] == ["make smoke", "make check", "make test"]
