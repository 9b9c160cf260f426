"""docs/errors.md says what is true: every code stands there, and what is marked tested is, with that exit code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kehu.config import errors

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("config", "schemas", "warehouse", "tasks", "flows")
ROW = re.compile(r"\| `(?P<code>[a-z_]+)` \|.*\| (?P<mark>(tested )?)\|")
UNREACHABLE = {"not_checkpointed", "records_miscounted", "unreadable_file"}
"""Guards against our own or the engine's mistakes, which no test can bring about."""


def page() -> Iterator[tuple[int, str, bool]]:
    """(exit code of the section, code, is it marked tested) of every row."""
    exit_code = 0
    for line in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## (\d+) ·", line):
            exit_code = int(heading[1])
        elif row := ROW.fullmatch(line):
            yield exit_code, row["code"], bool(row["mark"])


def asserted() -> set[tuple[int, str]]:
    """(exit code, code) of every `refused(…)` in the tests of the command line, parametrized ones included."""
    found: set[tuple[int, str]] = set()
    for folder in ("broken", "flows"):
        for path in sorted((ROOT / "tests" / folder).glob("test_*.py")):
            for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(function, ast.FunctionDef):
                    found |= set(_asserted_in(function))
    return found


def _asserted_in(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    parametrized = [
        node.value
        for decorator in function.decorator_list
        for node in ast.walk(decorator)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) == "refused":
            exit_code, code = call.args[0], call.args[1]
            if isinstance(exit_code, ast.Constant):
                codes = [str(code.value)] if isinstance(code, ast.Constant) else parametrized
                yield from ((int(str(exit_code.value)), known) for known in codes)


def raised() -> set[str]:
    """Every code that stands in the source."""
    text = "\n".join(path.read_text(encoding="utf-8") for folder in FOLDERS for path in (ROOT / folder).glob("*.py"))
    found = set(re.findall(r'\bcode(?:: str)? ?= ?"(?!kehu_)([a-z_]+)"', text))
    return found | set(re.findall(r'"code": "(?!kehu_)([a-z_]+)"', text))


def test_every_code_stands_on_the_page_once() -> None:
    codes = [code for _, code, _ in page()]
    assert sorted(codes) == sorted(raised())


def test_what_is_marked_tested_is() -> None:
    tested = asserted()
    marked = {(exit_code, code) for exit_code, code, is_tested in page() if is_tested}
    assert marked - tested == set()
    documented = {code for _, code, _ in page()}
    also = {(10, "unknown_mart"), (10, "wrong_encoding")}  # the page names the second exit code in words
    assert {pair for pair in tested if pair[1] in documented} - marked <= also


def test_what_is_not_marked_is_tested_elsewhere() -> None:
    texts = [
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py") if path.parent.name != "broken"
    ]
    left = {code for _, code, is_tested in page() if not is_tested} - UNREACHABLE
    assert {code for code in left if not any(f'"{code}"' in text for text in texts)} == set()


@pytest.mark.parametrize("name", [name for name in dir(errors) if name.startswith("EXIT_")])
def test_every_exit_code_has_a_section(name: str) -> None:
    assert f"\n## {getattr(errors, name)} ·" in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
