"""Measures per class (ABC-8): the policy in force as a table, and whether customers are visited as their class asks.

May import: `config`, `schemas`, `tasks.abc_periods`, `tasks.core`, `tasks.exact`, `tasks.facts`. Tables in, table out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from kehu.config.policy_records import Record
from kehu.schemas import fields as f
from kehu.schemas import tables
from kehu.tasks import exact
from kehu.tasks.abc_periods import window_start
from kehu.tasks.core import with_merges
from kehu.tasks.facts import Facts, Mart

ANY_STABILITY = "any"
"""What stands as stability in a measure for all of a class that have none of their own."""

MONTHS = 3
"""Months of the window: visits due are stated by the quarter."""

UNSTATED_MODE = "visit"
"""What a visit record without mode is."""

_KEYS = (f.source.name, f.company_id.name)
_CUSTOMER = (*_KEYS, f.customer_id.name)
_JUDGED = (*_CUSTOMER, f.tax_basis.name, f.abc_class.name, f.stability_class.name, f.class_since_date.name)


_MEASURE = (
    f.abc_class.name, f.policy_stability.name, f.visits_per_quarter.name, f.owner_level.name,
    f.credit_review_months.name, f.service_level.name, f.measure_zh.name, f.measure_en.name,
)  # fmt: skip
_NUMBERS = (f.visits_per_quarter.name, f.credit_review_months.name)


def class_policy(measures: Sequence[Record], *, in_force_since: date) -> ir.Table:
    """The measures in force, one row per class and stability.

    Args:
        measures: the records of policy `measures.by_class`.
        in_force_since: first day on which they hold.

    Shape: columns of the contract `dim_class_policy` without `as_of` and `run_id`; the policy's `stability_class`
    stands as `policy_stability`; what a record leaves out is null.
    """
    rows = [ibis.struct({name: _cell(record, name) for name in _MEASURE}) for record in measures]
    table = ibis.array(rows).unnest().name("measure").as_table().unpack("measure")
    return table.mutate(**{f.policy_from_date.name: ibis.literal(in_force_since)})


def abc_compliance(
    classes: ir.Table,
    measures: ir.Table,
    visits: ir.Table,
    customers: ir.Table,
    merges: ir.Table,
    *,
    modes: Sequence[str],
    as_of: date,
) -> ir.Table:
    """Visits done against visits due in the three months up to `as_of`, for every customer with a class.

    Rule: due is what the measure for the class and stability says, else the one for the class and any stability; done
    are the visit records of a counted mode, dated in the window, to the customer or to any account scored under it,
    former codes included; several on one day are several. `visit_compliance` = done ÷ due.

    Args:
        classes: rows of `mart_abc_customer`.
        measures: rows of `dim_class_policy`.
        visits: the entity `visit` as of the day.
        customers: rows of `dim_customer`: which account is scored under whom.
        merges: former customer codes, see `core.merges_table`.
        modes: the modes counted (policy `measures.visit_modes`); a record without mode is a visit.
        as_of: the day judged.

    Units and shape: one row per source, company, customer and tax basis with a class; columns of the contract
    `mart_abc_compliance` without `as_of` and `run_id`.

    Edges: no measure for the class leaves `visits_due` and the verdicts null; where none is due, rate and verdict are
    null too. A source and company without any visit record up to as_of does not record visits: then `visits_done` is
    null, not zero. The last visit may lie before the window.
    """
    visits = visits.filter(visits[f.visit_date.name] <= ibis.literal(as_of))
    rows = _with_due(classes.filter(classes[f.abc_class.name].notnull()).select(*_JUDGED), measures)
    rows = _with_done(rows, visits, _by_party(visits, customers, merges, modes, as_of=as_of))
    due, done = rows[f.visits_due.name], rows[f.visits_done.name]
    return rows.select(
        *_JUDGED,
        f.policy_stability.name,
        f.visits_due.name,
        f.visits_done.name,
        f.last_visit_date.name,
        window_start_date=_window_start(as_of),
        window_end_date=ibis.literal(as_of),
        visit_compliance=exact.ratio(done, due),
        is_compliant=ibis.ifelse(due > 0, done >= due, ibis.null("boolean")),
    )


def _with_due(rows: ir.Table, measures: ir.Table) -> ir.Table:
    """The rows with `policy_stability` and `visits_due` of the measure that applies; null without one."""
    stability, number = measures[f.policy_stability.name], measures[f.visits_per_quarter.name]
    own = measures.filter(stability != ANY_STABILITY).select(
        f.abc_class.name, stability_class=stability, own_stability=stability, own_due=number
    )
    others = measures.filter(stability == ANY_STABILITY).select(
        f.abc_class.name, any_stability=stability, any_due=number
    )
    joined = rows.left_join(own, [f.abc_class.name, f.stability_class.name], rname="own_{name}")
    joined = joined.left_join(others, f.abc_class.name, rname="any_{name}")
    return joined.select(
        *rows.columns,
        policy_stability=ibis.coalesce(joined["own_stability"], joined["any_stability"]),
        visits_due=ibis.coalesce(joined["own_due"], joined["any_due"]),
    )


def _with_done(rows: ir.Table, visits: ir.Table, by_party: ir.Table) -> ir.Table:
    """The rows with `visits_done` and `last_visit_date`; zero visits only where the company's visits are recorded."""
    recording = visits.select(*_KEYS).distinct().mutate(records_visits=ibis.literal(True))
    joined = rows.left_join(recording, _KEYS, rname="recording_{name}")
    joined = joined.left_join(by_party, _CUSTOMER, rname="party_{name}")
    none = ibis.ifelse(joined["records_visits"].fill_null(False), 0, ibis.null("int64"))
    return joined.select(
        *rows.columns, f.last_visit_date.name, visits_done=ibis.coalesce(joined["visits_in_window"], none)
    )


