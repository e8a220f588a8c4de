"""Routes: what matches decides what a call may do, whatever its path looks like."""

import pytest

from striate.serving import open_keys
from striate.serving.routes import OPEN, PLAIN, Form, route_of

ODD = ("", "%0A", "%0D", "%00", "/", "//", "%20", ";x", "%2F", "/.", "?x", "%3F")
CLOSED = (
    "/metrics", "/v2/models", "/v2/models/photos", "/v2/models/photos/names",
    "/v2/models/photos/ready",
)  # fmt: skip


@pytest.fixture
def locked(serving, tmp_path):
    """A service that needs a key."""
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    keys = open_keys(url)
    keys.add("app")
    keys.close()
    return serving(keys=url)


@pytest.mark.parametrize("path", CLOSED)
def test_no_spelling_of_a_path_opens_it(locked, path):
    for end in ODD:
        answer = locked.get(path + end)
        assert answer.status_code in (401, 404), (path, end)
        assert "striate_requests" not in answer.text
        assert "photos" not in answer.text
    assert locked.get("/" + path[1:].replace("/", "//")).status_code in (401, 404)
    assert locked.get(path.upper()).status_code in (401, 404)


def test_what_is_not_opened_by_name_needs_a_key(locked):
    found = {getattr(route, "path", None): route for route in locked.app.routes}
    assert found.keys() >= OPEN | PLAIN
    assert None not in found
    for path in found.keys() - OPEN:
        answer = locked.get(path.format(name="photos"))
        assert answer.status_code == 401, path
    for path in OPEN - {"/page"}:
        assert locked.get(path).status_code == 200, path
    assert locked.get("/page/base.css").status_code == 200
    assert locked.get("/page/../app.py").status_code in (401, 404)


def test_the_form_of_an_error_is_that_of_the_route(client):
    def form(method, path):
        scope = {"type": "http", "method": method, "path": path, "headers": [], "root_path": ""}
        return route_of(client.app.routes, scope).form

    assert form("POST", "/v2/models/a/infer") is Form.PLAIN
    assert form("GET", "/v2/models/infer") is Form.STATUS  # a model of that name
    assert form("GET", "/v2/models/a/names/infer") is Form.STATUS
