"""Belief nets as methods: what they begin with, go on with, and what is kept of them."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from striate.data import Array, Dataset, Decoded, Labels
from striate.errors import UserError
from striate.models.dbn import DBN
from striate.recognizer import Recognizer, load
from striate.tasks.classification import dbn
from striate.tasks.classification.methods import METHODS
from striate.tasks.classification.network import Network
from striate.tasks.classification.task import Classification
from striate.tasks.contract import Ask, Learned, Plan
from striate.tasks.pictures.hiding import explain, mapped

NAMES = ("rows", "columns", "nothing")
WAYS = ("dbn", "dbn_random", "dbn_labels")


SMALL = dbn.Machines(hidden=(24, 12), rate=0.05)


def stripes(count: int, side: int = 6, *, color: bool = False) -> Dataset[Labels]:
    """Noisy pictures with two bright rows, two bright columns, or neither."""
    random = np.random.default_rng(2)
    targets = np.arange(count) % 3
    pixels = random.integers(0, 70, (count, side, side, 3) if color else (count, side, side))
    for picture, target in zip(pixels, targets, strict=True):
        place = random.integers(0, side - 1)
        part = slice(place, place + 2)
        if target < 2:
            picture[part if target == 0 else (slice(None), part)] += 180
    split = np.array([0, 0, 0, 1, 2], np.int8)[np.arange(count) * 5 // count]
    return Dataset("stripes", Array(pixels.astype(np.uint8)), Labels(NAMES, targets), split)


def learn(way: str, dataset: Dataset[Labels], **wishes: Any) -> tuple[Learned, Decoded]:
    method, ask = METHODS[way], Ask(choices=SMALL, **wishes)
    method.ready(way, ask)
    data = Classification().prepare(dataset, [Plan(way, method, ask)])
    return method.learn(data, ask), data


def network_of(learned: Learned) -> Network:
    assert isinstance(learned.predictor, Network)
    return learned.predictor


@pytest.fixture(scope="module")
def learned() -> dict[str, tuple[Learned, Decoded]]:
    """Each way, on 120 pictures."""
    some, passes = stripes(200), {"dbn": 8, "dbn_random": 8, "dbn_labels": 32}
    settings = ("batch_size=10", "learning_rate=0.02")
    return {way: learn(way, some, epochs=passes[way], settings=settings) for way in WAYS}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_learns(way: str, learned: dict[str, tuple[Learned, Decoded]]) -> None:
    found = learned[way][0]
    assert found.validation["top1"] > 0.6
    assert ("pre-train" in found.seconds) == (way != "dbn_random")
    assert "of 24-12 units at 6 px, epoch " in found.notes[0]
    assert len(found.notes) == 1 + (way != "dbn_random")


@pytest.mark.parametrize("way", WAYS)
def test_it_is_kept_in_a_file(
    way: str, learned: dict[str, tuple[Learned, Decoded]], tmp_path: Path
) -> None:
    found, data = learned[way]
    mine = network_of(found)
    Recognizer(Classification(), mine, NAMES).save(tmp_path / "d.safetensors")
    again = load(tmp_path / "d.safetensors", device="cpu").predictor
    assert isinstance(again, Network)
    pixels = data.pixels[mine.preprocessing.view]
    assert np.array_equal(mine.answers(pixels)[0], again.answers(pixels)[0])
    assert (mine.familiarity is None) == (way == "dbn_labels")


@pytest.mark.parametrize("way", ["dbn", "dbn_labels"])
def test_its_graph_gives_the_same_answers(
    way: str, learned: dict[str, tuple[Learned, Decoded]]
) -> None:
    found, data = learned[way]
    mine = network_of(found)
    pictures = np.stack([data.dataset.inputs[row] for row in range(4)])  # (4, 6, 6, 3)
    images = torch.from_numpy(pictures)
    with torch.no_grad():
        probabilities = mine.graph().module(images, torch.zeros(4))[0]
    prepared = [mine.prepare(picture) for picture in pictures]
    for ours, theirs in zip(mine.predict(prepared), probabilities.numpy(), strict=True):
        np.testing.assert_allclose(ours.probabilities, theirs, atol=1e-5)


def test_hiding_shows_what_answers_depend_on(
    learned: dict[str, tuple[Learned, Decoded]], tmp_path: Path
) -> None:
    """Without feature maps, every hidden picture is computed whole."""
    for way in ("dbn", "dbn_labels"):
        found, data = learned[way]
        mine = network_of(found)
        row = int(np.flatnonzero(data.dataset.targets.single() == 0)[0])
        file = io.BytesIO()
        Image.fromarray(data.dataset.inputs[row]).save(file, "PNG")
        seen = explain(mine, NAMES, file.getvalue(), "rows")
        bright = data.pixels[mine.preprocessing.view][row, ..., 0] > 128
        assert seen.map[bright].mean() > seen.map[~bright].mean()
        assert not mapped(mine.model)
        place = tmp_path / "picture.png"
        place.write_bytes(file.getvalue())
        drawn = Classification().explanation(mine, NAMES, str(place), "rows", "occlusion")
        assert drawn is not None
        assert drawn.facts["probability"] == seen.probability
    assert mapped(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2)))


def test_back_propagation_begins_at_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the random one does not; what they learn from then on is the same."""
    begun: list[dict[str, torch.Tensor]] = []
    usual = dbn.fit

    def fit(model: nn.Module, *arguments: Any, **options: Any) -> Any:
        begun.append({name: one.clone() for name, one in model.named_parameters()})
        return usual(model, *arguments, **options)

    monkeypatch.setattr(dbn, "fit", fit)
    stacks = []
    machines = dbn.machines
    monkeypatch.setattr(
        dbn, "machines", lambda *a, **o: stacks.append(machines(*a, **o)) or stacks[-1]
    )
    some = stripes(40)
    for way in ("dbn", "dbn_random"):
        learn(way, some, epochs=1)
    lower, upper = stacks[0].machines
    assert torch.equal(begun[0]["h1.1.weight"], lower.weight)
    assert torch.equal(begun[0]["h2.0.bias"], upper.hidden_bias)
    assert not torch.equal(begun[1]["h1.1.weight"], lower.weight)
    assert torch.equal(begun[0]["output.weight"], begun[1]["output.weight"])


