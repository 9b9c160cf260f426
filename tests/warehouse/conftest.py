"""Make `tiny_nights` importable here: it is also run as a program, so it cannot be a fixture."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
