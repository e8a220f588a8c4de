"""Calls: who leaves stops their work, who floods delays nobody, and deadlines hold."""

import asyncio
import threading
import time

import httpx
import pytest
from tests.serving.test_video import film

from striate.progress import stage
from striate.serving import service as module
from striate.tasks.contract import Explained


class Slow:
    """Stands where a predictor prepares or a task explains: waits to be let go."""

    def __init__(self):
        self.began, self.go, self.stopped = (threading.Event() for _ in range(3))

    def prepare(self, real):
        def prepare(item):
            self.began.set()
            assert self.go.wait(30)
            return real(item)

        return prepare

    def explained(self, *_):
        with stage("occlude", None) as bar:
            self.began.set()
            try:
                while not self.go.wait(0.01):
                    bar.advance()
            except BaseException:
                self.stopped.set()
                raise
        raise AssertionError("nobody stopped it")


@pytest.fixture
def slow():
    made = Slow()
    yield made
    made.go.set()


def leave(client, began, **request):
    """Sends a call, and hangs up once its work has begun."""

    async def call():
        task = asyncio.create_task(client.http.request(**request))
        while not began():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    client.run(call())


def settled(client):
    """Whether nothing is held any more, soon."""
    service = client.app.state.service
    until = time.monotonic() + 20
    while time.monotonic() < until:
        waiting = [served.batcher.promised for served in service.shelf]
        turns = service.videos.here, service.explanations.here
        if service.workers.account.held == 0 and not any(waiting) and turns == (0, 0):
            return True
        time.sleep(0.02)
    return False


class Leaving(httpx.ASGITransport):
    """A transport whose caller is seen to leave when its task is cancelled."""

    async def handle_async_request(self, request):
        gone = asyncio.Event()
        body = await request.aread()
        parts = request.url.raw_path.partition(b"?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
            "method": request.method, "path": request.url.path, "raw_path": parts[0],
            "query_string": parts[2], "scheme": "http", "server": ("localhost", 80),
            "headers": [(k.lower(), v) for k, v in request.headers.raw], "client": ("127.0.0.1", 5),
        }  # fmt: skip
        given, sent = [body], []

        async def receive():
            if given:
                return {"type": "http.request", "body": given.pop(), "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        working = asyncio.create_task(self.app(scope, receive, send))
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError:
            gone.set()
            await working
            assert sent == []
            raise
        content = b"".join(each.get("body", b"") for each in sent[1:])
        return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=content)


@pytest.fixture
def leaver(serving):
    """`leaver()` is a client whose calls can be left."""

    def make(*models, **settings):
        client = serving(*models, **settings)
        client.run(client.http.aclose())
        client.http = httpx.AsyncClient(transport=Leaving(client.app), base_url="http://localhost")
        return client

    return make


def test_who_leaves_a_heat_map_stops_it(leaver, jpeg, slow, monkeypatch):
    client = leaver()
    with client.app.state.service.shelf.borrow("photos") as served:
        monkeypatch.setattr(type(served.task), "explained", slow.explained)
    upload = {"file": ("a.jpg", jpeg())}
    path = "/v2/models/photos/explain"
    leave(client, slow.began.is_set, method="POST", url=path, files=upload)
    assert slow.stopped.wait(20)
    assert settled(client)


def test_who_leaves_pictures_stops_them(leaver, jpeg, slow, monkeypatch):
    client = leaver()
    with client.app.state.service.shelf.borrow("photos") as served:
        prepared = []
        real = served.predictor.prepare
        monkeypatch.setattr(served.predictor, "prepare", slow.prepare(real))
        files = [("file", (f"{k}.jpg", jpeg(k))) for k in range(40)]
        path = "/v2/models/photos/upload"
        leave(client, slow.began.is_set, method="POST", url=path, files=files)
        monkeypatch.setattr(served.predictor, "prepare", lambda item: prepared.append(item))
        slow.go.set()
        assert settled(client)
        assert prepared == []  # those that had not begun


