"""Classes over time (ABC-6, R7): moves, confirmation and the migration matrix, from facts alone.

May import: `config`, `schemas`, `tasks.abc_facts`, `tasks.abc_periods`, `tasks.abc_rules`, `tasks.abc_values`,
`tasks.exact`, `tasks.facts`. Tables in, table out. No earlier run is read: the class of every period is worked out anew
from the facts known and the rules in force, so that it makes no difference which nights were run.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from kehu.schemas import codes, tables
from kehu.schemas import fields as f
from kehu.tasks import exact
from kehu.tasks.abc_facts import AbcFacts
from kehu.tasks.abc_periods import MONTH, PERIOD_COLUMNS, QUARTER, ROLLING, Period, periods_table, shown_count
from kehu.tasks.abc_rules import AbcRules
from kehu.tasks.abc_values import CUSTOMER
from kehu.tasks.facts import Facts, Mart

_PARTY = (*CUSTOMER, f.tax_basis.name)
_A_YEAR = {MONTH: 12, QUARTER: 4, ROLLING: 12}
"""How many periods of a type lie a year apart."""


def class_history(classes: ir.Table, periods: Sequence[Period], rules: AbcRules) -> ir.Table:
    """Each customer's class in each period, against the period before.

    Args:
        classes: one row per customer, tax basis and period the customer is ranked in, with `abc_class`, `abc_rank`,
            `abc_score`.
        periods: the periods they were computed for, see `periods_until`.
        rules: policy values.

    Rule: `move` compares with the period before of the same type; `periods_in_class` counts the same class among the
    last `abc.confirm_periods` periods, this one included; `is_confirmed` where that reaches `abc.confirm_needed`;
    `class_since_date` is the end of the oldest period of the unbroken run; `abc_class_year_ago` the class twelve months
    (four quarters, twelve windows) before.

    Units and shape: one row per customer, tax basis and period shown in which, or in the one before, the customer is
    ranked; columns of the contract `mart_abc_history` without `as_of` and `run_id`, and `period_age` (0 = newest).

    Edges: no class now: not confirmed, no run; not ranked in either period: no row.

    Policy: `abc.confirm_periods`, `abc.confirm_needed`, `abc.history_months`, `abc.history_quarters`,
    `abc.history_rolling`.

    Source: ABC-6; ruling R7.
    """
    rows = _every_period(classes, periods)
    in_order = ibis.window(group_by=[*_PARTY, "period_type"], order_by=[rows["period_age"].desc()])
    before = rows["abc_class"].lag(1).over(in_order)
    rows = rows.mutate(
        abc_class_prev=before,
        periods_in_class=_periods_in_class(rows["abc_class"], in_order, rules.confirm_periods),
        abc_class_year_ago=ibis.cases(
            *(
                (rows["period_type"] == kind, rows["abc_class"].lag(count).over(in_order))
                for kind, count in _A_YEAR.items()
            )
        ),
        is_new_run=ibis.ifelse(rows["abc_class"].fill_null("") == before.fill_null(""), 0, 1),
    )
    rows = _with_runs(rows, rules)
    shown = ibis.cases(*((rows["period_type"] == kind, shown_count(kind, rules)) for kind in _A_YEAR), else_=0)
    is_shown = (rows["period_age"] < shown) & (rows["abc_class"].notnull() | rows["abc_class_prev"].notnull())
    return rows.filter(is_shown).select(
        *_PARTY, *PERIOD_COLUMNS, "abc_class", "abc_rank", "abc_score", "abc_class_prev", "move", "periods_in_class",
        "is_confirmed", "class_since_date", "abc_class_year_ago",
    )  # fmt: skip


def _every_period(classes: ir.Table, periods: Sequence[Period]) -> ir.Table:
    """Everyone ever ranked in a type of period, once for each of its periods: what follows counts neighbours."""
    ranked = classes.select(*_PARTY, "period_type").distinct()
    rows = ranked.join(periods_table(periods), "period_type")
    rows = rows.select(*_PARTY, *PERIOD_COLUMNS)
    taken = ("abc_class", "abc_rank", "abc_score")
    one_period = [*_PARTY, "period_type", "period_age"]
    joined = rows.left_join(classes.select(*one_period, *taken), one_period, rname="again_{name}")
    return joined.select(*rows.columns, *taken)


def _periods_in_class(abc_class: ir.StringColumn, in_order: object, periods: int) -> ir.IntegerValue:
    same = ibis.ifelse(abc_class.notnull(), 1, 0)
    for back in range(1, periods):
        equal = abc_class == abc_class.lag(back).over(in_order)
        same = same + ibis.ifelse(equal.fill_null(False), 1, 0)
    return same


def _with_runs(rows: ir.Table, rules: AbcRules) -> ir.Table:
    so_far = ibis.cumulative_window(group_by=[*_PARTY, "period_type"], order_by=[rows["period_age"].desc()])
    rows = rows.mutate(run_number=exact.total(rows["is_new_run"]).over(so_far))
    run = ibis.window(group_by=[*_PARTY, "period_type", "run_number"])
    has_class = rows["abc_class"].notnull()
    return rows.mutate(
        move=_move(rows["abc_class_prev"], rows["abc_class"]),
        is_confirmed=has_class & (rows["periods_in_class"] >= rules.confirm_needed),
        class_since_date=ibis.ifelse(has_class, rows["period_end_date"].min().over(run), ibis.null("date")),
    )


def _move(before: ir.StringValue, now: ir.StringValue) -> ir.StringValue:
    """A comes before B before C, as letters do."""
    return ibis.cases(
        (before.isnull() & now.isnull(), ibis.null("string")),
        (before.isnull(), "entered"),
        (now.isnull(), "left"),
        (now < before, "up"),
        (now > before, "down"),
        else_="stable",
    )


def newest_rolling(history: ir.Table) -> ir.Table:
    """Of `class_history` the window that ends on the judged day: one row per customer and tax basis."""
    return history.filter(history["period_type"] == ROLLING, history["period_age"] == 0)


def migration(history: ir.Table) -> ir.Table:
    """How many customers moved from which class to which, in each period.

    Shape: one row per tax basis, period and pair of classes that occurs, `none` standing for no class; columns of the
    contract `mart_abc_migration` without `as_of` and `run_id`. `share_of_class_from` divides by all customers of the
    class before; of `none` by all who entered.

    Source: ABC-6.
    """
    none = codes.CLASS_OR_NONE.codes[-1]
    pairs = history.mutate(
        class_from=history["abc_class_prev"].fill_null(none), class_to=history["abc_class"].fill_null(none)
    )
    period = (f.tax_basis.name, *PERIOD_COLUMNS)
    counted = pairs.group_by([*period, "class_from", "class_to"]).aggregate(moved_customers=pairs.count())
    of_class = ibis.window(group_by=[*period, "class_from"])
    whole = exact.total(counted["moved_customers"]).over(of_class)
    return counted.mutate(share_of_class_from=exact.ratio(counted["moved_customers"], whole)).drop("period_age")


# --- the marts --------------------------------------------------------------------------------------------------------


def _history_of_facts(facts: Facts) -> ir.Table:
    abc = AbcFacts(facts)
    return class_history(abc.classes_of_periods(), abc.history_periods, abc.rules)


def _migration_of_facts(facts: Facts) -> ir.Table:
    return migration(facts.mart(tables.MART_ABC_HISTORY))


MARTS = (
    Mart(tables.MART_ABC_HISTORY, _history_of_facts, made_from=(tables.DIM_CUSTOMER,), group="abc"),
    Mart(tables.MART_ABC_MIGRATION, _migration_of_facts, made_from=(tables.MART_ABC_HISTORY,), group="abc"),
)
