"""Connections over a real socket: silent ones, slow headers, and readers that do not read."""

import contextlib
import itertools
import json
import socket
import threading
import time

import pytest
import uvicorn

from striate.serving import Settings, connections, create_app, visits
from striate.serving.running import Server, configured

GET = b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def address(model, monkeypatch):
    """A service on a socket; headers have 0.4 s, a reader 0.5 s."""
    monkeypatch.setattr(connections, "HEAD", 0.4)
    monkeypatch.setattr(connections, "READ", 0.5)
    settings = Settings((str(model),))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        app = create_app(settings)
        server = Server(configured(app, settings), app.state.service)
        thread = threading.Thread(target=server.run, args=[[listening]])
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()
        server.should_exit = True
        thread.join(60)


@contextlib.contextmanager
def connected(address):
    with socket.create_connection(address, timeout=20) as connection:
        yield connection


def everything(connection):
    """All that comes until the other side closes, and the seconds that took."""
    start, parts = time.monotonic(), []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts), time.monotonic() - start


def test_who_says_nothing_is_hung_up_on(address):
    with connected(address) as connection:
        answer, seconds = everything(connection)
    assert answer == b""
    assert 0.2 < seconds < 10


def test_headers_that_drip_are_not_waited_for(address):
    with connected(address) as connection:
        connection.sendall(GET[:20])
        time.sleep(0.2)
        connection.sendall(b"x")
        answer, seconds = everything(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"]["code"] == 98009
    assert seconds < 10


def dripping(connection, data, pause=0.02):
    """Sends a byte at a time until it is cut; what was answered, and the seconds."""
    start, answer = time.monotonic(), b""
    connection.setblocking(False)
    for byte in itertools.cycle(data):
        with contextlib.suppress(BlockingIOError):
            try:
                connection.send(bytes((byte,)))
                part = connection.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                break
            if not part:
                break
            answer += part
        assert time.monotonic() - start < 20
        time.sleep(pause)
    return answer, time.monotonic() - start


@pytest.mark.parametrize(
    "begun", [b"", GET[:18], GET[:-2] + b"X-Long: "], ids=["nothing", "line", "header"]
)
def test_a_byte_at_a_time_does_not_keep_a_connection(address, begun):
    """Whatever drips - the first line, a header - the clock goes on from the first byte."""
    with connected(address) as connection:
        connection.sendall(begun or b"G")
        answer, seconds = dripping(connection, b"x")
    assert answer.startswith(b"HTTP/1.1 408")
    assert 0.3 < seconds < 10


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_a_body_a_byte_at_a_time_is_cut(address, monkeypatch, chunked):
    monkeypatch.setattr(visits, "GRACE", 0.4)
    form = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 100000"
    head = (
        b"POST /v2/models/photos/outputs HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\n" + form + b"\r\n\r\n"
    )
    with connected(address) as connection:
        connection.sendall(head)
        answer, seconds = dripping(connection, b"1\r\nx\r\n" if chunked else b"x")
    assert answer.startswith(b"HTTP/1.1 408")
    assert 0.3 < seconds < 10


def test_a_body_that_nobody_wants_is_not_read_for_ever(address):
    """What follows a refusal is thrown away for as long as headers may take, and no longer."""
    head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
    with connected(address) as connection:
        connection.sendall(head)
        answer, seconds = dripping(connection, b"x")
    assert answer.startswith(b"HTTP/1.1 404")
    assert seconds < 10


def test_as_many_files_as_connections_need():
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < connections.FILES:
        pytest.skip(f"the system allows {before[1]} open files")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        connections.open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == connections.FILES
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def whole(connection):
    """One answer with its body, which may come in two pieces."""
    answer = connection.recv(65536)
    while b"}" not in answer:
        answer += connection.recv(65536)
    return answer


def test_a_second_call_on_a_connection_has_its_time_too(address):
    with connected(address) as connection:
        connection.sendall(GET)
        assert whole(connection).startswith(b"HTTP/1.1 200")
        time.sleep(0.6)  # idle connections have more time than headers
        connection.sendall(GET)
        assert whole(connection).startswith(b"HTTP/1.1 200")
        connection.sendall(GET[:20])
        answer, _ = everything(connection)
    assert answer.startswith(b"HTTP/1.1 408")


def test_what_is_no_http_is_refused_in_the_documented_form(address):
    with connected(address) as connection:
        connection.sendall(b"<nonsense>\r\n\r\n")
        answer, _ = everything(connection)
    assert answer.startswith(b"HTTP/1.1 400")
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert body["status"]["code"] == 11100
    assert b"nonsense" not in answer


def test_more_connections_than_there_are(address, monkeypatch):
    monkeypatch.setattr(connections, "MOST", 3)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            held = stack.enter_context(connected(address))
            held.sendall(GET)
            assert held.recv(65536).startswith(b"HTTP/1.1 200")
        with connected(address) as one_more:
            answer, _ = everything(one_more)
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after" in answer.lower()
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"]["code"] == 98014


def test_an_answer_that_is_not_read_is_not_kept(model, monkeypatch):
    """A reader that stops reading is hung up on, and what was held for it is given back."""
    monkeypatch.setattr(connections, "READ", 0.5)

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with contextlib.suppress(OSError):
            for _ in range(2000):
                await send({"type": "http.response.body", "body": bytes(2**16), "more_body": True})

    config = uvicorn.Config(
        app, http=connections.Connection, ws="none", lifespan="off", log_level="critical"
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=[[listening]])
        thread.start()
        while not server.started:
            time.sleep(0.01)
        with connected(listening.getsockname()) as connection:
            connection.sendall(GET)
            until = time.monotonic() + 20
            while server.server_state.connections and time.monotonic() < until:
                time.sleep(0.05)  # nothing is read
            assert not server.server_state.connections
        server.should_exit = True
        thread.join(60)