def test_who_leaves_a_video_stops_it(leaver, tmp_path, monkeypatch):
    data = film(tmp_path / "a.mp4", seconds=20, size=(640, 480)).read_bytes()
    client = leaver()
    service = client.app.state.service

    def began():
        return any(served.batcher.promised for served in service.shelf)

    files = {"file": ("a.mp4", data)}
    path = "/v2/models/photos/upload?sample_ms=100"
    leave(client, began, method="POST", url=path, files=files)
    assert settled(client)


def test_a_heat_map_has_a_deadline(serving, jpeg, slow, monkeypatch):
    client = serving(deadline=0.5)
    with client.app.state.service.shelf.borrow("photos") as served:
        monkeypatch.setattr(type(served.task), "explained", slow.explained)
    start = time.monotonic()
    upload = {"file": ("a.jpg", jpeg())}
    answer = client.post("/v2/models/photos/explain", files=upload)
    assert (answer.status_code, answer.json()["status"]["code"]) == (504, 98009)
    assert time.monotonic() - start < 15
    assert slow.stopped.wait(20)
    assert settled(client)


def test_a_turn_lasts_until_its_thread_has_ended(serving, jpeg, monkeypatch):
    """Work that cannot be stopped holds its turn, so that no second piece begins beside it."""
    go, running, most = threading.Event(), [], [0]

    def explained(*_):
        running.append(1)
        most[0] = max(most[0], len(running))
        go.wait(20)
        running.pop()
        return Explained("bars", 1.0, None, (0, 0, 1, 1), None)

    client = serving(deadline=0.3)
    with client.app.state.service.shelf.borrow("photos") as served:
        monkeypatch.setattr(type(served.task), "explained", explained)
    upload = {"file": ("a.jpg", jpeg())}
    for _ in range(2):
        assert client.post("/v2/models/photos/explain", files=upload).status_code == 504
    go.set()
    assert settled(client)
    assert most[0] == module.EXPLANATIONS


def test_one_picture_is_answered_beside_a_caller_who_floods(serving, jpeg, monkeypatch):
    client = serving()
    with client.app.state.service.shelf.borrow("photos") as served:
        real = served.predictor.predict

        def predict(batch):
            time.sleep(0.02 * len(batch))
            return real(batch)

        served.batcher._answer = predict
        path = "/v2/models/photos/upload"
        many = [("file", (f"{k}.jpg", jpeg(k))) for k in range(128)]
        flood = {"method": "POST", "url": path, "files": many}

        async def both():
            flooding = asyncio.create_task(client.http.request(**flood))
            await asyncio.sleep(0.5)
            start = time.monotonic()
            other = httpx.ASGITransport(client.app, client=("10.0.0.9", 9))
            async with httpx.AsyncClient(transport=other, base_url="http://localhost") as caller:
                answer = await caller.post(path, files={"file": ("a.jpg", jpeg())})
            seconds = time.monotonic() - start
            finished = flooding.done()
            return answer, seconds, finished, await flooding

        answer, seconds, finished, flooded = client.run(both())
        assert (answer.status_code, flooded.status_code) == (200, 200)
        assert not finished  # the flood takes 2.5 s at least
        assert seconds < 2


def test_many_videos_of_a_call_are_read_one_after_the_other(client, tmp_path):
    import base64

    data = base64.b64encode(film(tmp_path / "a.mp4", seconds=1).read_bytes()).decode()
    body = {"inputs": [{"data": {"video": {"base64": data}}}] * 8}
    answer = client.post("/v2/models/photos/outputs", json=body)
    assert answer.status_code == 200
    assert settled(client)


def test_what_failed_holds_nothing(serving, tmp_path, jpeg):
    """After a deadline, the pixels of a video's frames are given back."""
    data = film(tmp_path / "a.mp4", seconds=20, size=(640, 480)).read_bytes()
    client = serving(deadline=-119.0)
    (output,) = client.upload(data, sample_ms=100).json()["outputs"]
    assert output["status"]["code"] == 98009
    assert client.upload(jpeg()).json()["outputs"][0]["status"]["code"] == 98009
    assert settled(client)
