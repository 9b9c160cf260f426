"""The command line of a generated page: print it, check the committed one for drift, or write it anew.

May import: nothing of ours.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def run_page_command(
    module: str, page: Path, origin: str, render: Callable[[], str], arguments: Sequence[str] | None
) -> int:
    """Print, check (`--check`) or write (`--write`) a page under docs/.

    Args:
        module: the module that is run, e.g. `kehu.schemas.dictionary`.
        page: the committed page, in a checkout.
        origin: what it is generated from, e.g. `the contracts`.
        render: makes the page's text.
        arguments: command-line arguments; None = those of the process.

    Returns:
        1 where the committed page is absent or says something else than its origin, else 0.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=f"The page docs/{page.name}.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help=f"exit 1 if the committed page differs from {origin}")
    choice.add_argument("--write", action="store_true", help="write the page")
    asked = parser.parse_args(arguments)
    text = render()
    if asked.write:
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, encoding="utf-8")
    elif not asked.check:
        sys.stdout.write(text)
    elif not page.exists() or page.read_text(encoding="utf-8") != text:
        sys.stderr.write(f"docs/{page.name} differs from {origin}: run `python -m {module} --write`.\n")
        return 1
    return 0
