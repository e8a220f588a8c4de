"""Addresses that are not open to everybody, or not to be had."""

import socket

import pytest

from striate.errors import UserError
from striate.serving import Settings, open_keys
from striate.serving.running import listening, see_address, serve


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_alone_needs_no_keys(host):
    see_address(Settings((), host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", ""])
def test_others_need_keys(host, tmp_path):
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    for keys in (None, url):
        with pytest.raises(UserError, match="striate keys add"):
            see_address(Settings((), host=host, keys=keys))
    made = open_keys(url)
    made.add("app")
    made.close()
    see_address(Settings((), host=host, keys=url))


def test_an_address_that_is_taken_is_told_before_anything_is_loaded(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"127.0.0.1:{port}.*in use.*--port") as error:
            serve(Settings((str(tmp_path / "nothing.safetensors"),), port=port))
    assert "\n" not in str(error.value)


def test_an_address_of_another_machine(tmp_path):
    with (
        pytest.raises(UserError, match=r"cannot listen at 203\.0\.113\.7"),
        listening(Settings((), host="203.0.113.7")),
    ):
        pass
    with listening(Settings((), host="localhost", port=0)) as sockets:
        assert sockets
