"""A recording goes in, and words with their times come out."""

import base64
import io

import numpy as np
import pytest
import soundfile
from tests.serving.conftest import Client

from striate.hmm import Lexicon, Mixtures, word_list
from striate.recognizer import Recognizer
from striate.tasks.speech.decoding import Language
from striate.tasks.speech.features import CEPSTRA, CHANNELS
from striate.tasks.speech.learning import FILTERS
from striate.tasks.speech.predictors import MixtureRecognizer
from striate.tasks.table import TASKS


def wav(seconds: float, rate: int = 8000) -> bytes:
    stream = io.BytesIO()
    samples = np.random.default_rng(0).normal(0, 0.1, int(rate * seconds))
    soundfile.write(stream, samples, rate, format="WAV")
    return stream.getvalue()


@pytest.fixture
def words(serving, tmp_path) -> Client:
    """A service with a recognizer of two words that has learned nothing."""
    lexicon = Lexicon.of([("yes", "YES"), ("no", "NO")])
    random = np.random.default_rng(0)
    shape = (lexicon.pdfs, 1, CEPSTRA * CHANNELS)
    mixtures = Mixtures(
        np.ones(shape[:2]), random.normal(0, 1, shape), np.ones(shape), np.full(shape[2], 0.01)
    )
    language = Language(lexicon, word_list(2), np.full(lexicon.pdfs, 0.5), 1.0, 0.0)
    path = tmp_path / "calls.safetensors"
    Recognizer(TASKS["speech"], MixtureRecognizer(FILTERS, language, mixtures), ()).save(path)
    return serving(path)


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