def _by_party(
    visits: ir.Table, customers: ir.Table, merges: ir.Table, modes: Sequence[str], *, as_of: date
) -> ir.Table:
    """Counted visits of each scored customer that has any: number in the window, and the last day."""
    counted = visits.filter(visits[f.visit_mode.name].fill_null(UNSTATED_MODE).isin(sorted(modes)))
    counted = with_merges(counted.select(*_CUSTOMER, f.visit_date.name), merges, f.customer_id.name)
    parties = customers.select(*_CUSTOMER, party_id=customers[f.scored_customer_id.name])
    joined = counted.left_join(parties, _CUSTOMER, rname="account_{name}")
    joined = joined.select(
        *_KEYS,
        f.visit_date.name,
        customer_id=ibis.coalesce(joined["party_id"], joined[f.customer_id.name]),
    )
    is_in_window = joined[f.visit_date.name] >= _window_start(as_of)
    return joined.group_by(list(_CUSTOMER)).aggregate(
        visits_in_window=joined.count(where=is_in_window), last_visit_date=joined[f.visit_date.name].max()
    )


def _window_start(as_of: date) -> ir.DateScalar:
    return ibis.literal(window_start(as_of, MONTHS), "date")


def _cell(record: Record, column: str) -> ir.Scalar:
    cell = record[f.stability_class.name if column == f.policy_stability.name else column]
    type_ = "int64" if column in _NUMBERS else "string"
    return ibis.null(type_) if cell is None else ibis.literal(cell, type_)


# --- the marts --------------------------------------------------------------------------------------------------------


def _policy_of_facts(facts: Facts) -> ir.Table:
    key = "measures.by_class"
    return class_policy(facts.policy.value(key), in_force_since=facts.policy.entry(key).from_date)


def _compliance_of_facts(facts: Facts) -> ir.Table:
    # The policy comes first: where it is blank, nothing is computed in vain.
    modes, measures = facts.policy.value("measures.visit_modes"), facts.mart(tables.DIM_CLASS_POLICY)
    return abc_compliance(
        facts.mart(tables.MART_ABC_CUSTOMER),
        measures,
        facts.entity(tables.VISIT),
        facts.mart(tables.DIM_CUSTOMER),
        facts.merges(),
        modes=modes,
        as_of=facts.as_of,
    )


MARTS = (
    Mart(tables.DIM_CLASS_POLICY, _policy_of_facts, group="abc"),
    Mart(
        tables.MART_ABC_COMPLIANCE,
        _compliance_of_facts,
        made_from=(tables.DIM_CUSTOMER, tables.DIM_CLASS_POLICY, tables.MART_ABC_CUSTOMER),
        group="abc",
    ),
)
