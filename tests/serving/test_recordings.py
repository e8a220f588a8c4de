"""A recording goes in, and words with their times come out."""

import base64

import pytest
from tests.serving.conftest import Client
from tests.serving.words import two_words, wav


@pytest.fixture
def words(serving, tmp_path) -> Client:
    """A service with a recognizer of two words."""
    return serving(two_words(tmp_path / "calls.safetensors"))


def test_words_with_times(words):
    answer = words.upload(wav(1.5), wav(0.7), model="calls")
    assert answer.status_code == 200, answer.text
    for output, seconds in zip(answer.json()["outputs"], (1.5, 0.7), strict=True):
        found = output["data"]["regions"]
        assert (
            " ".join(one["data"]["concepts"][0]["name"] for one in found)
            == (output["data"]["text"]["raw"])
        )
        times = [one["time_segment"] for one in found]
        assert all(0 <= each["begin"] < each["end"] <= seconds for each in times)
        assert {one["data"]["concepts"][0]["name"] for one in found} <= {"yes", "no"}


def test_a_recording_as_base64(words):
    data = base64.b64encode(wav(0.7)).decode()
    body = {"inputs": [{"data": {"audio": {"base64": data}}}]}
    (output,) = words.post("/v2/models/calls/outputs", json=body).json()["outputs"]
    assert output["data"]["text"]["raw"]


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "empty file"), (b"no sound at all" * 9, "cannot be read as WAV, FLAC, Ogg or MP3"),
     (wav(0.0), "holds no sound"), (wav(0.01), "shorter than one window"),
     (wav(700, 4000), "700 s long; 600 s are read at most")],
)  # fmt: skip
def test_what_is_no_recording_is_refused(words, data, why):
    answer = words.upload(data, model="calls")
    assert answer.status_code == 422
    (output,) = answer.json()["outputs"]
    assert why in output["status"]["details"]
