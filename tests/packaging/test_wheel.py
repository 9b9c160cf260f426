"""What an installed Kehu consists of: all of the five folders, nothing beside the name `kehu`.

The traps: a sub-package missing from the hand-written list is silently absent from the wheel; the links below src/kehu
would put every module into the sdist twice; a stale build/ would carry deleted modules into the wheel.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

FOLDERS = ("config", "flows", "schemas", "tasks", "warehouse")
NOT_SOURCE = shutil.ignore_patterns(
    ".venv",
    ".git",
    "var",
    "demo",
    "build",
    "dist",
    "*.egg-info",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "node_modules",
)


def files_below(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)


def expected_in_wheel(root: Path) -> set[str]:
    """Every module of the five folders, and the policy, source mappings and templates shipped beside them."""
    modules = {path for folder in FOLDERS for path in files_below(root / folder) if path.suffix == ".py"}
    shipped = {
        path
        for folder in ("policy", "sources")
        for path in files_below(root / "config" / folder)
        if path.suffix == ".yaml"
    }
    templates = {*files_below(root / "config" / "project"), *files_below(root / "flows" / "templates")}
    inside = {f"kehu/{path.relative_to(root).as_posix()}" for path in modules | shipped | templates}
    return inside | {"kehu/__init__.py", "kehu/py.typed"}


def build(source: Path, out: Path, *how: str) -> None:
    """Build with the installed, pinned backend: nothing is fetched."""
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), *how, str(source)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def names_in_wheel(folder: Path) -> set[str]:
    (wheel,) = folder.glob("kehu-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def copied(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources to build in, so that building leaves no trace in the checkout."""
    copy = tmp_path_factory.mktemp("checkout") / "project"
    shutil.copytree(project_root, copy, symlinks=True, ignore=NOT_SOURCE)
    return copy


@pytest.fixture(scope="module")
def built(copied: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build(copied, out, "--wheel")
    return out


def test_the_wheel_holds_the_five_folders(copied: Path, built: Path) -> None:
    names = {name for name in names_in_wheel(built) if not PurePosixPath(name).parts[0].endswith(".dist-info")}
    assert names == expected_in_wheel(copied)


def test_the_wheel_contributes_one_name(built: Path) -> None:
    tops = {re.sub(r"-[^-]+\.dist-info$", ".dist-info", PurePosixPath(name).parts[0]) for name in names_in_wheel(built)}
    assert tops == {"kehu", "kehu.dist-info"}


def test_the_wheel_states_command_licence_and_bounds(built: Path) -> None:
    (wheel,) = built.glob("kehu-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        read = {
            PurePosixPath(name).name: archive.read(name).decode()
            for name in archive.namelist()
            if ".dist-info/" in name
        }
    assert "kehu = kehu.flows.cli:main" in read["entry_points.txt"]
    assert "Apache License" in read["LICENSE"]
    for line in ("License-Expression: Apache-2.0", "Requires-Dist: fastapi<0.155", "Requires-Dist: sqlglot<30.18"):
        assert line in read["METADATA"].splitlines()


@pytest.mark.slow
def test_the_wheel_from_the_sdist_is_the_same(copied: Path, built: Path, tmp_path: Path) -> None:
    stale = copied / "build" / "lib" / "kehu" / "tasks" / "gone.py"
    stale.parent.mkdir(parents=True, exist_ok=True)
    stale.write_text("")
    try:
        build(copied, tmp_path)
    finally:
        shutil.rmtree(copied / "build")
    assert names_in_wheel(tmp_path) == names_in_wheel(built)
    (sdist,) = tmp_path.glob("kehu-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {"/".join(PurePosixPath(name).parts[1:]) for name in archive.getnames()}
    below = {name for name in names if name.startswith("src/kehu/")}
    assert below == {"src/kehu/__init__.py", "src/kehu/py.typed"}
    assert {"tests/conftest.py", "constraints.txt", "CHANGELOG.md", "prefect.yaml", "docs/testing.md"} <= names


@pytest.mark.slow
def test_an_installed_wheel_runs_without_the_checkout(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("kehu-*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # -S -E leave out the editable checkout; the libraries stay reachable as a plain folder.
    libraries = str(Path(pytest.__file__).parent.parent)
    code = (
        "import sys; sys.path[:0] = sys.argv[1:3]; import kehu; print(kehu.__file__)\n"
        "from kehu.flows.cli import build_parser; build_parser()\n"
        "from kehu.config.policy import PolicyBook; from datetime import date\n"
        "print(len(PolicyBook.load(None).on(date(2026, 3, 31)).entries()))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", code, str(site), libraries],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    where, policy_values = done.stdout.split()
    assert where.startswith(str(site))
    assert int(policy_values) > 0


def test_every_sub_package_is_listed(project_root: Path) -> None:
    setuptools = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    packages = {
        ".".join(("kehu", *path.parent.relative_to(project_root).parts))
        for folder in FOLDERS
        for path in files_below(project_root / folder)
        if path.suffix == ".py"
    }
    assert set(setuptools["packages"]) == {"kehu"} | packages
    assert setuptools["package-dir"] == {"kehu": "src/kehu"} | {f"kehu.{folder}": folder for folder in FOLDERS}
    for folder in FOLDERS:
        for path in files_below(project_root / folder):
            assert path.suffix != ".py" or (path.parent / "__init__.py").is_file(), f"{path.parent} has no __init__.py"


def test_links_lead_to_the_five_folders(project_root: Path) -> None:
    links = {
        path.name: path.readlink().as_posix() for path in (project_root / "src" / "kehu").iterdir() if path.is_symlink()
    }
    assert links == {folder: f"../../{folder}" for folder in FOLDERS}
