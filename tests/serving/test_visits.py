"""Visits: bodies counted while they come, keys, and what is refused before it costs anything."""

import asyncio
import json
import sqlite3
from dataclasses import replace

import pytest
import sqlalchemy as sql
from tests.serving.conftest import held

from striate.serving import Limits, open_keys
from striate.serving.account import Line
from striate.serving.visits import POLICY, hostname

UPLOAD = "/v2/models/photos/upload"
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def raw(client, *pieces, headers=(), path=UPLOAD, pause=0.0):
    """Status, body, headers, and how many pieces of the body were taken."""
    taken, sent = 0, []
    kind = b"multipart/form-data; boundary=x"
    names = [(b"host", b"localhost"), (b"content-type", kind), *headers]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "path": path, "raw_path": path.encode(), "query_string": b"", "headers": names,
        "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip

    async def receive():
        nonlocal taken
        if taken == len(pieces):
            await asyncio.sleep(pause)
            return {"type": "http.request", "body": b"", "more_body": False}
        taken += 1
        return {"type": "http.request", "body": pieces[taken - 1], "more_body": True}

    async def send(message):
        sent.append(message)

    client.run(client.app(scope, receive, send))
    body = b"".join(each.get("body", b"") for each in sent[1:])
    return sent[0]["status"], json.loads(body), dict(sent[0]["headers"]), taken


@pytest.fixture
def small(serving):
    """A service that takes bodies of 10,000 bytes, and 25,000 together."""
    limits = replace(
        Limits(), body_bytes=10_000, json_bytes=2_000, held_bytes=600_000_000, coming_bytes=25_000
    )
    return serving(limits=replace(limits, body_seconds=0.2))


def test_a_length_that_is_announced_is_enough(small):
    status, body, headers, taken = raw(small, headers=[(b"content-length", b"10001")])
    assert (status, taken) == (413, 0)
    assert body["status"]["code"] == 11100
    assert headers[b"connection"] == b"close"
    assert raw(small, headers=[(b"content-length", b"-1")])[0] == 400
    assert raw(small, headers=[(b"content-length", b"1e3")])[0] == 400


def test_a_body_without_a_length_is_counted_while_it_comes(small):
    status, _, _, taken = raw(small, HEAD, *[bytes(1000)] * 100)
    assert (status, taken) == (413, 11)
    kind = {"content-type": "application/json"}
    answer = small.post("/v2/models/photos/outputs", content=b" " * 2001, headers=kind)
    assert answer.status_code == 413


def test_a_body_that_does_not_come(small):
    status, body, _, _ = raw(small, b"--x", pause=10)
    assert (status, body["status"]["code"]) == (408, 98009)


def test_there_is_room_for_so_many_bodies(small):
    account = small.app.state.service.workers.account
    assert account.take(Line.COMING, 24_000)  # what others are sending
    status, _, headers, _ = raw(small, HEAD, bytes(1000))
    assert (status, headers[b"retry-after"]) == (503, b"5")
    announced = raw(small, headers=[(b"content-length", b"1001")])
    assert (announced[0], announced[3]) == (503, 0)
    assert account.held == 24_000
    assert small.get("/v2/models").status_code == 200
    account.give(Line.COMING, 24_000)
    assert raw(small, HEAD, bytes(1000), b"\r\n--x--\r\n")[0] == 422
    assert account.held == 0


def test_what_is_not_done_when_the_service_ends_is_refused_in_the_documented_form(
    serving, jpeg, monkeypatch
):
    client = serving(deadline=0.2)

    async def never(*_):
        stopping = client.app.state.service.stopping
        asyncio.get_running_loop().call_later(0.05, stopping.begin)
        await asyncio.sleep(60)

    monkeypatch.setattr("striate.serving.tags.of_files", never)
    answer = client.upload(jpeg())
    assert (answer.status_code, answer.json()["status"]["code"]) == (503, 98014)
    assert answer.json()["status"]["details"] == "the service stops"
    assert held(client.app.state.service.workers.account) == 0


