"""Receipts: on which day money and notes count as collected, by instrument, and which notes do not count yet.

May import: `config`, `schemas`, `tasks.core`, `tasks.exact`. Tables in, table out: nothing here runs a query.

A note clears the receivable when it is received and is money only when it is honoured. So that it is counted once, each
receipt has one day on which it counts, and one on which it is taken back if it is dishonoured after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

from kehu.config.policy import Policy
from kehu.schemas import fields as f
from kehu.tasks import exact
from kehu.tasks.core import SalesRules, converted, with_accounts, with_rate, with_scored_party

COLLECTED = "collected"
"""Amount of a collection event: DECIMAL(38, 6), reporting currency, including tax."""

COLLECTED_DATE = "collected_date"
"""Day of a collection event."""

NOTES_NOT_COUNTED = "notes_not_counted"
"""Amount of the notes in hand that are no money yet: DECIMAL(38, 6), reporting currency, including tax."""

NO_MONEY = ("bounced", "pending")
"""Payment statuses of receipts that are no money: dishonoured or returned, announced only."""

_CUSTOMER = (f.source.name, f.company_id.name, f.customer_id.name)
_COUNTING_DATE = "counting_date"
_IS_NO_MONEY = "is_no_money"


@dataclass(frozen=True)
class CollectionRules:
    """When a receipt counts as collected.

    Attributes:
        counted_on_receipt: instruments that count on the day of receipt; all others count when their note matures
            (policy `collections.counted_on_receipt`).
    """

    counted_on_receipt: tuple[str, ...] = ("cash", "transfer", "bank_acceptance", "cheque", "other")

    @classmethod
    def from_policy(cls, policy: Policy) -> CollectionRules:
        """The rules in force.

        Raises:
            PolicyBlank: the policy value is blank.
        """
        return cls(counted_on_receipt=tuple(policy.value("collections.counted_on_receipt")))


def collection_events(
    payments: ir.Table, customers: ir.Table, merges: ir.Table, sales_rules: SalesRules, rules: CollectionRules
) -> ir.Table:
    """The days on which money came in, or went back: what 回款额 of a window is summed from.

    Rule: a receipt counts with its amount on one day: the day of receipt where its instrument counts on receipt, else
    the day its note matures. If it is dishonoured (`bounced`, or `pending`: announced only) up to that day, it never
    counts; if later, the amount goes back on the day of dishonour. The maturity of an extended note is the one given.

    Units and shape: one or two rows per receipt: source, company_id, customer_id (the party scored),
    account_customer_id, payment_id, collected_date, collected (DECIMAL(38, 6), reporting currency, including tax,
    refunds negative). Notes that mature after the judged day stand there on their day: who sums takes events up to the
    end of his window.

    Edges: no instrument counts as `other`; a note without maturity counts nowhere (see `notes_not_counted`); one
    received after its maturity counts on receipt; no date of the status means from the beginning; foreign amounts at
    the rate of the day of receipt, both ways, and null where none is in force (conform puts such rows aside).

    Policy: `collections.counted_on_receipt`, `currency.rates`, `party.scored`.

    Source: ABC-1; rulings R4, R11.
    """
    receipts = _receipts(payments, customers, merges, sales_rules, rules)
    since = receipts[f.payment_status_date.name]
    counting = receipts[_COUNTING_DATE]
    is_void = receipts[_IS_NO_MONEY] & (since.isnull() | (since <= counting)).fill_null(False)
    counted = receipts.filter(counting.notnull() & ~is_void)
    came = _event(counted, counted[_COUNTING_DATE], counted[COLLECTED])
    gone = counted.filter(counted[_IS_NO_MONEY])
    return ibis.union(came, _event(gone, gone[f.payment_status_date.name], -gone[COLLECTED]))


def notes_not_counted(
    payments: ir.Table,
    customers: ir.Table,
    merges: ir.Table,
    sales_rules: SalesRules,
    rules: CollectionRules,
    *,
    as_of: date,
) -> ir.Table:
    """Notes received up to `as_of` that are no collection yet.

    Rule: receipts whose instrument counts at maturity, maturing after as_of or without maturity, not dishonoured up to
    as_of.

    Units and shape: one row per source, company and party scored that has such notes: notes_not_counted (DECIMAL(38,
    6), reporting currency, including tax).

    Policy: `collections.counted_on_receipt`, `currency.rates`, `party.scored`.

    Source: ABC-1; ruling R4.
    """
    receipts = _receipts(payments, customers, merges, sales_rules, rules)
    day = ibis.literal(as_of)
    counting, since = receipts[_COUNTING_DATE], receipts[f.payment_status_date.name]
    is_open = (receipts[f.received_date.name] <= day) & (counting.isnull() | (counting > day))
    is_void = receipts[_IS_NO_MONEY] & (since.isnull() | (since <= day))
    notes = receipts.filter(is_open & ~is_void)
    return notes.group_by(list(_CUSTOMER)).aggregate(**{NOTES_NOT_COUNTED: exact.total(notes[COLLECTED])})


def _receipts(
    payments: ir.Table, customers: ir.Table, merges: ir.Table, sales_rules: SalesRules, rules: CollectionRules
) -> ir.Table:
    """Each receipt under its party, with its amount in the reporting currency and the day on which it counts."""
    receipts = with_scored_party(with_accounts(payments, merges), customers)
    receipts = with_rate(receipts, sales_rules, f.received_date.name)
    received, matures = receipts[f.received_date.name], receipts[f.note_due_date.name]
    is_at_once = receipts[f.instrument.name].fill_null("other").isin(sorted(rules.counted_on_receipt))
    at_maturity = ibis.ifelse(matures.isnull(), matures, ibis.greatest(received, matures))
    return receipts.mutate(
        **{
            COLLECTED: converted(exact.widened(receipts[f.received_gross.name]), receipts, sales_rules),
            _COUNTING_DATE: ibis.ifelse(is_at_once, received, at_maturity),
            _IS_NO_MONEY: receipts[f.payment_status.name].isin(list(NO_MONEY)).fill_null(False),
        }
    )


def _event(receipts: ir.Table, day: ir.DateColumn, amount: ir.DecimalColumn) -> ir.Table:
    return receipts.select(
        *_CUSTOMER, "account_customer_id", f.payment_id.name, **{COLLECTED_DATE: day, COLLECTED: amount}
    )
