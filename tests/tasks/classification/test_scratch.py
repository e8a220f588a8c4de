"""Learning from nothing: the size and recipe that fit, weights to start from, a time limit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from striate.data import Array, Dataset, Decoded, Labels
from striate.models import NETWORKS
from striate.recognizer import Recognizer, load
from striate.tasks.classification.methods import METHODS
from striate.tasks.classification.network import Network
from striate.tasks.classification.task import Classification
from striate.tasks.contract import Ask, Learned, Plan
from striate.tasks.pictures import beginning as scratch
from striate.training import Recipe, recipes

METHOD = METHODS["scratch"]
SHORT = recipes.SCRATCH_SMALL.but(epochs=2)


def pictures(side: int, *, gray: bool = False) -> Dataset[Labels]:
    """Twelve noisy pictures of three classes."""
    shape = (12, side, side) if gray else (12, side, side, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    split = np.repeat(np.array([0, 1, 2], np.int8), [6, 3, 3])
    return Dataset("noise", Array(pixels), Labels(("a", "b", "c"), np.arange(12) % 3), split)


def learn(dataset: Dataset[Labels], **wishes: Any) -> tuple[Learned, Decoded]:
    ask = Ask(**wishes)
    METHOD.ready("scratch", ask)
    data = Classification().prepare(dataset, [Plan("scratch", METHOD, ask)])
    return METHOD.learn(data, ask), data


def network_of(learned: Learned) -> Network:
    assert isinstance(learned.predictor, Network)
    return learned.predictor


@pytest.mark.parametrize(
    ("side", "gray", "name", "size", "channels"),
    [(28, True, "lenet5", 28, 1), (32, True, "lenet5", 32, 1), (32, False, "airbench", 32, 3),
     (100, False, "resnet18", 96, 3), (100, True, "resnet18", 96, 3)],
)  # fmt: skip
def test_the_network_fits_the_pictures(
    side: int, gray: bool, name: str, size: int, channels: int
) -> None:
    some = pictures(side, gray=gray)
    assert scratch.network(some) == name
    (view,) = METHOD.views(some, Ask())
    assert (view.size, view.channels, view.fit) == (size, channels, "squash")


@pytest.mark.parametrize(
    ("name", "size"),
    [("alexnet", 227), ("zfnet", 224), ("overfeat_fast", 231), ("overfeat_accurate", 221),
     ("lenet5", 28), ("lenet5_1998", 28), ("resnet20", 32), ("airbench", 32), ("resnet50", 224),
     ("efficientnet_lite2", 260), ("googlenet", 224)],
)  # fmt: skip
def test_a_network_that_is_named_reads_photographs_at_its_own_size(name: str, size: int) -> None:
    (view,) = METHOD.views(pictures(100), Ask(network=name))
    assert (view.size, view.channels) == (size, 3)


@pytest.mark.parametrize(("size", "epochs", "patience"), [(96, 26, 13), (224, 15, 8)])
def test_smaller_pictures_are_seen_more_often(size: int, epochs: int, patience: int) -> None:
    labels = Labels(("a", "b"), np.arange(600) % 2)
    pixels = np.zeros((600, 100, 100, 3), np.uint8)
    photographs = Dataset("photographs", Array(pixels), labels, np.zeros(600, np.int8))
    recipe = scratch.recipe_for(photographs, "resnet18", size)
    assert (recipe.epochs, recipe.patience) == (epochs, patience)


def test_every_network_may_be_asked_for() -> None:
    assert METHOD.networks == tuple(NETWORKS)


def test_a_network_without_a_full_connection_learns_too() -> None:
    learned, data = learn(pictures(28, gray=True), network="lenet5_1998", recipe=SHORT)
    assert [row["epoch"] for row in learned.history] == [1, 2]
    assert network_of(learned).familiarity is None
    pixels = data.pixels[network_of(learned).preprocessing.view]
    assert np.isfinite(network_of(learned).answers(pixels)[0]).all()


def test_it_is_complete_and_keeps_its_answers(tmp_path: Path) -> None:
    learned, data = learn(pictures(28, gray=True), recipe=SHORT, seed=4)
    network = network_of(learned)
    assert (learned.network, learned.answers) == ("lenet5", None)
    assert set(learned.validation) == {"top1", "top5", "validation_loss"}
    assert learned.notes[0].startswith("lenet5 at 28 px, epoch ")
    assert network.familiarity is not None
    assert network.calibration.temperature != 1.0
    assert learned.recipe["weights"] == "random"
    assert Recipe.from_json({k: v for k, v in learned.recipe.items() if k != "weights"}) == SHORT
    path = tmp_path / "r.safetensors"
    Recognizer(Classification(), network, data.dataset.classes).save(path)
    again = load(path, device="cpu").predictor
    assert isinstance(again, Network)
    pixels = data.pixels[network.preprocessing.view]
    for one, other in zip(network.answers(pixels), again.answers(pixels), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_seed_the_same_weights() -> None:
    some = pictures(28, gray=True)
    first, second, third = (learn(some, recipe=SHORT, seed=seed)[0] for seed in (1, 1, 2))
    states = [network_of(one).model.state_dict() for one in (first, second, third)]
    assert all(torch.equal(t, states[1][name]) for name, t in states[0].items())
    assert not all(torch.equal(t, states[2][name]) for name, t in states[0].items())


def test_epochs_and_a_time_limit() -> None:
    some = pictures(28, gray=True)
    assert len(learn(some, epochs=3)[0].history) == 3
    learned, _ = learn(some, epochs=3, recipe=recipes.SCRATCH_SMALL.but(batch_size=2), seconds=0.0)
    assert [row["step"] for row in learned.history] == [1]
    assert learned.notes == ("lenet5 at 28 px, epoch 0.3 of 0.3",)


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    some = pictures(28, gray=True)
    whole, _ = learn(some, recipe=SHORT)
    learn(some, recipe=SHORT, folder=tmp_path, seconds=0.0)
    again, _ = learn(some, recipe=SHORT, folder=tmp_path, resume=True)
    assert [row["epoch"] for row in again.history] == [1, 2]  # six images are one step
    for name, tensor in network_of(whole).model.state_dict().items():
        assert torch.equal(tensor, network_of(again).model.state_dict()[name])