def test_a_body_that_comes_when_the_service_stops(serving):
    client = serving(deadline=0.4)
    loop = client.loop
    loop.call_soon_threadsafe(loop.call_later, 0.05, client.app.state.service.stopping.begin)
    status, body, _, _ = raw(client, b"--x", pause=10)
    assert (status, body["status"]["details"]) == (503, "the service stops")


def test_a_picture_beyond_a_limit(serving, jpeg):
    limits = replace(Limits(), image_bytes=1000, pixels=50 * 50)
    client = serving(limits=limits)
    picture = jpeg(size=(60, 60))
    assert len(picture) < 3000
    for data, words in (
        (picture, "pixels" if len(picture) <= 1000 else "bytes"),
        (jpeg(size=(400, 300)), "bytes"),
        (jpeg(size=(51, 50), quality=5), "pixels"),
    ):
        (output,) = client.upload(data).json()["outputs"]
        assert output["status"]["code"] == 30105
        assert words in output["status"]["details"]


def test_a_bomb_is_known_by_its_header(client, jpeg):
    """A PNG of a few bytes that promises 40,000 x 40,000 pixels."""
    data = bytearray(jpeg(format="PNG"))
    data[16:24] = (40_000).to_bytes(4, "big") * 2
    (output,) = client.upload(bytes(data)).json()["outputs"]
    assert output["status"]["code"] in (30101, 30105)
    data[16:24] = (8_000).to_bytes(4, "big") * 2
    (output,) = client.upload(bytes(data)).json()["outputs"]
    assert output["status"]["code"] in (30101, 30105)


