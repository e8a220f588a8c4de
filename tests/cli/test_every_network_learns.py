"""train, for one epoch, with every network of `striate models` at its own image size.

Networks for photographs are an eighth or a quarter as wide as they are published, for it is their
widths that make them slow; depth, sizes of pictures and all that the command does with them are as
they are.
"""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import striate as library
from striate.models import NETWORKS
from striate.tasks.pictures import beginning

NARROW = 8  # times
# With AVX-512, oneDNN writes beyond its memory for the gradient of 1 x 1 kernels at stride 2 that
# read 8 channels; 16 are right.
LESS_NARROW = {"resnet18": 4, "resnet34": 4}
SMALL = 32  # pixels; networks for these are quick as they are


def narrow(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Builds layers with so much fewer channels, but for pictures, classes and what is odd."""
    for layer, names in (
        (nn.Conv2d, ("in_channels", "out_channels", "groups")),
        (nn.Linear, ("in_features", "out_features")),
        (nn.BatchNorm2d, ("num_features",)),
    ):
        monkeypatch.setattr(layer, "__init__", narrowed(layer.__init__, names, times))


def narrowed(usual: Callable[..., None], names: tuple[str, ...], times: int) -> Callable[..., None]:
    """A constructor that divides some of its arguments."""
    signature = inspect.signature(usual)

    def build(*arguments: Any, **options: Any) -> None:
        given = signature.bind(*arguments, **options)
        for name in names:
            value = given.arguments.get(name, 1)
            if value % times == 0:
                given.arguments[name] = value // times
        usual(*given.args, **given.kwargs)

    return build


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """The weights before the first step, once something is learned."""
    usual, weights = beginning.fit, {}

    def fit(model: nn.Module, *arguments: Any, **options: Any) -> Any:
        weights.update({name: one.clone() for name, one in model.named_parameters()})
        return usual(model, *arguments, **options)

    monkeypatch.setattr(beginning, "fit", fit)
    return weights


def pictures(folder: Path, side: int, channels: int) -> Path:
    """Three of each of two classes: stripes in two directions."""
    random = np.random.default_rng(0)
    for kind in ("across", "down"):
        (folder / kind).mkdir(parents=True)
        for number in range(3):
            pixels = random.integers(0, 60, (side, side, channels), dtype=np.uint8)
            pixels[:: number + 2] += 150
            pixels = pixels if kind == "down" else pixels.swapaxes(0, 1)
            Image.fromarray(pixels.squeeze()).save(folder / kind / f"{number}.bmp")
    return folder


@pytest.mark.parametrize("name", NETWORKS)
def test_it_learns_for_an_epoch_at_its_own_size(striate, started, tmp_path, monkeypatch, name):
    known = NETWORKS[name]
    if known.image_size > SMALL:
        narrow(monkeypatch, LESS_NARROW.get(name, NARROW))
    folder = pictures(tmp_path / "stripes", known.image_size, known.channels)
    done = striate(
        "train", folder, "--network", name, "--epochs", 1, "--set", "batch_size=2",
        "--set", "weight_decay=0", "--out", "run", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (result["method"], result["network"]) == ("scratch", name)
    assert [row["epoch"] for row in result["history"]] == [1]
    predictor = library.load("run/recognizer.safetensors").predictor
    view = predictor.preprocessing.view
    assert (view.size, view.channels) == (known.image_size, known.channels)
    learned = dict(predictor.model.named_parameters())
    assert learned.keys() == started.keys()
    still = [key for key, one in learned.items() if one.ndim > 1 and one.equal(started[key])]
    assert not still
