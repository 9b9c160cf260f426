"""What importing costs, and from where it happens. Measured in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HEAVY = {"prefect", "pandas", "ibis", "duckdb", "great_expectations", "sqlalchemy", "pyarrow"}


def loaded_by(code: str, cwd: Path) -> set[str]:
    """The top-level modules that are loaded once `code` has run."""
    names = "sorted({name.split('.')[0] for name in sys.modules})"
    report = f"{code}\nimport json, sys\nsys.stderr.write('LOADED' + json.dumps({names}))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=False, cwd=cwd)
    assert "LOADED" in done.stderr, done.stderr
    return set(json.loads(done.stderr.rpartition("LOADED")[2]))


def test_the_command_line_loads_nothing_heavy(tmp_path: Path) -> None:
    assert loaded_by("import kehu.flows.cli", tmp_path) & HEAVY == set()


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "from kehu.flows.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as done:\n    assert not done.code"
    )
    assert loaded_by(code, tmp_path) & HEAVY == set()


def test_the_installed_command_answers(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("kehu")), "--version"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("kehu 0.")


def test_the_editable_install_imports_the_five_folders(project_root: Path, tmp_path: Path) -> None:
    code = (
        "import json, sys, pathlib, kehu.config, kehu.flows, kehu.schemas, kehu.tasks, kehu.warehouse\n"
        "five = {name: str(pathlib.Path(sys.modules[name].__file__).resolve().parent) for name in sys.modules "
        "if name.startswith('kehu.') and name.count('.') == 1}\n"
        "print(json.dumps(five))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    folders = ("config", "flows", "schemas", "tasks", "warehouse")
    assert json.loads(done.stdout) == {f"kehu.{folder}": str(project_root / folder) for folder in folders}