def test_a_jpeg_of_too_many_scans(client, jpeg):
    data = jpeg()
    many = data[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 150 + data[-2:]
    (output,) = client.upload(many).json()["outputs"]
    assert output["status"] == {
        "code": 30105,
        "description": "Input over the limit",
        "details": "a JPEG has at most 100 scans",
    }


@pytest.mark.parametrize("kind", ["TIFF", "JPEG2000", "PPM"])
def test_formats_that_are_not_for_strangers(client, jpeg, kind):
    (output,) = client.upload(jpeg(format=kind)).json()["outputs"]
    assert output["status"]["code"] == 30101
    assert output["status"]["details"] == "save it as JPEG, PNG, WebP, GIF, BMP or AVIF"


def test_more_pictures_than_a_call_may_have(client, jpeg):
    assert client.upload(*[jpeg()] * 129).status_code == 400


def test_more_than_may_wait(serving, jpeg):
    client = serving(queue=4)
    assert client.get("/v2/models").json()["limits"]["inputs"] == 4
    answer = client.upload(*[jpeg()] * 5)  # never
    assert (answer.status_code, answer.json()["status"]["code"]) == (400, 11102)
    with client.app.state.service.shelf.borrow("photos") as served:
        (other,) = served.batcher.promise(1)
        answer = client.upload(*[jpeg()] * 4)  # not now
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["status"]["code"] == 11005
        other.cancel()
    assert client.upload(*[jpeg()] * 4).status_code == 200


def test_no_time(serving, jpeg):
    (output,) = serving(deadline=-1.0).upload(jpeg()).json()["outputs"]
    assert output["status"]["code"] == 98009


def test_the_policy_is_the_documented_one():
    assert POLICY.startswith(
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'"
    )


def test_hosts():
    names = {"localhost:80": "localhost", "[::1]:8000": "::1", "A.b": "a.b", "[": "", "": ""}
    assert {netloc: hostname(netloc) for netloc in names} == names


class TestKeys:
    """A service that has keys."""

    @pytest.fixture
    def database(self, tmp_path):
        return f"sqlite:///{tmp_path / 'keys.db'}"

    @pytest.fixture
    def key(self, database):
        keys = open_keys(database)
        try:
            return keys.add("app")
        finally:
            keys.close()

    def test_every_call_needs_one(self, serving, database, key, jpeg):
        client = serving(keys=database)
        good = {"Authorization": f"Key {key}"}
        paths = ("/v2/models", "/v2/models/photos", "/v2/models/photos/names", "/metrics")
        for path in paths:
            for wrong in ({}, {"Authorization": "Key x"}, {"Authorization": f"Bearer {key}"},
                          {"Authorization": key}, {"Authorization": "Key "}):  # fmt: skip
                answer = client.get(path, headers=wrong)
                assert answer.status_code == 401, path
                assert answer.headers["www-authenticate"] == "Key"
            assert client.get(path, headers=good).status_code == 200, path
        for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/openapi.json"):
            assert client.get(path).status_code == 200, path
        host = {"host": "photos.example.org", "origin": "https://photos.example.org"}
        upload = {"file": ("a.jpg", jpeg())}
        assert client.post(UPLOAD, files=upload, headers={**good, **host}).status_code == 200

    def test_a_body_is_not_read_without_one(self, serving, database, key):
        status, _, _, taken = raw(serving(keys=database), bytes(1000))
        assert (status, taken) == (401, 0)

    def test_usage_is_written_before_the_answer_goes_out(self, serving, database, key, jpeg):
        client = serving(keys=database)
        good = {"Authorization": f"Key {key}"}
        call = {
            "method": "POST", "url": UPLOAD, "headers": good,
            "files": [("file", ("a.jpg", jpeg())), ("file", ("b.jpg", jpeg(1)))],
        }  # fmt: skip
        client.together(*[call] * 10)
        client.get("/v2/models", headers=good)
        client.get("/v2/models")
        (row,) = open_and_list(database)
        assert (row.calls, row.images) == (11, 20)

    def test_a_revoked_key_is_refused_at_once(self, serving, database, key, monkeypatch):
        monkeypatch.setattr("striate.serving.keys.BELIEVED", 0.0)
        client = serving(keys=database)
        good = {"Authorization": f"Key {key}"}
        assert client.get("/v2/models", headers=good).status_code == 200
        keys = open_keys(database)
        keys.revoke("app")
        keys.close()
        assert client.get("/v2/models", headers=good).status_code == 401
        assert client.get("/v2/models").status_code == 401

    def test_a_key_that_was_ever_made_keeps_the_door_shut(self, serving, database, key):
        keys = open_keys(database)
        keys.revoke("app")
        keys.close()
        assert serving(keys=database).get("/v2/models").status_code == 401

    def test_a_database_that_is_locked_is_not_our_mistake(
        self, serving, database, key, caplog, monkeypatch
    ):
        monkeypatch.setattr("striate.serving.keys.BUSY", 50)
        client = serving(keys=database)
        client.app.state.service.keys._engine.dispose()  # open connections would keep the lock away
        place = database.removeprefix("sqlite:///")
        lock = sqlite3.connect(place)
        lock.execute("PRAGMA locking_mode=EXCLUSIVE")
        lock.execute("BEGIN EXCLUSIVE")
        try:
            for wrong in (key, "striate_unknown"):
                answer = client.get("/v2/models", headers={"Authorization": f"Key {wrong}"})
                assert (answer.status_code, answer.json()["status"]["code"]) == (503, 98014)
                assert answer.headers["retry-after"] == "5"
        finally:
            lock.close()
        assert "Traceback" not in caplog.text
        answer = client.get("/v2/models", headers={"Authorization": f"Key {key}"})
        assert answer.status_code == 200

    def test_usage_that_cannot_be_written_is_not_our_mistake(
        self, serving, database, key, jpeg, monkeypatch, caplog
    ):
        client = serving(keys=database)
        monkeypatch.setattr("striate.serving.keys.add_usage", full_disk)
        good = {"Authorization": f"Key {key}"}
        answer = client.post(UPLOAD, files={"file": ("a.jpg", jpeg())}, headers=good)
        assert (answer.status_code, answer.json()["status"]["code"]) == (503, 98014)
        assert "Traceback" not in caplog.text

    def test_no_keys_and_no_door(self, serving, database):
        assert serving(keys=database).get("/v2/models").status_code == 200


def full_disk(*_):
    raise sql.exc.OperationalError("UPDATE", {}, sqlite3.OperationalError("disk is full"))


def open_and_list(database):
    keys = open_keys(database)
    try:
        return keys.list()
    finally:
        keys.close()
