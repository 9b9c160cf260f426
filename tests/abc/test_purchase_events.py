"""What a purchase is: returns netted, cancelled orders gone, deliveries of one order together."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend
from purchase_cases import bought, sales
from purchase_reference import Sold
from purchase_reference import events as slowly

from kehu.tasks.build import checksum, fetch
from kehu.tasks.purchase_events import kept_lines, purchase_events

CASES = {
    "two invoices of a day are one purchase": """
        1  A  p   2  100
        1  B  q   1   50
        3  C  p   1   50            | 1: 150, 3: 50""",
    "an order taken back by name leaves nothing": """
        1  A  p   2  100
        1  A  q   1   50
        4  R  p  -2 -100  of=A
        4  R  q  -1  -50  of=A      | """,
    "an order taken back without a name leaves nothing": """
        1  A  p   2  100
        1  A  q   1   50
        4  R  p  -2 -100
        4  R  q  -1  -50            | """,
    "a return in part leaves the rest on its day": """
        1  A  p   4  100
        9  R  p  -1  -25  of=A      | 1: 75""",
    "what the lines of a product cannot bear, the document bears": """
        1  A  p   2  100  order=x
        2  A  q   2  100  order=y
        9  R  p  -3 -150  of=A      | 2: 50""",
    "without a product the latest lines are taken first": """
        1  A  p   2  100
        2  A  q   2  100
        9  R  .  -1  -50  of=A      | 1: 100, 2: 50""",
    "more than the document is dropped": """
        1  A  p   2  100
        1  B  p   2   60
        9  R  p  -5 -500  of=A      | 1: 60""",
    "goods back for less than their price are no purchase": """
        1  A  p   2  100
        9  R  p  -2  -90  of=A      | """,
    "a price taken down is still a purchase": """
        1  A  p   2  100
        9  R  p   .  -90  of=A      | 1: 10""",
    "a return without amount takes the goods back": """
        1  A  p   2  100
        1  B  p   1   50
        9  R  p  -2    .  of=A      | 1: 50""",
    "a return named before its document counts all the same": """
        1  R  p  -2 -100  of=A
        5  A  p   2  100            | """,
    "a name nobody knows counts as none": """
        1  A  p   2  100
        2  B  p   1   50
        9  R  p  -2 -100  of=Z      | 2: 50""",
    "what matches nothing reduces nothing": """
        1  A  p   2  100
        9  R  p  -1  -50
        9  S  q  -2 -100
        9  T  p  -2 -100.01         | 1: 100""",
    "a return finds nothing later than itself": """
        1  R  p  -2 -100
        5  A  p   2  100            | 5: 100""",
    "a return before does not use up the one after": """
        1  R  p  -2 -100
        5  A  p   2  100
        6  S  p  -2 -100            | """,
    "the latest line that is left is taken": """
        1  A  p   2  100
        2  B  p   2  100
        3  R  p  -2 -100
        4  C  p   2  100
        5  S  p  -2 -100            | 1: 100""",
    "two returns take two lines, a third takes none": """
        1  A  p   2  100
        2  B  p   2  100
        3  R  p  -2 -100
        4  S  p  -2 -100
        5  T  p  -2 -100
        6  C  p   2  100            | 6: 100""",
    "red letter and re-issue of a day leave the first document": """
        1  A  p   2  100
        9  R  p  -2 -100
        9  B  p   2  100            | 1: 100""",
    "red letter and a corrected re-issue": """
        1  A  p   2  100
        9  R  p  -2 -100
        9  B  p   2   90            | 9: 90""",
    "a line already taken from by name is no longer whole": """
        1  A  p   2  100
        2  R  p  -1  -50  of=A
        3  S  p  -2 -100            | 1: 50""",
    "unknown product and quantity equal unknown": """
        1  A  .   .  100
        2  B  .   .   70
        3  R  .   .  -70            | 1: 100""",
    "where no quantity is known the amount decides": """
        1  A  p   .  100            | 1: 100""",
    "neither gifts nor fees nor amounts unknown are purchases": """
        1  A  p   2    0
        2  B  p   1   50  kind=freight
        3  C  p   1    .
        4  D  p   0   50
        5  E  p   1   50  kind=service   | 5: 50""",
    "deliveries of an order up to the seventh day are one": """
        1  A  p   2  100  order=x
        3  B  p   1   50  order=x
        8  C  p   1   50  order=x
        9  D  p   1   40  order=x
       10  E  p   1   30  order=x
       11  F  p   1   20            | 1: 200, 9: 40, 10: 30, 11: 20""",
    "a first delivery taken back is none": """
        1  A  p   2  100  order=x
        5  B  p   1   50  order=x
       12  C  p   1   40  order=x
       20  R  p  -2 -100            | 5: 90""",
    "orders that begin on one day are one purchase": """
        1  A  p   2  100  order=x
        1  B  p   1   50  order=y
        4  C  p   1   40  order=y   | 1: 190""",
}  # fmt: skip
"""Day of January, document, product, quantity, amount, and more; | what is bought by day."""


@pytest.fixture(scope="module")
def purchases(engine: Backend) -> dict[str, dict[date, Decimal]]:
    """What is bought in each case; every case is a customer."""
    return bought(engine, [line for case in CASES for line in _lines(case)])


@pytest.mark.parametrize("case", CASES)
def test_purchases(purchases: dict[str, dict[date, Decimal]], case: str) -> None:
    expected = dict(told.split(":") for told in CASES[case].split("|")[1].split(",") if told.strip())
    found = purchases.get(case, {})
    assert {day.day: amount for day, amount in found.items()} == {
        int(day): Decimal(amount) for day, amount in expected.items()
    }
    assert found == slowly(_lines(case)).get(case, {})


def _lines(case: str) -> list[Sold]:
    rows = CASES[case].split("|")[0].strip().splitlines()
    return [_line(case, n, *row.split()) for n, row in enumerate(rows, start=1)]


def _line(
    case: str, number: int, day: str, document: str, product: str, quantity: str, amount: str, *more: str
) -> Sold:
    names = {"of": "returned", "order": "order", "kind": "kind"}
    stated = {names[name]: value for name, value in (word.split("=") for word in more)}
    return Sold(
        document, f"{number:02}", date(2024, 1, int(day)), None if amount == "." else Decimal(amount),
        None if quantity == "." else Decimal(quantity), None if product == "." else product, customer=case, **stated,
    )  # fmt: skip


def test_branches_return_their_own_goods_and_buy_for_their_head_office(engine: Backend) -> None:
    """Matched under the account, counted under the customer scored."""
    day = date(2024, 1, 1)
    lines = [
        Sold("A", "1", day, Decimal(100), Decimal(1), "p", customer="head", account="north"),
        Sold("B", "1", day, Decimal(70), Decimal(1), "p", customer="head", account="south"),
        Sold("R", "1", day, Decimal(-100), Decimal(-1), "p", customer="head", account="south"),
        Sold("S", "1", day, Decimal(-70), Decimal(-1), "p", returned="A", customer="head", account="south"),
    ]
    # South never bought for 100; the red letter over 70 names north's document but takes back south's own.
    assert bought(engine, lines) == {"head": {day: 100}}


_DAYS = st.integers(1, 14).map(lambda n: date(2024, 3, n))
_NUMBERS = st.sampled_from([None, -2, -1, 0, 1, 1, 2, 2])
_DRAWN = st.lists(
    st.tuples(
        _DAYS, st.sampled_from("ABCD"), st.sampled_from([None, "p", "q"]), _NUMBERS,
        st.sampled_from([None, -20, -10, -10, 0, 10, 10, 10, 20, 20]),
        st.sampled_from([None, None, None, "A", "B", "Z"]), st.sampled_from([None, None, "x", "y"]),
        st.sampled_from([None, None, None, None, "freight"]),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(drawn=st.lists(_DRAWN, min_size=1, max_size=40), merge_days=st.sampled_from([0, 3, 7]))
def test_purchases_agree_with_a_slow_reference(engine: Backend, drawn: list[list[tuple]], merge_days: int) -> None:  # type: ignore[type-arg]
    lines = [
        Sold(
            document, f"{n:02}", day, None if amount is None else Decimal(amount),
            None if quantity is None else Decimal(quantity), product, returned, order, kind, f"k{customer:02}",
        )
        for customer, of_one in enumerate(drawn)
        for n, (day, document, product, quantity, amount, returned, order, kind) in enumerate(of_one)
    ]  # fmt: skip
    assert bought(engine, lines, merge_days) == slowly(lines, merge_days)


def _many(count: int) -> list[Sold]:
    chance = random.Random(11)
    lines = []
    for n in range(count):
        sign = -1 if chance.random() < 0.2 else 1
        quantity = Decimal(chance.randint(1, 3) * sign)
        lines.append(
            Sold(
                f"D{n // 3}", f"{n:05}", date(2024, 1, 1) + timedelta(days=chance.randrange(200)), quantity * 10,
                quantity, chance.choice("pqr"), f"D{chance.randrange(count // 3)}" if sign < 0 and n % 2 else None,
                chance.choice([None, f"O{n // 9}"]), customer=f"k{n // 3 % 40:02}",
            )
        )  # fmt: skip
    return lines


def test_neither_threads_nor_the_order_of_rows_change_anything() -> None:
    lines = _many(6000)
    shuffled = random.Random(7).sample(lines, len(lines))
    found = set()
    for threads, rows in ((1, lines), (4, lines), (4, shuffled)):
        with duckdb.connect(config={"threads": threads}) as con:
            events = purchase_events(sales(rows), merge_days=7)
            ordered = events.order_by(["customer_id", "purchase_date"])
            found.add(checksum(fetch(ibis.duckdb.from_connection(con), ordered)))
    assert len(found) == 1


def test_what_returns_take_off_and_leave_adds_up(engine: Backend) -> None:
    """Kept + taken back = bought, and no customer gets back more than returns brought."""
    lines = _many(6000)
    kept = fetch(engine, kept_lines(sales(lines))).to_pylist()
    before = sum(line.amount for line in lines if line.amount and line.amount > 0)
    returned = -sum(line.amount for line in lines if line.amount and line.amount < 0)
    after = sum(row["amount"] for row in kept)
    assert 0 < before - after <= returned
    assert all(row["amount"] >= 0 and row["quantity"] >= 0 for row in kept)
    assert after == sum(sum(days.values(), Fraction(0)) for days in slowly(lines).values())


# --- a wholesaler's real cancellations --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def retail(real_data: Path) -> Iterator[Backend]:
    """Table `line`: a wholesaler's goods lines with a customer, as `sales_facts` gives them; `event`: the purchases."""
    with duckdb.connect() as con:
        con.execute(
            f"""
            CREATE TABLE line AS
            SELECT 's' AS source, 'main' AS company_id, 'unknown' AS tax_basis, CustomerID AS customer_id,
                   CustomerID AS account_customer_id, InvoiceNo AS document_id, StockCode AS product_id,
                   (row_number() OVER ())::VARCHAR AS line_id, InvoiceDate::TIMESTAMP::DATE AS document_date,
                   NULL::VARCHAR AS order_id, NULL::VARCHAR AS return_of_document_id,
                   CASE WHEN upper(StockCode) IN ('POST', 'DOT', 'C2', 'D', 'M', 'B', 'S', 'SAMPLES', 'BANK CHARGES',
                                                  'AMAZONFEE', 'CRUK') THEN 'fee' END AS line_kind,
                   Quantity::DECIMAL(18, 6) AS quantity,
                   (Quantity::DECIMAL(12, 0) * UnitPrice::DECIMAL(15, 3))::DECIMAL(38, 6) AS amount
            FROM read_csv('{real_data}/uci_online_retail/online_retail.csv', all_varchar = true, header = true)
            WHERE CustomerID IS NOT NULL"""
        )
        engine = ibis.duckdb.from_connection(con)
        engine.create_table("event", purchase_events(engine.table("line"), merge_days=7))
        yield engine


