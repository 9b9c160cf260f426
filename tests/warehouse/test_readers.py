"""What BI tools meet: before, while and after a night is published, and after a client did what it must not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from tiny_nights import make_night, publish

from kehu.config.errors import EXIT_WAREHOUSE, WarehouseError
from kehu.warehouse.duckdb_file import VersionedFile
from kehu.warehouse.read import connect_read, reading

NEWEST = "SELECT max(as_of) FROM kehu.v_abc_customer"


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    publish(tmp_path / "warehouse", make_night(tmp_path / "rows", 5))
    return tmp_path / "warehouse"


# --- how clients open it ----------------------------------------------------------------------------------------------


def test_a_client_opens_the_link_and_names_the_schema(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse / "kehu.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM kehu.v_abc_customer").fetchall() == [(3,)]
        assert con.execute("SELECT current_database()").fetchall() == [("kehu-000001",)]
        with pytest.raises(duckdb.CatalogException, match=r"Did you mean .kehu\.v_abc_customer"):
            con.execute("SELECT * FROM v_abc_customer")
        con.execute("USE kehu")
        assert con.execute("SELECT count(*) FROM v_abc_customer").fetchall() == [(3,)]


@pytest.mark.parametrize("view", ["v_customer", "v_abc_customer_history", "v_abc_customer_superseded", "v_data_status"])
def test_a_client_attaches_it_under_any_name(warehouse: Path, view: str) -> None:
    """Also under the default one, `kehu`, where the names of database and schema are the same."""
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{warehouse}/kehu.duckdb' AS w (READ_ONLY)")
        con.execute(f"SELECT * FROM w.kehu.{view}")
        con.execute("USE w.kehu")
        con.execute(f"SELECT * FROM {view}")
        con.execute("USE memory")
        con.execute("DETACH w")
        con.execute(f"ATTACH '{warehouse}/kehu.duckdb' (READ_ONLY)")
        con.execute(f"SELECT * FROM kehu.kehu.{view}")
        with pytest.raises((duckdb.CatalogException, duckdb.BinderException), match=r"kehu\.kehu"):
            con.execute(f"SELECT * FROM kehu.{view}")
        con.execute("USE kehu.kehu")
        con.execute(f"SELECT * FROM {view}")


def test_a_client_comes_through_sqlalchemy(warehouse: Path, tmp_path: Path) -> None:
    engine = sa.create_engine(
        f"duckdb:///{warehouse}/kehu.duckdb", poolclass=sa.pool.NullPool, connect_args={"read_only": True}
    )
    with engine.connect() as con:
        assert con.execute(sa.text(NEWEST)).scalar() == date(2026, 1, 5)
        views = sa.inspect(con).get_view_names(schema="kehu")
    assert {"v_abc_customer", "v_data_status"} <= {name.rpartition(".")[2] for name in views}
    publish(warehouse, make_night(tmp_path / "rows", 6))
    with engine.connect() as con:
        assert con.execute(sa.text(NEWEST)).scalar() == date(2026, 1, 6)


def test_our_own_connection_needs_no_schema_and_writes_nothing(warehouse: Path) -> None:
    with reading(warehouse) as con:
        for name in ("v_abc_customer", "kehu.v_abc_customer", "warehouse.kehu.v_abc_customer"):
            assert con.execute(f"SELECT count(*) FROM {name}").fetchall() == [(3,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            con.execute("DELETE FROM run_log")
    for where in (
        warehouse / "kehu.duckdb",
        str(warehouse),
        f"duckdb:///{warehouse}/kehu.duckdb",
        f"duckdb:///{warehouse}",
    ):
        with reading(where) as con:
            assert con.execute(NEWEST).fetchall() == [(date(2026, 1, 5),)]


# --- while nights go on -----------------------------------------------------------------------------------------------


def test_a_new_connection_of_a_long_lived_process_sees_the_new_night(warehouse: Path, tmp_path: Path) -> None:
    link = str(warehouse / "kehu.duckdb")
    with duckdb.connect(link, read_only=True) as old, connect_read(warehouse) as ours:
        publish(warehouse, make_night(tmp_path / "rows", 6))
        with duckdb.connect(link, read_only=True) as new, connect_read(warehouse) as ours_new:
            assert new.execute(NEWEST).fetchall() == ours_new.execute(NEWEST).fetchall() == [(date(2026, 1, 6),)]
            assert old.execute(NEWEST).fetchall() == ours.execute(NEWEST).fetchall() == [(date(2026, 1, 5),)]


def test_a_removed_version_stays_readable_for_who_has_it_open(warehouse: Path, tmp_path: Path) -> None:
    with connect_read(warehouse) as old:
        for day in range(6, 10):
            publish(warehouse, make_night(tmp_path / "rows", day), kept_versions=1)
        assert not (warehouse / "kehu-000001.duckdb").exists()
        assert old.execute("SELECT count(*), max(as_of) FROM v_abc_customer_history").fetchall() == [
            (3, date(2026, 1, 5))
        ]


LOOKS = """
import sys, duckdb
from pathlib import Path
link, stop = sys.argv[1], Path(sys.argv[2])
seen, held = [], duckdb.connect(link, read_only=True)
first = held.execute("SELECT count(*) FROM kehu.mart_abc_customer").fetchall()
print("ready", flush=True)
is_last = False
while not is_last:
    is_last = stop.exists()
    with duckdb.connect(link, read_only=True) as con:
        found = con.execute('''
            SELECT count(*), count(DISTINCT as_of), (SELECT count(*) FROM kehu.run_current),
                   (SELECT count(*) FROM kehu.run_log), (SELECT count(*) FROM kehu.run_mart),
                   (SELECT max(as_of) FROM kehu.v_customer) = (SELECT max(as_of) FROM kehu.v_data_status)
            FROM kehu.v_abc_customer_history
        ''').fetchone()
    days = found[1]
    assert found == (3 * days, days, 2 * days, days, 2 * days, True), found
    seen.append(days)
