"""Addresses that are not open to everybody, or not to be had."""

import pytest

from striate.errors import UserError
from striate.serving import Settings, open_keys
from striate.serving.running import see_address


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
