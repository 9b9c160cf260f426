"""Who the customers are on the judged day, and under whom each is scored.

May import: `config`, `schemas`, `tasks.core`, `tasks.facts`. Tables in, table out.
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from kehu.schemas import fields as f
from kehu.schemas import tables
from kehu.tasks.core import (
    IS_DESCRIBED,
    READ_OF_DOCUMENTS,
    TOP,
    SalesRules,
    with_accounts,
    with_merges,
)
from kehu.tasks.facts import Facts, Mart

_KEYS = (f.source.name, f.company_id.name)
_CUSTOMER = (*_KEYS, f.customer_id.name)
_HEAD = f.parent_customer_id.name
_BILLED_HEAD = "billed_head"
_IS_MASTER = "is_in_master"


def dim_customer(
    documents: ir.Table,
    master: ir.Table,
    merges: ir.Table,
    rules: SalesRules,
    *,
    as_of: date,
    payments: ir.Table | None = None,
    heads: ir.Table | None = None,
    groups: ir.Table | None = None,
    owners: ir.Table | None = None,
) -> ir.Table:
    """Everyone who is a customer on `as_of`, after merges, with the attributes that may be read on that day.

    Args:
        documents: see `sales_documents` of core.
        master: the customer master.
        merges: see `merges_table` of core.
        rules: party scored and internal customers.
        as_of: the day judged.
        payments: receipts; None where there are none.
        heads: `head_offices`; None where they are still to be worked out.
        groups: see `groups_table` of core; None where no customer has a head office, or no group is scored.
        owners: the employees: their names, where the customer master has only codes.

    Rule: whoever stands in the customer master on as_of, is named on a sales document dated up to as_of (as billed or
    as ship-to customer) or on a receipt, or heads one of these: directly, or as the top of the group. In the master
    stands who was delivered up to as_of; before the first delivery, or where the record says when it was created, whose
    record was not created after as_of. `scored_customer_id` is the customer itself (`party.scored: account`), its head
    office, one level (`bill_to`), or the top of its group, whatever the levels (`group`); between one of ours and a
    customer no head office is followed, so that neither is scored under the other.

    Units and shape: one row per source, company and customer; columns of the contract `dim_customer` without `as_of`
    and `run_id`.

    Edges: former codes stand under the code they count for and are counted in `merged_customers`; their own
    attributes are not taken over. A customer without current attributes says why in `attribute_reason`. First and
    last document are of sales documents in force, on the customer's own account. Who is its own head office is a top.

    Policy: `party.scored`, `party.internal_customer_ids`.
    """
    described = _under_final_codes(master, merges)
    named = _documents_of_customers(documents)
    accounts = named.select(*_CUSTOMER)
    if payments is not None:
        accounts = _with_payers(accounts, with_accounts(payments.select(*_CUSTOMER), merges))
    described_by = described.select(*_CUSTOMER, _HEAD, f.created_date.name, IS_DESCRIBED)
    everyone = _everyone(described_by, accounts, groups, as_of=as_of)
    joined = everyone.left_join(described, _CUSTOMER, rname="master_{name}")
    joined = joined.select(*described.columns)
    joined = joined.left_join(named, _CUSTOMER, rname="named_{name}")
    joined = joined.left_join(_merged_codes(merges, rules), _CUSTOMER, rname="merged_{name}")
    if groups is not None:
        joined = joined.left_join(groups, _CUSTOMER, rname="group_{name}")
    if rules.scored_party == "bill_to":
        heads = head_offices(master, merges, rules) if heads is None else heads
        billed = heads.select(*_CUSTOMER, **{_BILLED_HEAD: heads[_HEAD]})
        joined = joined.left_join(billed, _CUSTOMER, rname="billed_{name}")
    if owners is not None:
        joined = _with_owner_names(joined, owners)
    return _columns(joined, rules)


def _with_owner_names(rows: ir.Table, owners: ir.Table) -> ir.Table:
    code, name = f.owner_id.name, f.owner_name.name
    known = owners.select(*_KEYS, code, name_of_owner=owners[name])
    joined = rows.left_join(known, [*_KEYS, code], rname="owner_{name}")
    others = [column for column in rows.columns if column != name]
    return joined.select(*others, **{name: ibis.coalesce(joined[name], joined["name_of_owner"])})


def head_offices(master: ir.Table, merges: ir.Table, rules: SalesRules) -> ir.Table:
    """Each customer that is scored under a head office, and which: source, company_id, customer_id, parent_customer_id.

    Left out where one of the two is internal and the other is not: our own company is not a customer's head, nor a
    customer ours.
    """
    described = _under_final_codes(master, merges)
    rows = described.left_join(_merged_codes(merges, rules), _CUSTOMER, rname="merged_{name}")
    rows = rows.select(*_CUSTOMER, _HEAD, is_internal=_is_internal(rows, rules))
    kinds = rows.select(*_KEYS, head_is_internal=rows["is_internal"], **{_BILLED_HEAD: rows[f.customer_id.name]})
    joined = rows.left_join(kinds, [*_KEYS, (_HEAD, _BILLED_HEAD)], rname="head_{name}")
    head_is_internal = ibis.coalesce(joined["head_is_internal"], _is_listed(joined[_HEAD], rules))
    is_alike = joined["is_internal"] == head_is_internal
    return joined.filter(joined[_HEAD].notnull() & is_alike).select(*_CUSTOMER, _HEAD)


def _is_internal(rows: ir.Table, rules: SalesRules) -> ir.BooleanValue:
    """By the customer's type, or because its code, or one merged into it, is listed."""
    is_typed = (rows[f.customer_type.name] == "internal").fill_null(False)
    return is_typed | _is_listed(rows[f.customer_id.name], rules) | rows["was_listed"].fill_null(False)


