"""Frames of videos: which ones, upright, how many; and when the process that decodes is killed."""

import asyncio
import base64
import contextlib
import tempfile
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest

from striate.serving import Limits, video
from striate.serving.account import Account, Line, Share
from striate.serving.refusals import Unanswered
from striate.serving.stopping import Stopping

av = pytest.importorskip("av")


def film(path, *, seconds=3.0, rate=10, size=(64, 48), codec="mpeg4"):
    """A video whose upper left corner is red and whose rest brightens by 2 with each frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(int(seconds * rate)):
            pixels = np.full((size[1], size[0], 3), 2 * number % 256, np.uint8)
            pixels[: size[1] // 2, : size[0] // 2] = 255, 0, 0
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def watched(path, sample_ms=1000, *, limits=None, thumbnails=False):
    """All frames that are looked at."""

    async def collect():
        with path.open("rb") as file:
            async with contextlib.aclosing(
                watching(file, sample_ms, limits or Limits(), thumbnails=thumbnails)
            ) as frames:
                return [frame async for frame in frames]

    return asyncio.run(collect())


def watching(file, sample_ms, limits, **options):
    """`video.watch` of a service that has room and does not stop."""
    account = Account(10**9, 0)

    async def room(height, width):
        share = Share(account, Line.WORKING)
        assert share.grow(3 * height * width)
        return share

    return video.watch(file, sample_ms, limits, Stopping(30.0), room=room, seconds=120.0, **options)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "mpeg4"), ("a.mov", "libx264"), ("a.mkv", "mpeg4"), ("a.webm", "libvpx-vp9"),
     ("a.avi", "mpeg4")],
)  # fmt: skip
def test_one_frame_a_second(tmp_path, name, codec):
    frames = watched(film(tmp_path / name, codec=codec))
    assert [(frame.index, frame.milliseconds) for frame in frames] == [
        (0, 0), (1, 1000), (2, 2000),
    ]  # fmt: skip
    for number, frame in enumerate(frames):
        assert frame.pixels.shape == (48, 64, 3)
        np.testing.assert_allclose(frame.pixels[40, 50], [20 * number] * 3, atol=6)
        np.testing.assert_allclose(frame.pixels[5, 5], [255, 0, 0], atol=30)


def test_more_frames_than_that(tmp_path):
    path = film(tmp_path / "a.mp4", seconds=1)
    assert [frame.milliseconds for frame in watched(path, 250)] == [0, 300, 500, 800]
    assert len(watched(path, 100)) == 10


def test_a_phone_held_upright(tmp_path):
    """The display matrix of the track says: a quarter turn clockwise."""
    path = film(tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    turned = [0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30]
    data[matrix : matrix + 36] = np.array(turned, ">i4").tobytes()
    path.write_bytes(data)
    first = watched(path)[0].pixels
    assert first.shape == (64, 48, 3)
    np.testing.assert_allclose(first[5, 40], [255, 0, 0], atol=30)  # upper left is now upper right
    np.testing.assert_allclose(first[50, 5], [0, 0, 0], atol=30)


def test_thumbnails(tmp_path):
    frames = watched(film(tmp_path / "a.mp4", size=(640, 480)), thumbnails=True)
    for frame in frames:
        head, _, data = frame.thumbnail.partition(",")
        assert head == "data:image/jpeg;base64"
        assert base64.b64decode(data)[:2] == b"\xff\xd8"
    assert frames[0].without_pixels().pixels.size == 0


@pytest.mark.parametrize(
    ("limits", "code"),
    [({"frames": 2}, 31105), ({"video_seconds": 2.0}, 31105), ({"pixels": 64 * 48 * 5 - 5}, 31105),
     ({"video_patience": 0.01}, 98009)],
)  # fmt: skip
def test_beyond_a_limit(tmp_path, limits, code):
    path = film(tmp_path / "a.mp4")
    with pytest.raises(Unanswered) as error:
        watched(path, limits=replace(Limits(), **limits))
    assert error.value.code.number == code


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "playlist", "head", "noise"])
def test_what_is_no_video(tmp_path, damage):
    path = film(tmp_path / "a.mp4")
    data = path.read_bytes()
    (tmp_path / "secret").write_bytes(data)
    path.write_bytes({
        "cut": data[:200],
        "empty": b"",
        "text": b"not a video",
        "playlist": f"#EXTM3U\n#EXTINF:1,\nfile://{tmp_path}/secret\n".encode(),
        "head": data[:48],
        "noise": data[:40] + np.random.default_rng(0).bytes(5000),
    }[damage])  # fmt: skip
    with pytest.raises(Unanswered) as error:
        watched(path)
    assert error.value.code.number == 31101
    assert error.value.details == "not a video that can be read"


def test_the_process_is_gone_when_nobody_looks_any_more(tmp_path):
    path = film(tmp_path / "a.mp4", size=(640, 480), seconds=10)

    async def first_only():
        with path.open("rb") as file:
            async with contextlib.aclosing(watching(file, 100, Limits())) as frames:
                await anext(frames)
                return psutil.Process().children()

    children = asyncio.run(first_only())
    assert children
    for child in children:
        assert not child.is_running()


@pytest.fixture
def hanging(tmp_path, monkeypatch):
    """What decodes videos does nothing."""
    program = tmp_path / "frames.py"
    program.write_text("import time\ntime.sleep(100)\n")
    monkeypatch.setattr(video.frames, "__file__", str(program))


def test_it_is_killed_when_it_hangs(tmp_path, hanging):
    start = time.monotonic()
    with pytest.raises(Unanswered) as error:
        watched(film(tmp_path / "a.mp4"), limits=replace(Limits(), video_patience=0.5))
    assert error.value.code.number == 98009
    assert time.monotonic() - start < 20


class TestService:
    """Through the service."""

    def test_a_timeline(self, client, tmp_path):
        data = film(tmp_path / "a.mp4").read_bytes()
        body = client.upload(data, thumbnails="true", max_concepts=1).json()
        (output,) = body["outputs"]
        assert output["input"] == {"id": "0.jpg", "data": {"video": {}}}
        frames = output["data"]["frames"]
        assert [each["frame_info"] for each in frames] == [
            {"index": k, "time": 1000 * k} for k in range(3)
        ]
        assert all(len(each["data"]["concepts"]) == 1 for each in frames)
        assert all(each["thumbnail"].startswith("data:image/jpeg;base64,") for each in frames)

    def test_as_base64_among_pictures(self, client, tmp_path, jpeg):
        data = base64.b64encode(film(tmp_path / "a.webm", codec="libvpx-vp9").read_bytes())
        picture = base64.b64encode(jpeg()).decode()
        answer = client.post("/v2/models/photos/outputs", json={"inputs": [
            {"data": {"video": {"base64": data.decode()}}},
            {"data": {"image": {"base64": picture}}},
            {"data": {"video": {"base64": picture}}},
            {"data": {"image": {"base64": data.decode()}}},
        ]})  # fmt: skip
        codes = [each["status"]["code"] for each in answer.json()["outputs"]]
        assert codes == [10000, 10000, 31101, 30101]

    def test_a_video_stands_alone(self, client, tmp_path, jpeg):
        data = film(tmp_path / "a.mp4").read_bytes()
        assert client.upload(data, jpeg()).status_code == 400

    def test_it_waits_for_places_instead_of_being_refused(self, serving, tmp_path):
        client = serving(queue=1)
        answer = client.upload(film(tmp_path / "a.mp4").read_bytes(), sample_ms=100)
        assert len(answer.json()["outputs"][0]["data"]["frames"]) == 30

    def test_without_what_decodes_them(self, client, tmp_path, monkeypatch):
        data = film(tmp_path / "a.mp4").read_bytes()
        monkeypatch.setattr(video, "possible", lambda: False)
        assert client.get("/v2/models").json()["videos"] is False
        assert client.upload(data).json()["outputs"][0]["status"]["code"] == 31101

    def test_it_ends_with_its_call(self, serving, tmp_path, hanging):
        """A call that has waited long for its turn has less time for the video."""
        client, start = serving(deadline=1.0 - Limits().video_patience), time.monotonic()
        (output,) = client.upload(film(tmp_path / "a.mp4").read_bytes()).json()["outputs"]
        assert output["status"]["code"] == 98009
        assert time.monotonic() - start < 20

    def test_nothing_is_left_on_disk(self, client, tmp_path, monkeypatch):
        place = tmp_path / "temporary"
        place.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        client.upload(film(tmp_path / "a.mp4", size=(640, 480), seconds=10).read_bytes())
        assert list(place.iterdir()) == []