assert held.execute("SELECT count(*) FROM kehu.mart_abc_customer").fetchall() == first
assert seen == sorted(seen)
print(len(seen), seen[0], seen[-1])
"""


def test_a_reader_neither_blocks_ten_publications_nor_sees_half_of_one(warehouse: Path, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    program = [sys.executable, "-c", LOOKS, str(warehouse / "kehu.duckdb"), str(stop)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None and reader.stdout.readline() == "ready\n"
        try:
            for day in range(6, 16):
                publish(warehouse, make_night(tmp_path / "rows", day))
        finally:
            stop.touch()
        said, complaints = reader.communicate(timeout=60)
    assert reader.returncode == 0, complaints
    looks, _, last = map(int, said.split())
    assert last == 11 and looks > 2


# --- clients that do what they must not -------------------------------------------------------------------------------

WRITES = """
import os, signal, sys, duckdb
con = duckdb.connect(sys.argv[1])
con.execute("SET wal_autocheckpoint = '1TB'")
con.execute("UPDATE kehu.run_log SET gate = 'forged'")
con.execute("DELETE FROM kehu.mart_abc_customer")
if sys.argv[2] == "checkpointed":
    con.execute("CHECKPOINT")
    con.execute("INSERT INTO kehu.run_portfolio (portfolio_name) VALUES ('forged')")
os.kill(os.getpid(), signal.SIGKILL)
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mode 0444 stops everyone but root")


def forge(warehouse: Path, how: str) -> None:
    program = [sys.executable, "-c", WRITES, str(warehouse / "kehu.duckdb"), how]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert (warehouse / "kehu-000001.duckdb.wal").exists()


@needs_root
@pytest.mark.parametrize("how", ["logged", "checkpointed"])
def test_a_client_that_wrote_and_was_killed_changes_nothing_in_the_next_version(
    warehouse: Path, tmp_path: Path, how: str
) -> None:
    forge(warehouse, how)
    # What DuckDB would replay, had a client not resolved the link, and what it would replay into the coming version.
    for name in ("kehu.duckdb.wal", "kehu-000002.duckdb.wal"):
        (warehouse / name).write_bytes((warehouse / "kehu-000001.duckdb.wal").read_bytes())
    publish(warehouse, make_night(tmp_path / "rows", 6))
    assert not list(warehouse.glob("kehu.duckdb.wal")) and not list(warehouse.glob("kehu-000002.duckdb.wal"))
    with duckdb.connect(str(warehouse / "kehu.duckdb"), read_only=True) as con:
        assert con.execute("SELECT as_of, gate FROM kehu.run_log ORDER BY 1").fetchall() == [
            (date(2026, 1, 5), "open"), (date(2026, 1, 6), "open"),
        ]  # fmt: skip
        assert con.execute("SELECT count(*) FROM kehu.mart_abc_customer").fetchall() == [(6,)]
        assert con.execute("SELECT portfolio_name FROM kehu.run_portfolio").fetchall() == [("demo",)]


@needs_root
@pytest.mark.parametrize("how", ["logged", "checkpointed"])
def test_publishing_the_same_night_again_heals_what_a_client_changed(warehouse: Path, tmp_path: Path, how: str) -> None:
    forge(warehouse, how)
    receipt = publish(warehouse, make_night(tmp_path / "rows", 5))
    assert receipt.is_repaired and not receipt.changed and receipt.version == 2
    with reading(warehouse) as con:
        assert con.execute("SELECT gate FROM run_log").fetchall() == [("open",)]
        assert con.execute("SELECT count(*) FROM mart_abc_customer").fetchall() == [(3,)]


@needs_root
def test_a_client_that_has_it_open_for_writing_does_not_stop_the_night(warehouse: Path, tmp_path: Path) -> None:
    holds = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    program = [sys.executable, "-c", holds, str(warehouse / "kehu.duckdb")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None and client.stdout.readline() == "open\n"
        with pytest.raises(WarehouseError) as raised:
            connect_read(warehouse)
        assert raised.value.code == "opened_for_writing"
        assert publish(warehouse, make_night(tmp_path / "rows", 6)).changed
        with reading(warehouse) as con:
            assert con.execute(NEWEST).fetchall() == [(date(2026, 1, 6),)]
        client.communicate("")


def test_a_damaged_master_is_replaced_by_the_untouched_published_file(warehouse: Path, tmp_path: Path) -> None:
    master = VersionedFile(warehouse).master_path(1)
    master.write_bytes(master.read_bytes()[:-4096])
    publish(warehouse, make_night(tmp_path / "rows", 6))
    VersionedFile(warehouse).master_path(2).unlink()
    publish(warehouse, make_night(tmp_path / "rows", 7))
    with reading(warehouse) as con:
        assert con.execute("SELECT count(DISTINCT as_of) FROM v_abc_customer_history").fetchall() == [(3,)]


@needs_root
def test_without_a_sound_copy_nothing_is_published(warehouse: Path, tmp_path: Path) -> None:
    forge(warehouse, "checkpointed")
    VersionedFile(warehouse).master_path(1).unlink()
    with pytest.raises(WarehouseError) as raised:
        publish(warehouse, make_night(tmp_path / "rows", 6))
    assert raised.value.code == "master_damaged" and raised.value.exit_code == EXIT_WAREHOUSE
