"""Bodies: what is refused before it is taken apart, and what is never repeated of a wrong one."""

import json
import threading
import time
from dataclasses import replace
from functools import partial

import pytest
from tests.serving.conftest import held

from striate.serving import Limits

JSON = {"content-type": "application/json"}
OUTPUTS, INFER = "/v2/models/photos/outputs", "/v2/models/photos/infer"
SECRET = "hunter2"


def test_more_values_than_a_body_may_have(serving):
    """Ten million empty lists are 30 MB, and as objects of Python 100 times as much."""
    client = serving(limits=replace(Limits(), values=1000))
    for body in (b"[],", b"1,", b'{"a":1},', b'"",'):
        content = b'{"inputs": [], "more": [' + body * 1001 + b"0]}"
        answer = client.post(OUTPUTS, content=content, headers=JSON)
        assert (answer.status_code, answer.json()["status"]["code"]) == (413, 11100)
    content = b'{"inputs": [], "more": [' + b"1," * 900 + b"0]}"
    assert client.post(OUTPUTS, content=content, headers=JSON).status_code == 400


def test_a_body_is_taken_apart_only_if_there_is_room(serving):
    limits = replace(Limits(), coming_bytes=20_000)
    client = serving(limits=limits)
    content = json.dumps({"inputs": [], "more": ["a" * 12_000]})
    answer = client.post(OUTPUTS, content=content, headers=JSON)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert held(client.app.state.service.workers.account) == 0


def test_the_loop_goes_on_while_a_body_is_taken_apart(client, monkeypatch):
    """Whatever grows with a request is done in a thread."""
    began, go = threading.Event(), threading.Event()

    def parsed(shape, body, share):
        began.set()
        assert go.wait(20)
        return shape.model_validate_json(body)

    monkeypatch.setattr("striate.serving.bodies.parsed", parsed)
    body = json.dumps({"inputs": [{"data": {"image": {"base64": "a"}}}]})
    post = partial(client.post, OUTPUTS, content=body, headers=JSON)
    thread = threading.Thread(target=post)
    thread.start()
    assert began.wait(20)
    start = time.monotonic()
    assert client.get("/v2/health/live").status_code == 200
    assert time.monotonic() - start < 10
    go.set()
    thread.join(20)


LISTS = [
    (OUTPUTS, {"inputs": [{"data": {"image": {"base64": "a"}}}] * 129}),
    (OUTPUTS, {"inputs": [{"data": {"image": {"base64": "a"}}}], "model": {"output_info": {
        "output_config": {"select_concepts": [{"id": "a"}] * 1001}}}}),
    (INFER, {"inputs": [{"name": "images", "datatype": "BYTES", "shape": [129],
                         "data": ["a"] * 129}]}),
    (INFER, {"inputs": [{"name": "images", "datatype": "BYTES", "shape": [1, 1], "data": ["a"]}]}),
    (INFER, {"inputs": [{"name": "images", "datatype": "BYTES", "shape": [1], "data": ["a"]}] * 2}),
    (INFER, {"inputs": [{"name": "images", "datatype": "BYTES", "shape": [1], "data": ["a"]}],
             "outputs": [{"name": "known"}] * 33}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), LISTS)
def test_every_list_has_a_maximum(client, path, body):
    answer = client.post(path, json=body)
    assert answer.status_code == 400
    assert "has too many entries" in answer.text


WRONG = [
    (OUTPUTS, {"inputs": [{"data": {"image": {SECRET: 1}}}]}),
    (OUTPUTS, {"inputs": [{"id": SECRET * 100, "data": {"image": {"base64": "a"}}}]}),
    (OUTPUTS, {"inputs": SECRET}),
    (OUTPUTS, {"inputs": [{"data": {"image": {"base64": "a"}}}],
               "model": {"output_info": {"output_config": {"language": SECRET + "!"}}}}),
    (OUTPUTS, {"inputs": [{"data": {"image": {"base64": "a"}}}],
               "model": {"output_info": {"output_config": {"max_concepts": SECRET}}}}),
    (INFER, {"inputs": [{"name": SECRET, "datatype": "BYTES", "shape": [1], "data": ["a"]}]}),
    (INFER, {"inputs": [{"name": "images", "datatype": SECRET, "shape": [1], "data": ["a"]}]}),
    (INFER, {"inputs": [{"name": "images", "datatype": "BYTES", "shape": [SECRET], "data": []}]}),
    (INFER, {"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1, 28, 28, 3],
                         "data": [SECRET]}]}),
    (INFER, {"inputs": [{"name": "images", "datatype": "BYTES", "shape": [1], "data": [SECRET]}]}),
    (INFER, {"inputs": [{"name": "images", "datatype": "BYTES", "shape": [1], "data": ["a"]}],
             "outputs": [{"name": SECRET}]}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), WRONG)
def test_what_a_caller_sent_is_not_repeated(client, path, body):
    answer = client.post(path, json=body)
    assert answer.status_code in (400, 422)
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "query", ["max_concepts=hunter2", "language=hunter2!", "sample_ms=hunter2", "min_value=hunter2"]
)
def test_a_query_is_not_repeated(client, jpeg, query):
    answer = client.post(f"/v2/models/photos/upload?{query}", files={"file": ("a.jpg", jpeg())})
    assert answer.status_code == 400
    assert SECRET not in answer.text
    assert query.partition("=")[0] in answer.text


CHARSETS = ("undefined", "idna", "punycode", "hex", "rot13", "zlib", "no-such", "utf-7", "\x00",
            "a" * 5000, "unicode_escape", "utf-16")  # fmt: skip


@pytest.mark.parametrize("charset", CHARSETS)
def test_odd_character_sets_of_a_form(client, charset):
    head = 'Content-Disposition: form-data; name="file\xe4"; filename="\xff\xfe.jpg"'
    body = b"--x\r\n" + head.encode("latin-1") + b"\r\n\r\nnothing\r\n--x--\r\n"
    kind = f"multipart/form-data; boundary=x; charset={charset}".encode()
    for path in ("upload", "explain"):
        answer = client.post(
            f"/v2/models/photos/{path}", content=body, headers=[(b"content-type", kind)]
        )
        assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "kind",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" +
     "x" * 500, "multipart/form-data; boundary=\xe4", 'multipart/form-data; boundary="'],
)  # fmt: skip
def test_odd_boundaries(client, kind):
    headers = [(b"content-type", kind.encode("latin-1"))]
    answer = client.post("/v2/models/photos/upload", content=b"--x\r\n\r\n--x--", headers=headers)
    assert (answer.status_code, answer.json()["status"]["code"]) == (400, 11100)