def _is_listed(code: ir.StringValue, rules: SalesRules) -> ir.BooleanValue:
    listed = sorted(rules.internal_customer_ids)
    return code.isin(listed) if listed else ibis.literal(False)


def _under_final_codes(master: ir.Table, merges: ir.Table) -> ir.Table:
    """The customer master without former codes, heads under the code they count for."""
    columns = [name for name in master.columns if name not in (f.delivery_id.name, f.source_row.name)]
    former = merges.select(*_KEYS, customer_id=merges[f.old_customer_id.name])
    return with_merges(master.select(*columns), merges, _HEAD).anti_join(former, _CUSTOMER)


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


def _with_payers(named: ir.Table, payments: ir.Table) -> ir.Table:
    """Who pays is a customer, even where no sales document known names him: no collection may be lost."""
    payers = payments.select(*_KEYS, customer_id=payments["account_customer_id"])
    return ibis.union(named, payers, distinct=True)


def _everyone(master: ir.Table, named: ir.Table, groups: ir.Table | None, *, as_of: date) -> ir.Table:
    is_described = master[IS_DESCRIBED]
    # Before the first delivery of a source nobody could stand in its master: then who is known later counts.
    has_none = ~is_described.any().over(ibis.window(group_by=list(_KEYS)))
    created = master[f.created_date.name]
    is_in_master = (created <= ibis.literal(as_of)) | is_described | (created.isnull() & has_none)
    members = master.mutate(**{_IS_MASTER: is_in_master.fill_null(False)})
    members = members.filter(members[_IS_MASTER])
    accounts = ibis.union(members.select(*_CUSTOMER), named, distinct=True)
    heads = master.semi_join(accounts, _CUSTOMER)
    heads = heads.filter(heads[_HEAD].notnull())
    heads = heads.select(*_KEYS, customer_id=heads[_HEAD])
    if groups is None:
        return ibis.union(accounts, heads, distinct=True)
    tops = groups.semi_join(accounts, _CUSTOMER)
    tops = tops.select(*_KEYS, customer_id=tops[TOP])
    return ibis.union(accounts, heads, tops, distinct=True)


def _merged_codes(merges: ir.Table, rules: SalesRules) -> ir.Table:
    """Of each customer others were merged into: how many codes, and whether one of them is listed as internal."""
    code = merges[f.old_customer_id.name]
    by_final = merges.group_by([*_KEYS, "final_customer_id"]).aggregate(
        merged=merges.count(),
        former_codes=code.group_concat(", ", order_by=code),
        was_listed=merges.count(where=_is_listed(code, rules)) > 0,
    )
    return by_final.select(*_KEYS, "merged", "former_codes", "was_listed", customer_id=by_final["final_customer_id"])


def _columns(rows: ir.Table, rules: SalesRules) -> ir.Table:
    code = rows[f.customer_id.name]
    head = {"bill_to": _BILLED_HEAD, "group": TOP}.get(rules.scored_party)
    reason = ibis.cases((rows[IS_DESCRIBED].isnull(), "not_delivered"), (~rows[IS_DESCRIBED], "snapshot_only"))
    attributes = (
        f.customer_name, f.short_name, f.uscc, f.customer_type, f.customer_status, f.industry, f.country, f.region,
        f.province, f.city, f.parent_customer_id, f.owner_id, f.owner_name, f.department, f.credit_limit_gross,
        f.payment_terms_days, f.first_deal_date,
    )  # fmt: skip
    return rows.select(
        *_CUSTOMER,
        *(attribute.name for attribute in attributes),
        "first_document_date",
        "last_document_date",
        is_internal=_is_internal(rows, rules),
        scored_customer_id=ibis.coalesce(rows[head], code) if head else code,
        merged_customers=rows["merged"].fill_null(0),
        former_customer_ids=rows["former_codes"],
        attribute_reason=reason,
    )


# --- the mart ---------------------------------------------------------------------------------------------------------


def _of_facts(facts: Facts) -> ir.Table:
    master, merges, rules = facts.entity(tables.CUSTOMER), facts.merges(), facts.sales_rules
    heads = groups = None
    if rules.scored_party != "account":
        heads = facts.once("head_offices", lambda: head_offices(master, merges, rules))
        if rules.scored_party == "group":
            groups = facts.groups(heads)
        else:
            facts.refuse_circles(heads)
    return dim_customer(
        facts.sales_documents(READ_OF_DOCUMENTS),
        master,
        merges,
        rules,
        as_of=facts.as_of,
        payments=facts.entity(tables.PAYMENT),
        heads=heads,
        groups=groups,
        owners=facts.entity(tables.OWNER),
    )


MARTS = (Mart(tables.DIM_CUSTOMER, _of_facts),)
