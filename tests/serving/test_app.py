"""The service from the outside: who is answered, with which headers, and what a failure says."""

import pytest

PATHS = ("/v2", "/v2/models", "/v2/models/photos", "/v2/health/live", "/openapi.json", "/nowhere")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_tells_browsers_what_they_may_do(client, path):
    headers = client.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


def test_a_path_that_is_none(client):
    answer = client.get("/v2/nowhere/<marquee>")
    assert answer.status_code == 404
    assert answer.json()["status"]["code"] == 11101
    assert "marquee" not in answer.text


def test_a_method_that_is_none_says_which_one_is(client):
    answer = client.get("/v2/models/photos/upload")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["status"]["code"] == 11103


def test_only_this_machine_by_its_own_names(client):
    for host in (
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.example",
        "",
        "[",
        "10.0.0.1",
    ):
        answer = client.get("/v2/models", headers={"host": host})
        assert answer.status_code == 421, host
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:80", "[::1]:8000"):
        assert client.get("/v2/models", headers={"host": host}).status_code == 200, host


def test_a_page_elsewhere_is_not_answered(client, jpeg):
    odd = ("http://[", "http://[::1", "[", "http://\x00", "//", "http://a]b", "\xff", "x" * 5000)
    for origin in ("http://evil.example", "null", "http://localhost:1", "", *odd):
        origin = origin.encode("latin-1")
        answer = client.post(
            "/v2/models/photos/upload", headers={"origin": origin}, files={"file": jpeg()}
        )
        assert answer.status_code == 403, origin
    twice = [("origin", "http://evil.example"), ("origin", "http://localhost")]
    assert client.get("/v2/models", headers=twice).status_code == 403
    answer = client.post(
        "/v2/models/photos/upload",
        headers={"origin": "http://localhost"},
        files={"file": ("a.jpg", jpeg())},
    )
    assert answer.status_code == 200


def test_a_mistake_of_ours_is_told_to_the_log_alone(client, jpeg, monkeypatch, caplog):
    def broken():
        raise RuntimeError("a secret")

    monkeypatch.setattr("striate.serving.answers.utc", broken)
    answer = client.upload(jpeg())
    assert answer.status_code == 500
    assert answer.json()["status"]["code"] == 98004
    assert "secret" not in answer.text
    assert "a secret" in caplog.text
    assert answer.headers["x-frame-options"] == "DENY"


def test_the_log_has_no_content(client, jpeg, caplog):
    caplog.set_level("INFO", "striate.serving")
    client.post(
        "/v2/models/photos/upload?language=xx",
        files={"file": ("my-secret-name.jpg", jpeg())},
    )
    assert "POST /v2/models/{name}/upload 404" in caplog.text
    assert "secret" not in caplog.text
    assert "xx" not in caplog.text


def test_counters(client, jpeg):
    client.upload(jpeg(), b"no picture")
    text = client.get("/metrics").text
    assert 'striate_images_total{model="photos",outcome="answered"} 1.0' in text
    assert 'striate_images_total{model="photos",outcome="failed"} 1.0' in text
    route = 'method="POST",route="/v2/models/{name}/upload",status="207"'
    assert f"striate_requests_total{{{route}}} 1.0" in text
    assert 'striate_images_waiting{model="photos"} 0.0' in text