@pytest.mark.parametrize("way", WAYS)
def test_a_stopped_run_goes_on(way: str, tmp_path: Path) -> None:
    some, settings = stripes(40), ("batch_size=12",)
    whole, _ = learn(way, some, epochs=2, settings=settings)
    learn(way, some, epochs=2, settings=settings, folder=tmp_path, seconds=0.0)
    again, _ = learn(way, some, epochs=2, settings=settings, folder=tmp_path, resume=True)
    assert again.history[-1] == whole.history[-1]
    assert again.notes[1:] == whole.notes[1:]


def test_pictures_in_color_are_real_numbers() -> None:
    """Of mean 0 and variance 1; photographs are made small."""
    found, data = learn("dbn_labels", stripes(30, side=80, color=True), epochs=1)
    mine = network_of(found)
    view = mine.preprocessing.view
    assert (view.size, view.channels) == (32, 3)
    assert isinstance(mine.model, DBN)
    assert mine.model.layers()[0].gaussian
    images = mine.preprocessing.tensor(data.pixels[view][data.dataset.split == 0])
    assert abs(float(images.mean())) < 0.05
    assert float(images.std()) == pytest.approx(1, abs=0.05)


def test_what_it_has_no_use_for_is_refused() -> None:
    with pytest.raises(UserError, match="dbn learns without a network"):
        METHODS["dbn"].ready("dbn", Ask(network="lenet5"))


@pytest.mark.parametrize("wrong", [{"hidden": ()}, {"hidden": (0,)}, {"passes": 0}, {"rate": 2.0}])
def test_choices_that_teach_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        dbn.Machines(**wrong)


def test_how_long_it_takes_is_told_beforehand() -> None:
    method, ask = METHODS["dbn"], Ask(epochs=10)
    data = Classification().prepare(stripes(40), [Plan("dbn", method, ask)])
    assert method.lasts is not None
    short = method.lasts(data, ask, 1)
    assert 0 < short < 60
    more = replace(ask, choices=dbn.Machines(passes=1000))
    assert method.lasts(data, more, 1) > 10 * short
    assert method.lasts(data, replace(ask, epochs=1000), 1) > 10 * short
