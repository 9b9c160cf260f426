"""What every test may ask for: the project's own folder, and the real exports beside a developer's checkout."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from kehu.flows.quiet import send_nothing

PROJECT_ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = PROJECT_ROOT.parent / "shared" / "data"


def pytest_configure() -> None:
    """Before any test module is imported: no library calls home, and none uses a developer's own Prefect."""
    send_nothing(os.environ)
    prefect_home = tempfile.mkdtemp(prefix="kehu-tests-prefect-")
    # At exit, since Prefect's temporary server writes there until then.
    atexit.register(shutil.rmtree, prefect_home, ignore_errors=True)
    os.environ.pop("PREFECT_API_URL", None)
    os.environ["PREFECT_HOME"] = prefect_home
    # The server says good-bye after pytest has closed the terminal it would say it on.
    os.environ["PREFECT_LOGGING_LEVEL"] = "WARNING"


def pytest_collection_finish() -> None:
    """The engines and the tests themselves stay in memory to the end: the search for garbage leaves them out."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(autouse=True)
def _no_inherited_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test works in a developer's own project or home."""
    for name in ("KEHU_PROJECT", "KEHU_HOME", "KEHU_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds pyproject.toml."""
    return PROJECT_ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real exports; the test is skipped where it is absent. Mark such tests `real`."""
    if not REAL_DATA.is_dir():
        pytest.skip("needs the real exports, which are not part of the project")
    return REAL_DATA
