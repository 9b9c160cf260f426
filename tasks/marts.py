"""The marts of a run: which there are, what each needs, and how they are put together from the facts.

May import: `config`, `schemas`, other modules of `tasks`. Reads like the order of work: entities as of the day,
customers, sales facts, ABC, summary; `tasks/build.py` executes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from kehu.config.errors import UsageError
from kehu.config.policy import Policy, PolicyBlank, PolicyBook
from kehu.schemas import tables
from kehu.schemas.model import Table
from kehu.schemas.rendering import arrow_schema
from kehu.tasks.abc import AbcRules, abc_customer, abc_indicator, customer_values, sales_in_window, scored_customers
from kehu.tasks.build import BuiltMart, build_mart, by_contract, fetch, hold
from kehu.tasks.concentration import abc_summary
from kehu.tasks.core import (
    ALIAS_COLUMNS,
    IS_DESCRIBED,
    SalesRules,
    entity_as_of,
    final_customers,
    merges_table,
    sales_documents,
    sales_facts,
)
from kehu.tasks.dim_customer import dim_customer
from kehu.tasks.in_force import ConformedFile, files_in_force

if TYPE_CHECKING:
    import duckdb

GROUPS: Mapping[str, tuple[str, ...]] = {
    "abc": ("mart_abc_customer", "mart_abc_indicator", "mart_abc_summary"),
}
"""Names that stand for several marts."""

BUILT_FROM: Mapping[str, tuple[str, ...]] = {
    "dim_customer": (),
    "mart_abc_indicator": ("dim_customer",),
    "mart_abc_customer": ("mart_abc_indicator",),
    "mart_abc_summary": ("mart_abc_indicator",),
}
"""Which marts a mart is made from: who asks for one gets all that depend on it, so that official marts agree."""


@dataclass(frozen=True)
class SkippedMart:
    """A mart that was not built, and why: `policy_blank: key`, `missing_entity: name`, `no_sales_lines: basis`."""

    name: str
    reason: str


@dataclass(frozen=True)
class MartInputs:
    """What the marts of a run are computed from.

    Attributes:
        files: conformed files of all known deliveries (later ones than `known_at` are left out here).
        home: folder their directories are relative to.
        scratch: folder for the built Parquet files.
        policy: the policy in force.
        as_of: the day judged.
        known_at: deliveries up to this day may be used.
        run_id: the run.
        reporting_currency: currency of all amounts.
        basis_by_system: document type that counts, for systems whose mapping says so.
    """

    files: Sequence[ConformedFile]
    home: Path
    scratch: Path
    policy: Policy
    as_of: date
    known_at: date
    run_id: str
    reporting_currency: str
    basis_by_system: Mapping[str, str]


def marts_named(names: Sequence[str]) -> tuple[str, ...]:
    """The marts to build for these names: marts (with or without `mart_`), groups, and all that depends on them.

    No name means all. In the order in which they are published.

    Raises:
        UsageError: no mart or group of that name (code `unknown_mart`).
    """
    wanted: set[str] = set()
    for name in names:
        found = GROUPS.get(name) or tuple(mart for mart in BUILT_FROM if mart in (name, f"mart_{name}"))
        if not found:
            raise UsageError(
                f"There is no mart named {name}.",
                code="unknown_mart",
                details=[f"marts: {', '.join(BUILT_FROM)}", f"groups: {', '.join(GROUPS)}"],
            )
        wanted.update(found)
    for mart, origins in BUILT_FROM.items():
        if wanted.intersection(origins):
            wanted.add(mart)
    return tuple(table.name for table in tables.MARTS if not names or table.name in wanted)


def build_marts(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], inputs: MartInputs
) -> tuple[BuiltMart | SkippedMart, ...]:
    """Build the named marts, or say why one is not built; nothing is published.

    A mart is skipped where an entity it needs was never delivered, where a policy value it reads is blank, or where no
    sales line of the basis is known: missing input is not zero.

    Raises:
        InputError: merged customers go round in a circle.
        ContractBroken: a mart does not keep its contract.
    """
    backend = ibis.duckdb.from_connection(connection)
    delivered = {file.entity for file in files_in_force(inputs.files, inputs.known_at)}
    with ExitStack() as held:
        workshop = _Workshop(backend, inputs, held)
        return tuple(_built_or_skipped(workshop, tables.table_named(name), delivered) for name in names)


def _built_or_skipped(workshop: _Workshop, table: Table, delivered: set[str]) -> BuiltMart | SkippedMart:
    for entity in table.needs:
        if entity not in delivered:
            return SkippedMart(table.name, f"missing_entity: {entity}")
    try:
        expression = _MAKERS[table.name](workshop)
    except PolicyBlank as blank:
        return SkippedMart(table.name, f"policy_blank: {blank.key}")
    except _NoSalesLines as none:
        return SkippedMart(table.name, f"no_sales_lines: {none}")
    inputs = workshop.inputs
    return build_mart(workshop.backend, table, expression, inputs.scratch, as_of=inputs.as_of, run_id=inputs.run_id)


class _NoSalesLines(Exception):
    """No line of the document type that counts is known."""


class _Workshop:
    """Puts the expressions together; what several marts need is computed once and kept until the end."""

    def __init__(self, backend: Backend, inputs: MartInputs, held: ExitStack) -> None:
        self.backend = backend
        self.inputs = inputs
        self._held = held
        self._made: dict[str, ir.Table] = {}

    def customers(self) -> ir.Table:
        return self._once("customers", self._customers)

    def indicator(self) -> ir.Table:
        return self._once("indicator", self._indicator)

    def abc_customer(self) -> ir.Table:
        return abc_customer(self._values(), self.indicator(), scored_party=self._sales_rules.scored_party)

    def abc_summary(self) -> ir.Table:
        return abc_summary(self.indicator(), self._abc_rules, as_of=self.inputs.as_of)

    def _customers(self) -> ir.Table:
        master = self._rows_of(tables.CUSTOMER)
        return dim_customer(self._documents(), master, self._merges(), self._sales_rules, as_of=self.inputs.as_of)

    def _indicator(self) -> ir.Table:
        return abc_indicator(self._values(), self._abc_rules, as_of=self.inputs.as_of)

    def _values(self) -> ir.Table:
        return self._once("values", self._customer_values)

    def _customer_values(self) -> ir.Table:
        sales = self._once("sales", self._sales_in_window)
        if not self._has_rows(sales):
            raise _NoSalesLines(self._sales_rules.basis)
        return customer_values(scored_customers(self.customers(), sales), sales)

    def _sales_in_window(self) -> ir.Table:
        facts = sales_facts(self._documents(), self.customers(), self._sales_rules)
        return sales_in_window(facts, self._abc_rules, as_of=self.inputs.as_of)

    def _documents(self) -> ir.Table:
        return sales_documents(self._rows_of(tables.SALES_LINE), self._merges())

    def _merges(self) -> ir.Table:
        return self._once("merges", self._final_merges)

    def _final_merges(self) -> ir.Table:
        said = fetch(self.backend, self._rows_of(tables.CUSTOMER_ALIAS).select(*ALIAS_COLUMNS))
        return merges_table(final_customers(zip(*(said[name].to_pylist() for name in ALIAS_COLUMNS), strict=True)))

    def _rows_of(self, table: Table) -> ir.Table:
        inputs = self.inputs
        return entity_as_of(
            self.backend, table, inputs.files, home=inputs.home, as_of=inputs.as_of, known_at=inputs.known_at
        )

    @cached_property
    def _sales_rules(self) -> SalesRules:
        return SalesRules.from_policy(
            self.inputs.policy,
            reporting_currency=self.inputs.reporting_currency,
            basis_by_system=self.inputs.basis_by_system,
        )

    @cached_property
    def _abc_rules(self) -> AbcRules:
        return AbcRules.from_policy(self.inputs.policy)

    def _has_rows(self, rows: ir.Table) -> bool:
        return bool(fetch(self.backend, rows.limit(1)).num_rows)

    def _once(self, name: str, make: Callable[[], ir.Table]) -> ir.Table:
        if name not in self._made:
            self._made[name] = self._held.enter_context(hold(self.backend, f"kehu_{name}", make()))
        return self._made[name]


_MAKERS: Mapping[str, Callable[[_Workshop], ir.Table]] = {
    "dim_customer": _Workshop.customers,
    "mart_abc_customer": _Workshop.abc_customer,
    "mart_abc_indicator": _Workshop.indicator,
    "mart_abc_summary": _Workshop.abc_summary,
}


# --- the same as text, for `kehu sql` ---------------------------------------------------------------------------------

EXAMPLE_DAY = date(2024, 12, 31)
"""The judged day of the statements shown: windows need one."""


def mart_sql(policy: Policy | None = None, as_of: date = EXAMPLE_DAY) -> dict[str, str]:
    """The statements by which each mart is built, by name of the mart: interim results first, then the mart.

    Nothing is run. Entities as of the day stand under their names, merged customers as `kehu_merges`, interim results
    as `kehu_<name>`. Amounts are rounded and columns cast as published.

    Args:
        policy: the policy in force; None means the shipped one.
        as_of: the day judged.
    """
    policy = policy or PolicyBook.load(None).on(as_of, {})
    return {name: _statements(name, policy, as_of) for name in marts_named(())}


def _statements(name: str, policy: Policy, as_of: date) -> str:
    drawing = _Drawing(policy, as_of)
    expression = by_contract(tables.table_named(name), _MAKERS[name](drawing), as_of=as_of, run_id=":run_id")
    steps = [*drawing.statements.items(), (name, str(ibis.to_sql(expression, dialect="duckdb")))]
    head = f"-- {name}: as of {as_of} with the policy in force on that day"
    return "\n\n".join([head, *(f"-- {step}\n{statement};" for step, statement in steps)]) + "\n"


class _Drawing(_Workshop):
    """A workshop that builds nothing: it writes down the statement of each interim result."""

    def __init__(self, policy: Policy, as_of: date) -> None:
        nowhere = Path()
        inputs = MartInputs((), nowhere, nowhere, policy, as_of, as_of, ":run_id", "CNY", {})
        super().__init__(ibis.duckdb.connect(), inputs, ExitStack())
        self.statements: dict[str, str] = {}

    def _rows_of(self, table: Table) -> ir.Table:
        columns = dict(ibis.Schema.from_pyarrow(arrow_schema(table)))
        return ibis.table(columns if table.event_date else {**columns, IS_DESCRIBED: "boolean"}, name=table.name)

    def _merges(self) -> ir.Table:
        return ibis.table(merges_table({}).schema(), name="kehu_merges")

    def _has_rows(self, rows: ir.Table) -> bool:
        return True

    def _once(self, name: str, make: Callable[[], ir.Table]) -> ir.Table:
        if name not in self._made:
            expression = make()
            self.statements[f"kehu_{name}"] = str(ibis.to_sql(expression, dialect="duckdb"))
            self._made[name] = ibis.table(expression.schema(), name=f"kehu_{name}")
        return self._made[name]
