"""Links: attempts to reach what is not for strangers, and servers that misbehave. No network."""

import io
import socket
import threading
import time
from dataclasses import replace

import pytest
from tests.serving.conftest import held

from striate.serving import Limits
from striate.serving.links import BadLink, Fetcher, NotFetched, parse, public

PUBLIC = "93.184.215.14"
PICTURE = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npicture"

WRITTEN = [  # refused by what is written, before any name is looked up
    "ftp://example.org/a.jpg", "file:///etc/passwd", "gopher://example.org/_x", "data:,x",
    "dict://example.org:80/", "jar:http://example.org!/", "ldap://example.org", "//example.org/",
    "example.org/a.jpg", "", "http://", "http:///a.jpg", "https://:443/",
    "http://user@example.org/", "http://user:password@example.org/", "http://@127.0.0.1/",
    "http://example.org@127.0.0.1/", "http://example.org:22/", "http://example.org:443/",
    "https://example.org:80/", "http://example.org:65536/", "http://example.org:x/",
    "http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://127.1/",
    "http://0177.0.0.1/", "http://0x7f.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1./",
    "http://134744072/", "http://8.8.2056/", "http://08.8.8.8/", "http://0/", "http://0.0.0.0/",
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://169.254.169.254/",
    "http://100.64.0.1/", "http://100.100.100.200/", "http://192.0.0.192/", "http://192.0.2.1/",
    "http://198.18.0.1/", "http://224.0.0.1/", "http://240.0.0.1/", "http://255.255.255.255/",
    "http://192.88.99.1/", "http://168.63.129.16/", "http://[::1]/", "http://[::]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:8.8.8.8]/",
    "http://[::127.0.0.1]/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fc00::1]/",
    "http://[ff02::1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::]/", "http://[2001:db8::1]/",
    "http://[fec0::1]/", "http://[127.0.0.1]/", "http://[::1]evil.example/", "http://[::1/",
    "http://localhost/", "http://LOCALHOST/", "http://intranet/", "http://exa mple.org/",
    "http://example.org\\@127.0.0.1/", "http:\\\\127.0.0.1/", "http://example.org/\r\nHost: x",
    "http://ex\u2025ample.org/", "http://\u2460\u2461\u2466.0.0.1/", "http://127%2e0%2e0%2e1/",
    "http://-a.example/", "http://a..example/", "http://" + "a" * 5000 + ".example/",
]  # fmt: skip

ADDRESSES = [  # what the name server says of a harmless name
    ["127.0.0.1"], ["10.1.2.3"], ["169.254.169.254"], ["0.0.0.0"], ["::1"], ["fd00:ec2::254"],
    ["::ffff:169.254.169.254"], ["64:ff9b::a9fe:a9fe"], ["2002:a9fe:a9fe::"],
    [PUBLIC, "127.0.0.1"], ["2606:2800:21f::1", "fe80::1"], ["fe80::1%eth0"], [],
]  # fmt: skip


class Net:
    """A name server and a network: what was asked, where connections went, what they say."""

    def __init__(self, answers=(PICTURE,), addresses=((PUBLIC,),), drip=None):
        self.answers, self.addresses, self.drip = list(answers), list(addresses), drip
        self.asked, self.connected, self.heard = [], [], []
        self.threads = []

    def resolve(self, host, port):
        self.asked.append(host)
        return self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]

    def connect(self, address, port, seconds):
        self.connected.append((address, port))
        ours, theirs = socket.socketpair()
        ours.settimeout(seconds)
        answer = self.answers.pop(0)
        self.threads.append(threading.Thread(target=self._serve, args=[theirs, answer]))
        self.threads[-1].start()
        return ours

    def _serve(self, connection, answer):
        with connection:
            connection.settimeout(10)
            try:
                self.heard.append(connection.recv(65536))
                if self.drip is None:
                    connection.sendall(answer)
                    return
                for byte in answer:
                    connection.sendall(bytes([byte]))
                    time.sleep(self.drip)
            except OSError:
                pass  # the other side has had enough


@pytest.fixture
def follow():
    """`follow(net, link)` is what is fetched; nothing is left open."""
    made = []

    def fetch(net, link="http://example.org/a.jpg", *, limit=1000, seconds=5.0, stop=None):
        made.append((net, Fetcher(resolve=net.resolve, connect=net.connect)))
        file = io.BytesIO()
        stop = stop or threading.Event()
        made[-1][1].fetch(link, file, limit=limit, seconds=seconds, stop=stop)
        return file.getvalue()

    yield fetch
    for net, fetcher in made:
        fetcher.close()
        for thread in net.threads:
            thread.join(20)


