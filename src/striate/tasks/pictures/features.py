"""Deep features of every picture of a set, by a network that was trained on others."""

import time
import weakref
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from striate.data import SMALL, Dataset, Decoded, bits_of, native
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.inference.outputs import outputs_of
from striate.models import entry, folded
from striate.models.surgery import Before
from striate.ops.memory import channels_last
from striate.progress import stage
from striate.tasks.contract import Ask
from striate.tasks.pictures.starting import PRETRAINED, channels_of, side_for, started

SMALL_SIDE = 96  # what pictures of at most SMALL pixels are enlarged to
BATCH = 32
Made = TypeVar("Made")


def view(dataset: Dataset[Any], name: str | None = None, weights: str | Path | None = None) -> View:
    """The network's own size for photographs; for small pictures less, where it computes that."""
    name = name or PRETRAINED
    side, _ = native(dataset)
    channels = channels_of(name, weights)
    bits = bits_of(dataset.inputs)
    if side <= SMALL:
        size = side_for(name, SMALL_SIDE, channels)
        return View(size, channels=channels, fit="squash", bits=bits)
    return View(entry(name).image_size, channels=channels, fraction=1.0, bits=bits)


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What it reads of each picture."""
    return (view(dataset, ask.network, ask.weights),)


_kept: dict[int, dict[Hashable, tuple[Any, float]]] = {}
"""What was computed of pixels, by their identity, as long as they live."""


def kept(pixels: NDArray[np.uint8], key: Hashable, make: Callable[[], Made]) -> tuple[Made, float]:
    """What `make` computes of pixels, once for as long as those live, and the seconds it took."""
    if id(pixels) not in _kept:
        _kept[id(pixels)] = {}
        weakref.finalize(pixels, _kept.pop, id(pixels), None)
    mine = _kept[id(pixels)]
    if key not in mine:
        start = time.perf_counter()
        made = make()
        mine[key] = made, time.perf_counter() - start
    return mine[key]


def deep_features(
    data: Decoded,
    name: str,
    weights: str | Path,
    preprocessing: Preprocessing,
    *,
    strips: int = 0,
    several: bool = False,
) -> tuple[NDArray[np.float32], float]:
    """The features (N, D) of every image by the pretrained network, and the seconds that took.

    A frozen network gives the same features each time, so those of a set are kept as long as its
    pixels: another draw of the same images computes nothing.

    Args:
        strips, several: as `started` takes them.
    """
    pixels = data.pixels[preprocessing.view]
    return kept(
        pixels,
        (name, str(weights), strips, several),
        lambda: _compute(
            pixels,
            started(name, weights, entry(name).classes, strips=strips, several=several).model,
            preprocessing,
        ),
    )


def _compute(
    pixels: NDArray[np.uint8], model: nn.Module, preprocessing: Preprocessing
) -> NDArray[np.float32]:
    trunk = channels_last(Before(folded(model))).to(fastest_device())
    with stage("deep features of each picture", len(pixels)) as bar:
        features = outputs_of(trunk, preprocessing, pixels, batch_size=BATCH, bar=bar)
    return features.flatten(1).numpy()
