"""Keeps libraries from calling home and from writing on our terminal.

Imports nothing of ours and nothing heavy: it must run before Prefect and Great Expectations are imported.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Final

NOTHING_LEAVES_THE_MACHINE: Final = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
}
"""Switches of the libraries we use; DuckDB's are set on each connection."""


def send_nothing(environ: MutableMapping[str, str]) -> None:
    """Switch off analytics of every library we load; a value the user set himself stays."""
    for name, value in NOTHING_LEAVES_THE_MACHINE.items():
        environ.setdefault(name, value)