def _asked(engine: Backend, sql: str) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = engine.con.execute(sql).fetchall()
    return rows


@pytest.mark.real
def test_a_fully_cancelled_order_leaves_no_event(retail: Backend) -> None:
    """Customer 12346 bought 74 215 pieces for 77 183.60 and cancelled them sixteen minutes later; 16446 did the same
    with 80 995, but had bought two pieces before; 12607 had an invoice of 101 lines cancelled as a whole.
    """
    told = "SELECT customer_id, purchase_date, amount FROM event WHERE customer_id IN ('12346', '12607', '16446')"
    assert _asked(retail, told) == [("16446", date(2011, 5, 18), Decimal("2.90"))]
    cancelled = "SELECT count(*), sum(amount) FROM line WHERE customer_id = '12607' AND line_kind IS NULL"
    assert _asked(retail, cancelled) == [(202, 0)]


@pytest.mark.real
def test_purchases_of_a_real_wholesaler(retail: Backend) -> None:
    """Of 16 678 customer days with goods 106 are cancelled as a whole, and 49 of 4 372 customers keep no purchase."""
    days = "SELECT count(DISTINCT (customer_id, document_date)) FROM line WHERE line_kind IS NULL AND amount > 0"
    assert _asked(retail, days) == [(16_678,)]
    told = "SELECT count(*), count(DISTINCT customer_id), sum(amount) FROM event"
    assert _asked(retail, told) == [(16_678 - 106, 4372 - 49, Decimal("8369549.003"))]
