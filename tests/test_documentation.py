"""Which docstrings must exist.

The rule: every module has one, and every public class, function and method of the five folders. Public means: no
leading underscore in its name or in the name of what contains it, and not local to a function. A method needs none of
its own where its meaning is stated once: where the docstring of its class, or of another class or protocol of the same
module, names it in backticks or in its list of attributes. Overloads share the docstring of their implementation, and
what has `...` for a body (a protocol's member) is a declaration, for which its class speaks. Private helpers are named
well and left alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("config", "schemas", "warehouse", "tasks", "flows", "src/kehu")

Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def undocumented(source: str) -> list[str]:
    """The public things of a module that lack a docstring, as `name:line`; the module itself as `module`."""
    tree = ast.parse(source)
    stated = [ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.ClassDef)]
    missing = [] if ast.get_docstring(tree) else ["module"]
    for name, node, is_method in _public(tree):
        names_it = re.compile(rf"`{node.name}`|^\s*{node.name}: ", flags=re.MULTILINE)
        is_stated_once = is_method and any(names_it.search(docstring) for docstring in stated)
        if not ast.get_docstring(node) and not is_stated_once and not _is_declaration(node):
            missing.append(f"{name}:{node.lineno}")
    return missing


def _public(parent: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, Documented, bool]]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield prefix + node.name, node, isinstance(parent, ast.ClassDef) and not isinstance(node, ast.ClassDef)
            if isinstance(node, ast.ClassDef):
                yield from _public(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.If | ast.Try):
            yield from _public(ast.Module(body=node.body, type_ignores=[]), prefix)


def _is_declaration(node: Documented) -> bool:
    return len(node.body) == 1 and ast.unparse(node.body[0]) == "..."


def test_everything_public_is_documented() -> None:
    paths = [path for folder in FOLDERS for path in sorted((PROJECT_ROOT / folder).glob("**/*.py"))]
    found = {str(path.relative_to(PROJECT_ROOT)): undocumented(path.read_text(encoding="utf-8")) for path in paths}
    assert {path: names for path, names in found.items() if names} == {}


MODULE = '"""Module."""\n'
RULE = "class Rule:\n    'A rule.'\n"
CHECK = "    def check(self): return 1\n"


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("", ["module"]),
        (MODULE, []),
        (MODULE + "def score(): return 1", ["score:2"]),
        (MODULE + "def score():\n    'Says something.'", []),
        (MODULE + "def _helper(): return 1", []),
        (MODULE + "class _Private:\n" + CHECK, []),
        (MODULE + "class Rule:\n" + CHECK, ["Rule:2", "Rule.check:3"]),
        (MODULE + RULE + CHECK, ["Rule.check:4"]),
        (MODULE + RULE + "    def __len__(self): return 1", []),
        (MODULE + RULE + "    def check(self): ...", []),
        (MODULE + "class Rule:\n    'A rule; `check` runs it.'\n" + CHECK, []),
        (MODULE + "class Rule:\n    '''A rule.\n\n    Attributes:\n        check: runs it.\n    '''\n" + CHECK, []),
        (MODULE + "class Rules(Protocol):\n    'What rules offer: `check`.'\n" + RULE + CHECK, []),
        (MODULE + "def outer():\n    'Yes.'\n    def inner(): return 1", []),
        (MODULE + "if True:\n    def score(): return 1", ["score:3"]),
        (MODULE + "@overload\ndef score(): ...", []),
    ],
)
def test_the_rule_itself(source: str, missing: list[str]) -> None:
    assert undocumented(source) == missing
