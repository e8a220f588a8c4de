"""The exported graph, from samples on, answers as the recognizer does."""

import json

import numpy as np
import pytest
import torch

import striate
from striate.errors import AudioError, WeightsError
from striate.recognizer import Recognizer
from striate.tasks.speech.features import samples
from striate.tasks.table import TASKS

OTHER = {
    "lexicon": {"units": ["SIL", "A"], "words": ["A"], "pronunciations": [[[1]]]},
    "stays": [0.5] * 6, "order": 1, "grammar.histories": [[-2]], "grammar.backoffs": [0.0],
    "grammar.after": [0, 0], "grammar.words": [0, 1], "grammar.weights": [-1.0, -1.0],
}  # fmt: skip


@pytest.mark.parametrize("method", ["gmm-hmm", "dnn-hmm", "cnn-hmm"])
def test_samples_have_the_same_scores(learn, heard, method):
    predictor = learn(method).predictor
    path = heard.dataset.inputs.path(0)
    frames = predictor.prepare(path)
    with torch.no_grad():
        scores, loudness = predictor.graph().module(torch.from_numpy(samples(path, 16_000)))
    np.testing.assert_allclose(loudness, frames[:, -1], atol=1e-3)
    (expected,) = predictor.scores([frames])
    np.testing.assert_allclose(scores, expected, atol=0.05 if method == "gmm-hmm" else 0.01)


def test_an_export_finds_the_same_words_at_the_same_times(learn, heard, tmp_path):
    recognizer = Recognizer(TASKS["speech"], learn("cnn-hmm").predictor, ())
    path = tmp_path / "calls.onnx"
    striate.exporting.export(recognizer, path, to="onnx")
    exported = striate.load(path)
    some = [str(heard.dataset.inputs.path(row)) for row in range(4)]
    for one, two in zip(exported(some), recognizer(some), strict=True):
        assert one.answer.text
        assert one.line(None) == two.line(None)
        for mine, theirs in zip(one.answer.words, two.answer.words, strict=True):
            assert mine[:3] == theirs[:3]
            assert mine.confidence == pytest.approx(theirs.confidence, abs=1e-3)
    with pytest.raises(AudioError, match="19 ms long"):
        exported.predictor.prepare(np.zeros(300, np.float32))
    beside = json.loads((tmp_path / "calls.decoding.json").read_text())
    assert len(beside["stays"]) == 3 * len(beside["lexicon"]["units"])
    runtime = exported.predictor.runtime
    with pytest.raises(WeightsError, match="scores"):
        TASKS["speech"].exported(runtime, {**runtime.metadata["predictor"], **OTHER}, ())