def moved(place, status=302):
    return f"HTTP/1.1 {status} Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()


def test_a_picture(follow):
    net = Net()
    assert follow(net, "http://Example.org/a.jpg?b=c#d") == b"picture"
    assert net.asked == ["example.org"]
    assert net.connected == [(PUBLIC, 80)]
    assert net.heard[0].startswith(b"GET /a.jpg?b=c HTTP/1.1\r\nHost: example.org\r\n")
    assert b"Accept-Encoding: identity" in net.heard[0]


def test_there_are_enough_attempts():
    assert len(WRITTEN) + len(ADDRESSES) >= 80


@pytest.mark.parametrize("link", WRITTEN)
def test_a_link_that_is_refused_as_it_is_written(follow, link):
    net = Net()
    with pytest.raises(BadLink):
        follow(net, link)
    assert (net.asked, net.connected) == ([], [])


@pytest.mark.parametrize("addresses", ADDRESSES, ids=str)
def test_a_name_that_leads_inside(follow, addresses):
    net = Net(addresses=[addresses])
    with pytest.raises((BadLink, NotFetched)):
        follow(net)
    assert net.connected == []


HEADERS = [  # what can stand in a header, and does not lead back to where it came from
    link
    for link in WRITTEN
    if ":" in link.partition("//")[0]
    and link.isascii()
    and "\n" not in link
    and link not in ("http://", "http:///a.jpg")
]


@pytest.mark.parametrize("link", HEADERS)
def test_a_redirect_that_leads_inside(follow, link):
    net = Net([moved(link)])
    with pytest.raises((BadLink, NotFetched)):
        follow(net)
    assert len(net.connected) == 1


def test_a_name_that_leads_inside_the_second_time(follow):
    """The connection goes to the address that was checked: the name is not asked again."""
    net = Net(addresses=[[PUBLIC], ["127.0.0.1"]])
    assert follow(net) == b"picture"
    assert net.connected == [(PUBLIC, 80)]
    net = Net([moved("/again"), PICTURE], addresses=[[PUBLIC], ["127.0.0.1"]])
    with pytest.raises(BadLink):  # a redirect is a new link, and its name is looked at anew
        follow(net)
    assert net.connected == [(PUBLIC, 80)]


def test_redirects_are_followed_a_few_times(follow):
    net = Net([moved("/b"), moved("http://other.example/c", 307), PICTURE])
    assert follow(net) == b"picture"
    assert net.asked == ["example.org", "example.org", "other.example"]
    with pytest.raises(NotFetched):
        follow(Net([moved("/b")] * 9))


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"nonsense\r\n\r\n", b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 206 Part\r\nContent-Length: 7\r\n\r\npicture",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + bytes(2000),
        b"HTTP/1.1 200 OK\r\n\r\n" + bytes(5000),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + bytes(2000),
        b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\npicture",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\npicture",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\npicture",
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
    ],
)  # fmt: skip
def test_an_answer_that_is_none(follow, answer):
    with pytest.raises(NotFetched):
        follow(Net([answer] * 9))


def test_a_server_that_drips_holds_nobody(follow):
    start = time.monotonic()
    with pytest.raises(NotFetched):
        follow(Net(drip=0.05), seconds=0.3)
    assert time.monotonic() - start < 5


def test_a_server_that_says_nothing(follow):
    class Silent(Net):
        def _serve(self, connection, answer):
            with connection:
                connection.recv(65536)
                connection.recv(1)  # until the other side hangs up

    start = time.monotonic()
    with pytest.raises(NotFetched):
        follow(Silent(), seconds=0.3)
    assert time.monotonic() - start < 5


def test_what_is_not_wanted_any_more_is_not_fetched(follow):
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    start = time.monotonic()
    with pytest.raises(NotFetched):
        follow(Net(drip=0.05), seconds=30.0, stop=stop)
    assert time.monotonic() - start < 10


def test_tls_is_spoken_and_what_answers_otherwise_is_nothing(follow):
    net = Net()
    with pytest.raises(NotFetched):
        follow(net, "https://example.org/")
    assert net.connected == [(PUBLIC, 443)]
    assert net.heard[0][0] == 22  # a TLS handshake
    assert b"example.org" in net.heard[0]  # its server name


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses(address):
    assert str(public(address)) == address


