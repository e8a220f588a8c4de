"""Keys and usage: what is kept, what is not, and that nothing is lost when the process dies."""

import signal
import sqlite3
import threading
import time
from datetime import UTC, date, datetime
from functools import partial

import httpx
import pytest
import sqlalchemy as sql

from striate.errors import StorageError, UserError
from striate.serving.keys import USAGE, Keys, add_usage


@pytest.fixture
def place(tmp_path):
    return f"sqlite:///{tmp_path / 'deeper' / 'keys.db'}"


@pytest.fixture
def keys(place, monkeypatch):
    monkeypatch.setattr("striate.serving.keys.BUSY", 500)
    made = Keys(place)
    yield made
    made.close()


def test_a_key_is_shown_once_and_kept_as_a_hash(keys, tmp_path):
    key = keys.add("app")
    assert key.startswith("striate_")
    assert len(key) > 40
    keys.close()
    for file in (tmp_path / "deeper").iterdir():
        assert key.encode() not in file.read_bytes()
        assert key.removeprefix("striate_").encode() not in file.read_bytes()


def test_who_calls(keys):
    first, second = keys.add("first"), keys.add("second")
    assert keys.who(first)[1] == "first"
    assert keys.who(second)[1] == "second"
    assert keys.who("striate_nothing") is None
    assert keys.who("\udcff") is None
    assert keys.believed(first)
    assert not keys.believed("striate_other")


def test_a_revoked_key_is_known_to_be_in_two_seconds(keys, place, monkeypatch):
    key = keys.add("app")
    other = Keys(place)
    assert other.who(key)
    keys.revoke("app")
    now = time.monotonic()
    assert other.who(key)  # it still believes
    monkeypatch.setattr("striate.serving.keys.time.monotonic", lambda: now + 2.1)
    assert other.who(key) is None
    other.close()


def test_names(keys):
    keys.add("app")
    with pytest.raises(UserError, match="'app'"):
        keys.add("app")
    for name in ("", "a" * 101, "a\nb"):
        with pytest.raises(UserError, match="1 to 100"):
            keys.add(name)
    with pytest.raises(UserError, match="'nothing'"):
        keys.revoke("nothing")
    keys.revoke("app")
    with pytest.raises(UserError, match="'app'"):
        keys.revoke("app")


def test_usage_is_summed(keys):
    keys.add("first")
    keys.add("idle")
    number = keys.list()[0].id
    futures = [keys.count(number, images) for images in range(200)]
    for future in futures:
        future.result(20)
    first, idle = keys.list()
    assert (first.calls, first.images) == (200, sum(range(200)))
    assert (idle.calls, idle.images, idle.revoked) == (0, 0, None)


def test_several_servers_count_together(keys, place):
    keys.add("app")
    number = keys.list()[0].id
    others = [Keys(place) for _ in range(3)]

    def count(server):
        for _ in range(20):
            server.count(number, 2).result(30)

    threads = [threading.Thread(target=count, args=[each]) for each in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in others:
        each.close()
    assert (keys.list()[0].calls, keys.list()[0].images) == (60, 120)


def test_days_are_kept_apart(keys):
    keys.add("app")
    add_usage(keys._engine, 1, date(2026, 1, 1), 2, 3)
    add_usage(keys._engine, 1, date(2026, 1, 2), 4, 5)
    add_usage(keys._engine, 1, date(2026, 1, 2), 1, 1)
    with keys._engine.connect() as database:
        rows = database.execute(sql.select(USAGE).order_by(USAGE.c.day)).all()
    assert [tuple(row) for row in rows] == [
        (1, date(2026, 1, 1), 2, 3), (1, date(2026, 1, 2), 5, 6),
    ]  # fmt: skip
    assert keys.list()[0].created.date() == datetime.now(UTC).date()


def test_sqlite_has_a_write_ahead_log(keys, tmp_path):
    with sqlite3.connect(tmp_path / "deeper" / "keys.db") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "as SQLAlchemy writes it"),
        ("sqlite:////dev/null/keys.db", "cannot open"),
        ("nothing://user:secret@host/x", "as SQLAlchemy writes it"),
    ],
)
def test_a_database_that_is_none(url, words):
    with pytest.raises(UserError, match=words) as error:
        Keys(url)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_locked_database_is_one_line(keys, tmp_path, monkeypatch):
    monkeypatch.setattr("striate.serving.keys.BUSY", 50)
    keys._engine.dispose()  # an open connection would keep the lock from being taken
    lock = sqlite3.connect(tmp_path / "deeper" / "keys.db")
    lock.execute("PRAGMA locking_mode=EXCLUSIVE")
    lock.execute("BEGIN EXCLUSIVE")
    try:
        for work in (partial(keys.add, "app"), keys.list, keys.any, partial(keys.who, "x")):
            with pytest.raises(StorageError, match="locked") as error:
                work()
            assert "\n" not in str(error.value)
            assert "keys.db" not in str(error.value)
    finally:
        lock.close()


def hammer(url, key, data, counts, stop):
    """Uploads until it is told to stop or the server is gone: [sent, answered]."""
    headers = {"Authorization": f"Key {key}"}
    with httpx.Client(trust_env=False, headers=headers, timeout=30) as client:
        while not stop.is_set():
            counts[0] += 1
            try:
                answer = client.post(f"{url}/v2/models/photos/upload", files={"file": ("a", data)})
            except httpx.TransportError:
                return
            assert answer.status_code == 200
            counts[1] += 1


def under_load(server, place, keys, jpeg, end):
    """Starts a server, ends it under load with a signal; the counts of four callers."""
    key = keys.add(end.name)
    process, url, log = server("--keys", place)
    stop, counts = threading.Event(), [[0, 0] for _ in range(4)]
    callers = [
        threading.Thread(target=hammer, args=[url, key, jpeg(), each, stop]) for each in counts
    ]
    for caller in callers:
        caller.start()
    until = time.monotonic() + 60
    while sum(answered for _, answered in counts) < 20 and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(end)
    code = process.wait(60)
    stop.set()
    for caller in callers:
        caller.join()
    sent, answered = (sum(column) for column in zip(*counts, strict=True))
    assert answered >= 20
    return sent, answered, code, log


def test_killed_under_load_keys_and_usage_are_whole(server, place, keys, jpeg, tmp_path):
    sent, answered, _, _ = under_load(server, place, keys, jpeg, signal.SIGKILL)
    with sqlite3.connect(tmp_path / "deeper" / "keys.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    (row,) = keys.list()
    assert answered <= row.calls <= sent
    assert row.calls == row.images
    _, url, _ = server("--keys", place)
    assert httpx.get(f"{url}/v2/models", trust_env=False).status_code == 401
    new = {"Authorization": f"Key {keys.add('new')}"}
    assert httpx.get(f"{url}/v2/models", headers=new, trust_env=False).status_code == 200
    assert [each.calls for each in keys.list()] == [row.calls, 1]


def test_stopped_it_answers_what_it_took(server, place, keys, jpeg):
    sent, answered, code, log = under_load(server, place, keys, jpeg, signal.SIGTERM)
    (row,) = keys.list()
    assert answered <= row.calls <= sent
    assert code in (0, -signal.SIGTERM)
    assert not [line for line in log if "Error" in line or "Traceback" in line]
