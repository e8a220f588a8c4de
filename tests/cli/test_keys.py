"""striate keys: made, listed, revoked."""

import json

import pytest


@pytest.fixture(autouse=True)
def _own_keys(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))


def test_a_key_is_printed_once(striate, tmp_path):
    done = striate("keys", "add", "app")
    assert (done.code, done.err) == (0, "")
    key = done.out.strip()
    assert key.startswith("striate_")
    listed = striate("keys", "list")
    assert listed.out.startswith("app  since ")
    assert listed.out.endswith("valid; 0 calls, 0 pictures\n")
    assert key not in listed.out
    assert (tmp_path / "share" / "striate" / "keys.db").is_file()


def test_for_programs(striate):
    key = json.loads(striate("keys", "add", "app", "--json").out)
    assert key["name"] == "app"
    (row,) = map(json.loads, striate("keys", "list", "--json").out.splitlines())
    assert (row["name"], row["revoked"], row["calls"], row["images"]) == ("app", None, 0, 0)


def test_a_key_is_revoked(striate):
    striate("keys", "add", "app")
    assert striate("keys", "revoke", "app").code == 0
    assert "revoked" in striate("keys", "list").out
    again = striate("keys", "revoke", "app")
    assert (again.code, again.one_line) == (2, True)


def test_a_name_that_is_taken(striate):
    striate("keys", "add", "app")
    done = striate("keys", "add", "app")
    assert (done.code, done.one_line) == (2, True)


def test_another_database(striate, tmp_path):
    url = f"sqlite:///{tmp_path / 'other.db'}"
    striate("keys", "add", "app", "--keys", url)
    assert striate("keys", "list").out == ""
    assert striate("keys", "list", "--keys", url).out.startswith("app")
    done = striate("keys", "list", "--keys", "nonsense")
    assert (done.code, done.one_line) == (2, True)
