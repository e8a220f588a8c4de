"""Methods on made-up speech, and that what they learn survives a file and answers alike."""

import copy
import itertools
import json

import numpy as np
import pytest
import soundfile
import torch

import striate
from striate.errors import AudioError, WeightsError
from striate.recognizer import Recognizer
from striate.tasks.speech import decoding
from striate.tasks.speech.learning import FILTERS, frames_of, pretrained, standardized
from striate.tasks.speech.predictors import built
from striate.tasks.table import TASKS


@pytest.fixture(params=["gmm-hmm", "dnn-hmm", "cnn-hmm"])
def learned(request, learn):
    return learn(request.param)


def saved(learned, path):
    Recognizer(TASKS["speech"], learned.predictor, (), {}).save(path)
    return path


def test_every_method_finds_the_words_of_other_speakers(learned, heard):
    assert learned.validation["word_accuracy"] > 0.9
    test = heard.dataset.test
    found = [learned.predictor.prepare(test.inputs.path(row)) for row in range(len(test))]
    answers = learned.predictor.predict(found)
    right = np.mean(
        [one.text == said for one, said in zip(answers, test.targets.sentences, strict=True)]
    )
    assert right > 0.8
    for one in answers:
        assert all(0 < word.confidence <= 1 for word in one.words)
        times = [edge for word in one.words for edge in (word.begin, word.end)]
        assert times == sorted(times)
        assert 0 <= times[0] <= times[-1] <= one.seconds + 1e-6


def test_a_file_answers_as_what_was_saved(learned, heard, tmp_path):
    again = striate.load(saved(learned, tmp_path / "words.safetensors"))
    path = heard.dataset.inputs.path(0)
    (alone,) = learned.predictor.predict([learned.predictor.prepare(path)])
    said = next(iter(again.predict([str(path)])))
    assert said.answer == alone
    assert json.loads(json.dumps(said.to_json()))["text"] == alone.text
    assert again.predictor.parameters == learned.predictor.parameters


def test_one_recording_is_answered_alike_alone_and_in_a_batch(learned, heard):
    some = [heard.spectra[row] for row in range(5)]
    together = learned.predictor.predict(some)
    for one, spectra in zip(together, some, strict=True):
        (alone,) = learned.predictor.predict([spectra])
        assert alone.text == one.text


def damaged(learned, path, change):
    predictor = copy.copy(learned.predictor)
    tensors, header = predictor.tensors(), predictor.header()
    change(tensors, header)
    predictor.tensors, predictor.header = (lambda: tensors), (lambda: header)
    return saved(type("L", (), {"predictor": predictor}), path)


def cut(name):
    def change(tensors, header):
        tensors[name] = tensors[name][:-1].clone()

    return change


CHANGES = {
    "durations": cut("stays"),
    "histories": cut("grammar.histories"),
    "words of the grammar": lambda tensors, _: tensors["grammar.words"].fill_(99),
    "pronunciations": lambda _, header: header["lexicon"]["pronunciations"][0][0].append(99),
    "no words": lambda _, header: header["lexicon"].update(words=[]),
    "order": lambda _, header: header.update(order=0),
    "filters": lambda _, header: header["filters"].update(high=9e9),
    "scale": lambda _, header: header.update(scale=float("nan")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_damaged_file_is_refused(learned, tmp_path, change):
    path = damaged(learned, tmp_path / "damaged.safetensors", change)
    with pytest.raises(WeightsError):
        striate.load(path)


def test_long_recordings_are_cut_where_they_are_quiet(learned, heard, tmp_path, monkeypatch):
    """Five recordings one after another, searched 150 frames at a time, have the same words."""
    monkeypatch.setattr(decoding, "LONGEST", 150)
    monkeypatch.setattr(decoding, "OVER", 120)
    rows = [row for row in range(len(heard.dataset)) if len(heard.spectra[row]) < 100][:5]
    parts = [soundfile.read(heard.dataset.inputs.path(row))[0] for row in rows]
    soundfile.write(tmp_path / "long.wav", np.concatenate(parts), 16_000)
    (answer,) = learned.predictor.predict([learned.predictor.prepare(tmp_path / "long.wav")])
    said = " ".join(heard.dataset.targets.words(row) for row in rows).split()
    found = answer.text.split()
    assert abs(len(found) - len(said)) <= 2
    assert sum(a == b for a, b in zip(found, said, strict=False)) > len(said) / 2
    times = [word.begin for word in answer.words]
    assert times == sorted(times)
    assert times[-1] > 2.5


def test_parts_join_without_gaps():
    loudness = np.random.default_rng(0).normal(0, 1, 10_000)
    parts = decoding.cuts(loudness)
    assert parts[0][0] == 0
    assert parts[-1][1] == 10_000
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    assert max(end - begin for begin, end in parts) <= decoding.LONGEST


@pytest.mark.parametrize(
    ("samples", "why"),
    [(np.zeros(0, "f4"), "holds no sound"), (np.zeros((5, 2), "f4"), "samples are"),
     (np.zeros(300, "f4"), "19 ms long"), (np.zeros(10**4 * 16_000, "f4"), "longer than 600 s")],
)  # fmt: skip
def test_arrays_that_are_no_recording_are_refused(learned, samples, why):
    with pytest.raises(AudioError, match=why):
        learned.predictor.prepare(samples)


def test_pre_training_makes_what_is_seen_likelier(heard):
    """The first machine's free energy of frames falls beside that of noise of the same spread."""
    aligned = heard.aligned()
    plan = {"kind": "dnn", "hidden": [16, 8], "logistic": True}
    model = built(plan, FILTERS, heard.lexicon.pdfs)
    before = [layer.weight.clone() for layer in model.layers]
    recognizer = standardized(heard, aligned, plan, model)
    frames = frames_of(heard, recognizer, aligned, {})
    pretrained(model, frames, 0, 64)
    for layer, old in zip(model.layers, before, strict=True):
        assert not torch.equal(layer.weight, old)
    seen = frames.batch(frames.train[:200]).windows.flatten(1)
    noise = torch.randn_like(seen)
    active = lambda visible: torch.nn.functional.softplus(model.layers[0](visible)).sum(1).mean()
    energy = lambda visible: 0.5 * (visible**2).sum(1).mean() - active(visible)
    with torch.no_grad():
        assert energy(seen) - energy(noise) < 0.5 * ((seen**2).sum(1) - (noise**2).sum(1)).mean()
