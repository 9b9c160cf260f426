"""A night runs without a network, and none of its processes so much as asks for one.

The first is held by an empty network namespace (where the system lets us make one), the second by an audit hook in
every Python process of the run: a library that tries to call home and swallows the failure would pass the first alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from night_world import Company, invoice_lines

# Run by every Python process at its start, from a folder on PYTHONPATH.
WATCHER = """
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        place = address[0] if isinstance(address, tuple) else "127.0.0.1"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        place = arguments[0]
    else:
        return
    place = place.decode() if isinstance(place, bytes) else place
    if place not in (None, "", "localhost", "::1", "0.0.0.0", "::") and not place.startswith("127."):
        with open(os.environ["WATCHED"], "a") as file:
            file.write(f"{event} {place}\\n")

sys.addaudithook(watch)
with open(os.environ["WATCHED"], "a") as file:
    file.write("watching\\n")
"""

# A new namespace has a loopback that is down; Prefect talks to its own server over it.
LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
up = struct.pack("16sh", b"lo", 0x1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, up)
os.execv(sys.argv[1], sys.argv[1:])
"""

CONNECTS = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"


@pytest.fixture(scope="module")
def no_network() -> list[str]:
    """What to put before a command so that it runs without a network; the test is skipped where that is not allowed."""
    for how in (["unshare", "-n"], ["unshare", "-rn"]):
        try:
            if subprocess.run([*how, "true"], capture_output=True).returncode == 0:
                return how
        except FileNotFoundError:
            break
    pytest.skip("this system does not let us make a network namespace")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a run whose processes are watched."""
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "sitecustomize.py").write_text(WATCHER, encoding="utf-8")
    # Those switches only that a user has without our doing; what `kehu` sets itself is what is tested.
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "GX_", "DO_NOT_"))}
    path = os.pathsep.join([str(tmp_path / "hooks"), *filter(None, [os.environ.get("PYTHONPATH")])])
    places = {"PYTHONPATH": path, "WATCHED": str(tmp_path / "watched"), "HOME": str(tmp_path)}
    return plain | places | {"PREFECT_HOME": str(tmp_path / "prefect")}


def _run(company: Company, before: list[str], environment: dict[str, str], *more: str) -> dict[str, Any]:
    company.export("客户_20240331.csv", [{"客户编码": f"K{n:03}", "客户名称": f"客户{n}"} for n in range(12)])
    company.export("发票_20240331.csv", invoice_lines())
    kehu = str(Path(sys.executable).with_name("kehu"))
    places = ["--project", str(company.project), "--home", str(company.home), "--exports", str(company.exports)]
    docs = ["--data-docs", str(company.root / "docs")]
    command = [*before, kehu, "run", "--source", "tiny", "--as-of", "2024-03-31", "--json", *places, *docs, *more]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=company.root, timeout=300)
    assert done.returncode == 0, done.stderr
    assert set(Path(environment["WATCHED"]).read_text().splitlines()) == {"watching"}
    if not more:
        assert done.stderr == ""
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def test_the_namespace_has_no_network(no_network: list[str], environment: dict[str, str]) -> None:
    """The other tests prove something: out there nobody is reached, and who tries is written down."""
    done = subprocess.run(
        [*no_network, sys.executable, "-c", CONNECTS], capture_output=True, text=True, env=environment
    )
    assert "OSError: [Errno 101]" in done.stderr
    assert Path(environment["WATCHED"]).read_text().splitlines()[1:] == [
        "socket.getaddrinfo 192.0.2.1", "socket.connect 192.0.2.1",
    ]  # fmt: skip


def test_a_night_needs_no_network(company: Company, no_network: list[str], environment: dict[str, str]) -> None:
    """With the gate and its Data Docs."""
    summary = _run(company, no_network, environment)
    assert (summary["status"], summary["gate"], len(summary["published"])) == ("published", "open", 8)
    assert Path(summary["page"]).is_file(), "its charts are drawn without a network too"
    assert (company.root / "docs" / "index.html").is_file()


def test_a_night_asks_for_no_network(company: Company, environment: dict[str, str]) -> None:
    assert _run(company, [], environment)["status"] == "published"


@pytest.mark.slow
def test_a_night_under_prefect_needs_no_network(
    company: Company, no_network: list[str], environment: dict[str, str]
) -> None:
    """The temporary server and its services too."""
    before = [*no_network, sys.executable, "-c", LOOPBACK_UP]
    assert _run(company, before, environment, "--prefect")["status"] == "published"
    processes = Path(environment["WATCHED"]).read_text().splitlines()
    assert len(processes) > 2, "the wrapper, ours and at least the server's"
