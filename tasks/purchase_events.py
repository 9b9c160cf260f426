"""What a purchase is (R12): the days on which a customer bought something he kept.

May import: `config`, `schemas`, `tasks.exact`. Tables in, table out.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from kehu.schemas import fields as f
from kehu.schemas.codes import GOODS_KINDS
from kehu.tasks import exact

_KEYS = (f.source.name, f.company_id.name)
_CUSTOMER = (*_KEYS, f.customer_id.name, f.tax_basis.name)
_ACCOUNT = (*_KEYS, f.tax_basis.name, "account_customer_id")
_DOCUMENT = (*_ACCOUNT, f.document_id.name)
_LINE = (*_CUSTOMER, "account_customer_id", f.document_id.name, f.line_id.name, f.document_date.name,
         f.order_id.name, f.product_id.name)  # fmt: skip
_DAY = f.document_date.name
_MEASURES = ("quantity", "amount")


def purchase_events(sales: ir.Table, *, merge_days: int) -> ir.Table:
    """The purchases of every customer: one scored customer × one day with something bought and kept.

    Rule: a document counts, or its part of one day and order, where of what `kept_lines` leaves its amount is above
    zero and, as far as quantities are known, its quantity too. Deliveries of one order up to `merge_days` days after
    its first (that counts) stand on the day of the first, later ones on their own days. What then stands on one day is
    one purchase.

    Args:
        sales: lines as `sales_facts` gives them: all that are dated up to as_of and known. A return that is known later
            takes nothing back yet. Hold them first: they are read several times over.
        merge_days: policy `stability.merge_days`.

    Units and shape: one row per source, company, customer, tax basis and `purchase_date`; `amount` DECIMAL(38, 6) in
    the reporting currency, above zero.

    Edges: a line whose amount is unknown (a currency without rate) is no purchase; an order wholly taken back leaves no
    event and no first delivery; lines without order are never merged across days.

    Source: rulings R12, R28.
    """
    lines = kept_lines(sales)
    deliveries = lines.group_by([*_CUSTOMER, f.order_id.name, f.document_id.name, _DAY]).aggregate(
        amount=exact.total(lines["amount"]),
        quantity=exact.total(lines["quantity"]),
        unmeasured=lines.count(where=lines["quantity"].isnull()),
    )
    has_quantity = (deliveries["unmeasured"] > 0) | (deliveries["quantity"] > exact.zero(6))
    deliveries = deliveries.filter((deliveries["amount"] > exact.zero(6)) & has_quantity)
    of_order = ibis.window(group_by=[*_CUSTOMER, f.order_id.name])
    deliveries = deliveries.mutate(first_day=deliveries[_DAY].min().over(of_order))
    is_later_part = deliveries[f.order_id.name].notnull() & (
        deliveries[_DAY].delta(deliveries["first_day"], unit="day") <= merge_days
    )
    deliveries = deliveries.mutate(purchase_date=is_later_part.ifelse(deliveries["first_day"], deliveries[_DAY]))
    return deliveries.group_by([*_CUSTOMER, "purchase_date"]).aggregate(amount=exact.total(deliveries["amount"]))


def kept_lines(sales: ir.Table) -> ir.Table:
    """The lines of goods and services bought, with the quantity and amount that returns leave of them.

    Rule: bought are lines with an amount above zero. A line with an amount below zero, or without a positive amount and
    with a quantity below zero, takes back:

    1. with `return_of_document_id`, from the lines of that document under the same account customer and tax basis,
       whatever the dates: first from lines of its product, what these cannot bear from the others; of several lines the
       latest first (date, then line id). Quantity and amount are taken off each for itself, never below zero, so a
       refund in part leaves the rest; what exceeds the document is dropped. A reference to a document not among the
       lines counts as none.
    2. without reference, a whole line or nothing: each is matched to one line, not touched by 1., of the same account
       customer, tax basis and product, of exactly opposite quantity and amount, on the same day or earlier. In order of
       days (on one day sales before returns, then by document and line id) a return takes the latest such line that
       none before it has taken; so every return that can be matched is. Unknown product or quantity equals unknown.

    What matches nothing reduces nothing.

    Units and shape: a subset of the lines, those wholly taken back by 2. left out; `quantity` and `amount`
    DECIMAL(38, 6), of at least zero where 1. took from them.

    Edges: a red letter and a re-issue of the same figures on one day take each other, and the first document stands.

    Source: rulings R12, R28.
    """
    kind = sales[f.line_kind.name].fill_null("goods")
    quantity, amount = exact.widened(sales["quantity"]), exact.widened(sales["amount"])
    lines = sales.filter(kind.isin(list(GOODS_KINDS))).select(
        *_LINE, returned_document=sales[f.return_of_document_id.name], quantity=quantity, amount=amount
    )
    none = exact.zero(6)
    is_bought = (lines["amount"] > none).fill_null(False)
    bought = lines.filter(is_bought).drop("returned_document")
    returns = lines.filter(~is_bought & ((lines["amount"] < none) | (lines["quantity"] < none)))
    returns = returns.mutate(quantity=-returns["quantity"], amount=-returns["amount"])
    named = _by_document(returns).semi_join(bought, _DOCUMENT)
    unnamed = returns.anti_join(named, [*_ACCOUNT, f.line_id.name, (f.document_id.name, "return_id")])
    whole = bought.anti_join(named, _DOCUMENT)
    reduced = _less_named(bought.semi_join(named, _DOCUMENT), named)
    return ibis.union(reduced, _less_matched(whole, unnamed.drop("returned_document")))


# --- 1. returns that name their document ------------------------------------------------------------------------------


def _by_document(returns: ir.Table) -> ir.Table:
    """Returns under the document they name instead of their own."""
    return returns.select(
        *_ACCOUNT, f.product_id.name, f.line_id.name, *_MEASURES,
        return_id=returns[f.document_id.name], document_id=returns["returned_document"],
    )  # fmt: skip


def _less_named(lines: ir.Table, returns: ir.Table) -> ir.Table:
    rows = lines.mutate(**{f"sold_{measure}": lines[measure] for measure in _MEASURES})
    # What the lines of its product cannot bear, the document bears.
    for keys in ((*_DOCUMENT, f.product_id.name), _DOCUMENT):
        rows = _taken_off(rows, returns, keys)
    return rows.select(lines.columns)


def _taken_off(rows: ir.Table, returns: ir.Table, keys: tuple[str, ...]) -> ir.Table:
    """The rows less what returns of the same keys take back beyond what is taken off already, latest rows first."""
    taken = returns.group_by(list(keys)).aggregate(
        **{f"taken_{measure}": exact.total(returns[measure], where=returns[measure] > exact.zero(6))
           for measure in _MEASURES}
    )  # fmt: skip
    columns = rows.columns
    joined = rows.left_join(taken, list(keys), rname="again_{name}")
    rows = joined.select(*columns, *(f"taken_{measure}" for measure in _MEASURES))
    peers = ibis.window(group_by=list(keys))
    latest_first = [rows[_DAY].desc(), rows[f.line_id.name].desc()]
    later = ibis.window(group_by=list(keys), order_by=latest_first, rows=(None, -1))
    none = exact.zero(6)
    due: dict[str, ir.Value] = {}
    for measure in _MEASURES:
        done = exact.total(rows[f"sold_{measure}"] - rows[measure]).over(peers).fill_null(none)
        before = exact.total(rows[measure]).over(later).fill_null(none)
        due[f"due_{measure}"] = rows[f"taken_{measure}"].fill_null(none) - done - before
    rows = rows.mutate(**due)
    return rows.mutate(**{measure: _less(rows[measure], rows[f"due_{measure}"]) for measure in _MEASURES}).select(
        columns
    )


def _less(value: ir.DecimalValue, due: ir.DecimalValue) -> ir.DecimalValue:
    none = exact.zero(6)
    return ibis.cases((due <= none, value), (value < due, none), else_=value - due)


# --- 2. returns that name none ----------------------------------------------------------------------------------------

_EXACTLY = (*_ACCOUNT, f.product_id.name, *_MEASURES)


def _less_matched(lines: ir.Table, returns: ir.Table) -> ir.Table:
    """The lines without those a return takes back whole: returns and lines are brackets, closed by the latest open."""
    wanted = returns.select(_EXACTLY).distinct()
    is_wanted = [lines[name].identical_to(wanted[name]) for name in _EXACTLY]
    # Few lines look like any return: only these are put in order.
    unlike, alike = lines.anti_join(wanted, is_wanted), lines.semi_join(wanted, is_wanted)
    rows = ibis.union(alike.mutate(is_return=ibis.literal(False)), returns.mutate(is_return=ibis.literal(True)))
    order = [rows[name].asc() for name in (_DAY, "is_return", f.document_id.name, f.line_id.name)]
    so_far = ibis.cumulative_window(group_by=list(_EXACTLY), order_by=order)
    is_return = rows["is_return"]
    rows = rows.mutate(balance=rows.count(where=~is_return).over(so_far) - rows.count(where=is_return).over(so_far))
    lowest = rows["balance"].min().over(so_far)
    # Returns that find nothing open do not count: without them the balance never falls below zero.
    rows = rows.mutate(open_lines=rows["balance"] - ibis.ifelse(lowest < 0, lowest, 0))
    after = ibis.window(group_by=list(_EXACTLY), order_by=order, rows=(1, None))
    rows = rows.mutate(fewest_after=rows["open_lines"].min().over(after))
    is_kept = ~rows["is_return"] & (rows["fewest_after"].fill_null(rows["open_lines"]) >= rows["open_lines"])
    return ibis.union(unlike, rows.filter(is_kept).select(lines.columns))
