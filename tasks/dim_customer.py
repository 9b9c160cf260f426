"""Who the customers are on the judged day, and under whom each is scored.

May import: `config`, `schemas`, `tasks.core`, `tasks.facts`. Tables in, table out.
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from kehu.schemas import fields as f
from kehu.schemas import tables
from kehu.tasks.core import IS_DESCRIBED, SalesRules, with_merges
from kehu.tasks.facts import Facts, Mart

_KEYS = (f.source.name, f.company_id.name)
_CUSTOMER = (*_KEYS, f.customer_id.name)
_IS_MASTER = "is_in_master"


def dim_customer(
    documents: ir.Table, master: ir.Table, merges: ir.Table, rules: SalesRules, *, as_of: date
) -> ir.Table:
    """Everyone who is a customer on `as_of`, after merges, with the attributes that may be read on that day.

    Rule: whoever stands in the customer master on as_of, is named on a sales document dated up to as_of (as billed or
    as ship-to customer), or heads one of these. In the master stands who was delivered up to as_of; before the first
    delivery, or where the record says when it was created, whose record was not created after as_of.
    `scored_customer_id` is the customer itself (`party.scored: account`) or its head office, one level (`bill_to`).

    Units and shape: one row per source, company and customer; columns of the contract `dim_customer` without `as_of`
    and `run_id`.

    Edges: former codes stand under the code they count for and are counted in `merged_customers`; their own
    attributes are not taken over. A customer without current attributes says why in `attribute_reason`. First and
    last document are of documents in force, on the customer's own account.

    Policy: `party.scored`, `party.internal_customer_ids`.
    """
    parents = with_merges(master, merges, f.parent_customer_id.name)
    former = merges.select(*_KEYS, customer_id=merges[f.old_customer_id.name])
    described = parents.anti_join(former, _CUSTOMER)
    named = _documents_of_customers(documents)
    everyone = _everyone(described, named, as_of=as_of)
    joined = everyone.left_join(described, _CUSTOMER, rname="master_{name}").drop(
        *(f"master_{name}" for name in _CUSTOMER)
    )
    joined = joined.left_join(named, _CUSTOMER, rname="named_{name}")
    joined = joined.left_join(_merged_counts(merges), _CUSTOMER, rname="merged_{name}")
    return _columns(joined, described, rules)


def _documents_of_customers(documents: ir.Table) -> ir.Table:
    """Per customer named on a document: first and last day of those in force."""
    day = f.document_date.name
    sides = ("account_customer_id", f.ship_to_customer_id.name)
    in_force = documents["is_in_force"]
    days = documents.group_by([*_KEYS, *sides]).aggregate(
        first_day=documents[day].min(where=in_force), last_day=documents[day].max(where=in_force)
    )
    named = ibis.union(*(days.select(*_KEYS, "first_day", "last_day", customer_id=days[side]) for side in sides))
    return named.group_by(list(_CUSTOMER)).aggregate(
        first_document_date=named["first_day"].min(), last_document_date=named["last_day"].max()
    )


def _everyone(master: ir.Table, named: ir.Table, *, as_of: date) -> ir.Table:
    is_described = master[IS_DESCRIBED]
    # Before the first delivery of a source nobody could stand in its master: then who is known later counts.
    has_none = ~is_described.any().over(ibis.window(group_by=list(_KEYS)))
    created = master[f.created_date.name]
    is_in_master = (created <= ibis.literal(as_of)) | is_described | (created.isnull() & has_none)
    members = master.mutate(**{_IS_MASTER: is_in_master.fill_null(False)})
    members = members.filter(members[_IS_MASTER])
    accounts = ibis.union(members.select(*_CUSTOMER), named.select(*_CUSTOMER), distinct=True)
    heads = master.semi_join(accounts, _CUSTOMER)
    heads = heads.filter(heads[f.parent_customer_id.name].notnull())
    heads = heads.select(*_KEYS, customer_id=heads[f.parent_customer_id.name])
    return ibis.union(accounts, heads, distinct=True)


def _merged_counts(merges: ir.Table) -> ir.Table:
    by_final = merges.group_by([*_KEYS, "final_customer_id"]).aggregate(merged=merges.count())
    return by_final.select(*_KEYS, "merged", customer_id=by_final["final_customer_id"])


def _columns(rows: ir.Table, master: ir.Table, rules: SalesRules) -> ir.Table:
    code = rows[f.customer_id.name]
    is_listed = code.isin(sorted(rules.internal_customer_ids)) if rules.internal_customer_ids else ibis.literal(False)
    head = rows[f.parent_customer_id.name] if rules.scored_party == "bill_to" else ibis.null("string")
    reason = ibis.cases((rows[IS_DESCRIBED].isnull(), "not_delivered"), (~rows[IS_DESCRIBED], "snapshot_only"))
    attributes = (
        f.customer_name, f.short_name, f.uscc, f.customer_type, f.customer_status, f.industry, f.country, f.region,
        f.province, f.city, f.parent_customer_id, f.owner_id, f.owner_name, f.department, f.first_deal_date,
    )  # fmt: skip
    return rows.select(
        *_CUSTOMER,
        *(attribute.name for attribute in attributes),
        "first_document_date",
        "last_document_date",
        is_internal=(rows[f.customer_type.name] == "internal").fill_null(False) | is_listed,
        scored_customer_id=ibis.coalesce(head, code),
        merged_customers=rows["merged"].fill_null(0),
        attribute_reason=reason,
    )


# --- the mart ---------------------------------------------------------------------------------------------------------


def _of_facts(facts: Facts) -> ir.Table:
    master = facts.entity(tables.CUSTOMER)
    return dim_customer(facts.sales_documents(), master, facts.merges(), facts.sales_rules, as_of=facts.as_of)


MARTS = (Mart(tables.DIM_CUSTOMER, _of_facts),)
