"""Imports go one way: `config` ← `schemas` ← `warehouse` ← `tasks` ← `flows`; heavy libraries only where used.

The modules are parsed, not imported, so an import inside a function or under `TYPE_CHECKING` counts as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parent.parent

MAY_IMPORT = {
    "config": {"config"},
    "schemas": {"config", "schemas"},
    "warehouse": {"config", "schemas", "warehouse"},
    "tasks": {"config", "schemas", "warehouse", "tasks"},
    "flows": {"config", "schemas", "warehouse", "tasks", "flows"},
}
"""The folders each folder may import from."""

NOT_AT_MODULE_LEVEL = {"altair", "great_expectations", "jinja2", "pandas", "prefect", "vl_convert"}
"""They cost seconds to import: whoever needs them imports them in the function that does."""

PREFECT_AT_MODULE_LEVEL = {"kehu.flows.nightly"}
"""The deployment's entry point is a decorated function, so this one module needs Prefect when it is loaded.

In return nothing may import it at module level.
"""


@dataclass(frozen=True)
class Import:
    """One imported module: where, what, and whether loading the importing module already loads it."""

    importer: str
    line: int
    imported: str
    is_at_module_level: bool

    @property
    def place(self) -> str:
        """Where the import stands, as a failing test shows it."""
        return f"{self.importer}:{self.line} imports {self.imported}"


def module_paths(root: Path) -> dict[str, Path]:
    """Every module of the five folders by its import name; the package itself counts as its `__init__`."""
    found = {"kehu": root / "src" / "kehu" / "__init__.py"}
    for folder in MAY_IMPORT:
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(("kehu", *(part for part in parts if part != "__init__")))] = path
    return found


def imports_of(module: str, source: str, *, is_package: bool = False) -> Iterator[Import]:
    """Every import a module makes, wherever it stands; relative ones and `import_module("…")` resolved."""
    tree = ast.parse(source)
    package = module if is_package else module.rpartition(".")[0]
    for node, at_module_level in _walk(tree, at_module_level=True):
        for imported in _imported(node, package):
            yield Import(module, node.lineno, imported, at_module_level)


def _walk(node: ast.AST, *, at_module_level: bool) -> Iterator[tuple[ast.stmt | ast.expr, bool]]:
    for child in ast.iter_child_nodes(node):
        is_deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        )
        if isinstance(child, ast.stmt | ast.expr):
            yield child, at_module_level
        yield from _walk(child, at_module_level=at_module_level and not is_deferred)


def _imported(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, *([base] if base else [])])
        # `from kehu import tasks` names a folder, `from kehu.tasks import abc` a module, `from x import name` a name:
        # for all three the longer form is kept, since only its beginning is judged.
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {"import_module", "__import__"}:
        return [_beginning_of_text(node.args[0])] if node.args else []
    return []


def _beginning_of_text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0] if isinstance(node.values[0], ast.Constant) else node
    return node.value.rstrip(".") if isinstance(node, ast.Constant) and isinstance(node.value, str) else "<computed>"


def misdirected(found: Import) -> bool:
    """Whether an import goes against the direction, or reaches one of the folders by another name than `kehu.…`."""
    parts = found.imported.split(".")
    if parts[0] in MAY_IMPORT or parts[0] in {"src", "<computed>"}:
        return True
    if parts[0] != "kehu" or len(parts) == 1 or parts[1] not in MAY_IMPORT:
        return False
    importer = found.importer.split(".")
    return parts[1] not in (MAY_IMPORT[importer[1]] if len(importer) > 1 else set())


MODULES = module_paths(PROJECT_ROOT)
IMPORTS = [
    found
    for module, path in MODULES.items()
    for found in imports_of(module, path.read_text(encoding="utf-8"), is_package=path.name == "__init__.py")
]


def test_imports_go_one_way() -> None:
    assert [found.place for found in IMPORTS if misdirected(found)] == []


def test_prefect_is_met_in_flows_only() -> None:
    outside = [
        found.place
        for found in IMPORTS
        if found.imported.split(".")[0] == "prefect" and not found.importer.startswith("kehu.flows.")
    ]
    assert outside == []


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    heavy = [
        found.place
        for found in IMPORTS
        if found.is_at_module_level
        and found.imported.split(".")[0] in NOT_AT_MODULE_LEVEL
        and not (found.importer in PREFECT_AT_MODULE_LEVEL and found.imported.startswith("prefect"))
    ]
    assert heavy == []


def test_a_module_that_loads_prefect_is_not_loaded_by_others() -> None:
    loading = [
        found.place
        for found in IMPORTS
        if found.is_at_module_level
        and any(f"{found.imported}.".startswith(f"{module}.") for module in PREFECT_AT_MODULE_LEVEL)
    ]
    assert loading == []


def test_no_module_loads_itself_through_others() -> None:
    loads = {
        module: {
            name
            for found in IMPORTS
            if found.importer == module and found.is_at_module_level
            for name in (found.imported, found.imported.rpartition(".")[0])
            if name in MODULES and name != module
        }
        for module in MODULES
    }
    # Packages hold nothing but a docstring: loading `kehu.tasks.abc` through `kehu.tasks` closes no circle.
    loads = {module: names - {"kehu", *(f"kehu.{folder}" for folder in MAY_IMPORT)} for module, names in loads.items()}
    while light := {module for module, names in loads.items() if not names}:
        loads = {module: names - light for module, names in loads.items() if module not in light}
    assert loads == {}


def test_nobody_bends_the_search_path() -> None:
    bent = [
        f"{module}:{node.lineno}"
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.path", "sys.meta_path", "site.addsitedir"})
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "sys"
            and any(alias.name == "path" for alias in node.names)
        )
    ]
    assert bent == []


def test_every_module_says_what_it_may_import() -> None:
    silent = [
        module
        for module, path in MODULES.items()
        if module != "kehu"
        and "import" not in (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").lower()
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("importer", "line", "is_wrong"),
    [
        ("kehu.schemas.fields", "from kehu.config.errors import KehuError", False),
        ("kehu.schemas.fields", "from kehu.warehouse import lock", True),
        ("kehu.schemas.fields", "from kehu import warehouse", True),
        ("kehu.schemas.fields", "from ..warehouse.lock import held", True),
        ("kehu.schemas.fields", "from .types import TEXT", False),
        ("kehu.schemas.fields", "from . import types", False),
        ("kehu.config.settings", "def late():\n    import kehu.schemas.fields", True),
        ("kehu.warehouse.publish", "import importlib\nimportlib.import_module('kehu.tasks.abc')", True),
        ("kehu.flows.cli", "from importlib import import_module\nimport_module(f'kehu.flows.{1}')", False),
        ("kehu.flows.cli", "from importlib import import_module\nimport_module(name)", True),
        ("kehu.tasks.abc", "from schemas import fields", True),
        ("kehu.tasks.abc", "from kehu.flows import cli", True),
        ("kehu.tasks.abc", "import ibis", False),
        ("kehu", "from kehu.flows import cli", True),
    ],
)
def test_the_direction_is_recognised(importer: str, line: str, is_wrong: bool) -> None:
    assert any(misdirected(found) for found in imports_of(importer, line, is_package=importer == "kehu")) is is_wrong


@pytest.mark.parametrize(
    ("line", "is_at_module_level"),
    [
        ("import pandas as pd", True),
        ("try:\n    import pandas\nexcept ImportError:\n    raise", True),
        ("class Frame:\n    import pandas", True),
        ("def frame():\n    import pandas", False),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas", False),
    ],
)
def test_the_place_of_an_import_is_recognised(line: str, is_at_module_level: bool) -> None:
    places = [found.is_at_module_level for found in imports_of("kehu.tasks.abc", line) if found.imported == "pandas"]
    assert places == [is_at_module_level]
