"""Addresses that are not open to everybody, or not to be had."""

import re
import socket
import threading
import time

import httpx
import pytest
from tests.serving.test_video import film

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


def test_a_video_under_way_is_answered_in_the_documented_form(server, tmp_path):
    """SIGTERM in the middle of a video: the frames that were taken, and that there are more."""
    pytest.importorskip("av")
    data = film(tmp_path / "a.mp4", seconds=60).read_bytes()
    # One place in the queue: a frame waits some 30 ms for it, so 600 of them take long anywhere.
    process, url, log = server("--deadline", 4, "--queue", 1)

    def stop():
        busy = re.compile("^striate_images_waiting.* 1.0$", re.MULTILINE)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if busy.search(httpx.get(f"{url}/metrics", trust_env=False).text):
                break
            time.sleep(0.01)
        process.terminate()

    stopping = threading.Thread(target=stop)
    stopping.start()
    answer = httpx.post(
        f"{url}/v2/models/photos/upload?sample_ms=100", trust_env=False, timeout=60,
        files={"file": ("a.mp4", data)},
    )  # fmt: skip
    stopping.join()
    process.wait(60)
    status = answer.json()["status"]
    assert (answer.status_code, status["code"]) == (207, 10010), status
    (output,) = answer.json()["outputs"]
    assert (output["status"]["code"], output["status"]["details"]) == (
        10010, "the service stops: the frames until then",
    )  # fmt: skip
    frames = output["data"]["frames"]
    assert 0 < len(frames) < 600
    assert [each["frame_info"]["index"] for each in frames] == list(range(len(frames)))
    assert not [line for line in log if "Traceback" in line]