def test_plain_links():
    assert parse("https://example.org").path == "/"
    assert parse("http://8.8.8.8:80/").host == "8.8.8.8"
    assert parse("http://[2606:2800:21f::1]/").host == "2606:2800:21f::1"
    assert parse("http://xn--bcher-kva.example./").host == "xn--bcher-kva.example"


class TestService:
    """Through the service: off by default, and every failure sounds the same."""

    @staticmethod
    def ask(client, link, kind="image"):
        body = {"inputs": [{"data": {kind: {"url": link}}}]}
        return client.post("/v2/models/photos/outputs", json=body)

    def test_off_by_default(self, client):
        answer = self.ask(client, "https://example.org/a.jpg")
        assert answer.status_code == 422
        (output,) = answer.json()["outputs"]
        assert output["status"]["code"] == 30106
        assert "--allow-links" in output["status"]["details"]

    def test_a_picture_by_link(self, serving, jpeg):
        data = jpeg()
        net = Net([b"HTTP/1.1 200 OK\r\n\r\n" + data])
        client = serving(allow_links=True)
        client.app.state.service.fetcher._resolve = net.resolve
        client.app.state.service.fetcher._connect = net.connect
        answer = self.ask(client, "http://example.org/a.jpg")
        assert answer.status_code == 200
        (output,) = answer.json()["outputs"]
        assert output["input"]["data"] == {"image": {"url": "http://example.org/a.jpg"}}
        assert output["data"] == client.upload(data).json()["outputs"][0]["data"]
        net.threads[0].join(20)

    def test_why_it_failed_is_not_told(self, serving, monkeypatch):
        """Nor whether a name exists inside: not by words, and not by the time that it takes."""
        monkeypatch.setattr("striate.serving.inputs.SLOWEST", 0.3)
        client = serving(allow_links=True)
        fetcher = client.app.state.service.fetcher

        def answered(net, kind="image", link="http://example.org/"):
            fetcher._resolve, fetcher._connect = net.resolve, net.connect
            start = time.monotonic()
            status = self.ask(client, link, kind).json()["outputs"][0]["status"]
            for thread in net.threads:
                thread.join(20)
            assert time.monotonic() - start >= 0.3
            return status

        class Nowhere(Net):
            def resolve(self, host, port):
                raise socket.gaierror(-2, "Name or service not known")

        class Closed(Net):
            def connect(self, address, port, seconds):
                raise ConnectionRefusedError

        for kind, code in (("image", 30002), ("video", 31002)):
            found = [
                answered(net, kind)
                for net in (
                    Net([b""]), Net([b"HTTP/1.1 404 No\r\n\r\nroot:x:0:0"]), Nowhere(), Closed(),
                    Net(addresses=[["127.0.0.1"]]), Net(addresses=[["::ffff:10.0.0.1"]]),
                    Net([moved("http://10.0.0.1/")]), Net([moved("http://intranet/")]),
                    Net([moved("ftp://example.org/")]),
                )
            ]  # fmt: skip
            assert found == [{"code": code, "description": "The link could not be fetched"}] * 9
        link = "http://10.0.0.1/"  # by what is written alone
        assert self.ask(client, link).json()["outputs"][0]["status"]["code"] == 30106

    def test_what_is_fetched_is_counted(self, serving, jpeg):
        """128 links of 32 MiB would be 4 GB: each takes its bytes before it is followed."""
        data = jpeg(size=(300, 300))
        answer = b"HTTP/1.1 200 OK\r\n\r\n" + data
        net = Net([answer] * 20)
        limits = replace(Limits(), image_bytes=100_000, coming_bytes=350_000)
        client = serving(allow_links=True, limits=limits)
        service, most = client.app.state.service, [0]
        fetcher = service.fetcher

        def connect(address, port, seconds):
            most[0] = max(most[0], len(net.connected) - len(done))
            time.sleep(0.02)
            return net.connect(address, port, seconds)

        done: list[bytes] = []
        fetch = fetcher.fetch

        def counted(link, file, **options):
            fetch(link, file, **options)
            done.append(link)

        fetcher._resolve, fetcher._connect, fetcher.fetch = net.resolve, connect, counted
        body = {"inputs": [{"data": {"image": {"url": "http://example.org/"}}}] * 20}
        answer = client.post("/v2/models/photos/outputs", json=body)
        assert answer.status_code == 200
        assert most[0] <= 3
        assert held(service.workers.account) == 0
        for thread in net.threads:
            thread.join(20)
