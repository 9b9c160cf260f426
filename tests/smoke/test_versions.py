"""Whether the installed versions go together at all. Runs first: everything else would fail in stranger words.

Each upper bound in pyproject.toml with a reason above it is there for something tried here. To lift one, lift it and
run `make smoke`.
"""

from __future__ import annotations

from decimal import Decimal

import duckdb
import ibis
import pyarrow as pa
import pytest
import sqlalchemy as sa

AMOUNTS = pa.table(
    {
        "customer_id": pa.array(["001", "002", "003"]),
        "amount_net": pa.array([Decimal("548.237000"), Decimal("-0.000001"), None], pa.decimal128(18, 6)),
    }
)


@pytest.fixture
def backend() -> ibis.backends.duckdb.Backend:
    return ibis.duckdb.from_connection(duckdb.connect(config={"autoinstall_known_extensions": "false"}))


class TestIbisOnDuckDB:
    """Ibis 12 with newer sqlglot loses the table name in exactly these statements."""

    def test_create_from_arrow(self, backend: ibis.backends.duckdb.Backend) -> None:
        backend.create_table("amounts", AMOUNTS)
        assert backend.table("amounts").order_by("customer_id").to_pyarrow() == AMOUNTS

    def test_create_from_an_expression(self, backend: ibis.backends.duckdb.Backend) -> None:
        backend.create_table("amounts", AMOUNTS)
        positive = backend.table("amounts").filter(ibis._.amount_net > 0)
        backend.create_table("positive", positive)
        assert backend.table("positive").to_pyarrow()["customer_id"].to_pylist() == ["001"]

    def test_overwrite(self, backend: ibis.backends.duckdb.Backend) -> None:
        backend.create_table("amounts", AMOUNTS)
        backend.create_table("amounts", AMOUNTS.slice(0, 1), overwrite=True)
        assert backend.table("amounts").count().to_pyarrow().as_py() == 1

    def test_insert(self, backend: ibis.backends.duckdb.Backend) -> None:
        backend.create_table("amounts", schema=ibis.schema({"customer_id": "string", "amount_net": "decimal(18, 6)"}))
        backend.insert("amounts", AMOUNTS)
        assert backend.table("amounts").amount_net.sum().cast("decimal(38, 6)").to_pyarrow().as_py() == Decimal(
            "548.236999"
        )

    def test_view(self, backend: ibis.backends.duckdb.Backend) -> None:
        backend.create_table("amounts", AMOUNTS)
        backend.create_view("v_amounts", backend.table("amounts").filter(ibis._.customer_id == "002"))
        assert backend.table("v_amounts").to_pyarrow()["amount_net"].to_pylist() == [Decimal("-0.000001")]
        backend.drop_view("v_amounts")
        assert backend.list_tables() == ["amounts"]

    def test_drop(self, backend: ibis.backends.duckdb.Backend) -> None:
        backend.create_table("amounts", AMOUNTS)
        backend.drop_table("amounts")
        assert backend.list_tables() == []


def test_sqlalchemy_shares_the_connection(backend: ibis.backends.duckdb.Backend) -> None:
    """Great Expectations reaches our rows this way: one DuckDB opened twice by URL in one process fails."""
    backend.create_table("amounts", AMOUNTS)
    engine = sa.create_engine("duckdb://", creator=backend.con.cursor, poolclass=sa.StaticPool)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT customer_id, amount_net FROM amounts ORDER BY 1")).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [
        ("001", Decimal("548.237000")),
        ("002", Decimal("-0.000001")),
        ("003", None),
    ]


def test_prefect_has_a_server() -> None:
    """Prefect's server fails to import with FastAPI 0.155 and newer; flows need it even to run alone."""
    from prefect.server.api.server import create_app

    assert callable(create_app)


def test_great_expectations_loads() -> None:
    import great_expectations as gx

    assert issubclass(gx.expectations.ExpectColumnValuesToNotBeNull, gx.expectations.Expectation)


class TestCharts:
    """vl-convert must know the Vega-Lite that Altair writes; each release knows the ones up to its own day."""

    def test_a_chart_is_drawn(self) -> None:
        import altair
        import vl_convert

        rows = altair.InlineData(values=[{"province": "广东省", "sales": 3}])
        chart = altair.Chart(rows).mark_bar().encode(x="sales:Q", y="province:N")
        assert "广东省" in vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
