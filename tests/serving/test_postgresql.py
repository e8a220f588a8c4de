"""Keys and usage in PostgreSQL: servers that count together, and one that goes and comes back."""

import subprocess
import sys
import threading
import time

import pytest
from tests.serving.postgresql import missing, postgresql

from striate.errors import StorageError, UserError
from striate.serving import keys as module
from striate.serving.keys import Keys

pytest.importorskip("psycopg", reason="psycopg is not installed (the extra postgresql)")
pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "none")

COUNTING = """
import sys
from striate.serving.keys import Keys
keys = Keys(sys.argv[1])
futures = [keys.count(1 + k % 2, 3) for k in range(400)]
for future in futures:
    future.result(30)
keys.close()
"""


@pytest.fixture(scope="module")
def database():
    with postgresql() as server:
        yield server


@pytest.fixture
def place(database):
    """Its URL, with nothing in it."""
    made = Keys(database.url)
    module.tables.drop_all(made._engine)
    made.close()
    return database.url


@pytest.fixture
def keys(place):
    made = Keys(place)
    yield made
    made.close()


def test_a_key_from_its_beginning_to_its_end(keys, place, monkeypatch):
    other, first = Keys(place), keys.add("app")
    assert other.any()
    number, name = other.who(first)
    assert name == "app"
    with pytest.raises(UserError, match="'app'"):
        other.add("app")
    other.count(number, 5).result(30)
    second = keys.rotate("app")
    later = time.monotonic() + module.BELIEVED + 0.1
    monkeypatch.setattr("striate.serving.keys.time.monotonic", lambda: later)
    assert other.who(first) is None
    assert other.who(second) == (number, "app")
    other.count(number, 2).result(30)
    keys.revoke("app")
    monkeypatch.setattr("striate.serving.keys.time.monotonic", lambda: later + 3)
    assert other.who(second) is None
    with pytest.raises(UserError, match="is valid"):
        keys.rotate("app")
    (listed,) = keys.list()
    assert (listed.calls, listed.images) == (2, 7)
    assert listed.revoked
    other.close()


def test_processes_lose_no_count(keys, place):
    for name in ("first", "second"):
        keys.add(name)
    command = [sys.executable, "-c", COUNTING, place]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert [(key.calls, key.images) for key in keys.list()] == [(400, 1200), (400, 1200)]


def test_servers_that_begin_at_once_make_the_tables_together(place):
    failed = []

    def begin():
        try:
            Keys(place).close()
        except Exception as error:
            failed.append(error)

    made = Keys(place)
    for _ in range(3):
        module.tables.drop_all(made._engine)
        threads = [threading.Thread(target=begin) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    made.close()
    assert not failed


def test_a_database_that_goes_and_comes_back(keys, database, monkeypatch):
    monkeypatch.setattr(module, "BELIEVED", 0.0)
    key = keys.add("app")
    number, _ = keys.who(key)
    keys.count(number, 1).result(30)
    database.stop()
    try:
        with pytest.raises(StorageError, match="could not be written"):
            keys.count(number, 1).result(30)
        with pytest.raises(StorageError, match="cannot be read or written") as error:
            keys.who(key)
        assert "\n" not in str(error.value)
        with pytest.raises(UserError, match="cannot open the keys at postgresql") as error:
            Keys(database.url)
        assert "\n" not in str(error.value)
    finally:
        database.start()
    assert keys.who(key) == (number, "app")
    keys.count(number, 1).result(30)
    assert [(one.calls, one.images) for one in keys.list()] == [(2, 2)]


def test_connections_that_were_lost_while_nobody_asked_are_made_anew(keys, place, monkeypatch):
    monkeypatch.setattr(module, "BELIEVED", 0.0)
    key = keys.add("app")
    other = Keys(place)
    with other._engine.connect() as administrator:
        mine = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ended = administrator.exec_driver_sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}"
        )
        assert ended.all() == [(True,)]
    other.close()
    time.sleep(0.2)
    assert keys.who(key)


def test_a_transaction_that_hangs_is_not_waited_for(keys, place, monkeypatch):
    """Another's lock on the table: usage fails within its time, and goes on when that ends."""
    monkeypatch.setattr(module, "BUSY", 200)
    keys.add("app")
    waiting = Keys(place)
    with keys._engine.connect() as other:
        other.exec_driver_sql("LOCK TABLE striate_usage")
        with pytest.raises(StorageError):
            waiting.count(1, 1).result(30)
        other.rollback()
    waiting.count(1, 1).result(30)
    waiting.close()
    assert keys.list()[0].calls == 1


def test_a_server_that_is_not_there_is_one_line_without_the_password():
    with pytest.raises(UserError, match=r"cannot open the keys at .*refused") as error:
        Keys("postgresql://striate:secret@127.0.0.1:1/striate")
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)
