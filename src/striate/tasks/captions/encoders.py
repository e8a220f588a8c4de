"""What is read of a picture: the last feature maps of a trained network, or gradients."""

from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.data import Dataset
from striate.handcrafted.hog import hog
from striate.images import View
from striate.models import create, entry
from striate.models.skeletons import undrawn
from striate.models.stages import Stages
from striate.tasks.contract import Ask
from striate.tasks.pictures import features as deep

SIDE = 128  # pixels of a picture whose gradients are read
COLORS = 4  # levels of each channel that colors are counted in
HOG = "hog"  # in a header, where others have the name of a network


def view(dataset: Dataset[Any], ask: Ask) -> View:
    """All of the picture, squeezed into a square: a sentence is about anything in it."""
    return replace(deep.view(dataset, ask.network, ask.weights), fit="squash")


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What a trained network reads of each picture."""
    return (view(dataset, ask),)


def plain_view(dataset: Dataset[Any]) -> View:
    """What gradients and colors are read of."""
    return replace(deep.view(dataset), size=SIDE, fit="squash", channels=3)


def plain_views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """The same, as a method has it."""
    return (plain_view(dataset),)


class Gradients(nn.Module):
    """Images (N, 3, S, S) in [0, 255] to (N, D): gray gradients in blocks (HOG), and how often each
    of 64 colors occurs in each quarter, each half of unit length."""

    def forward(self, images: Tensor) -> Tensor:
        gray = images.mean(1, keepdim=True)
        edges = hog(F.avg_pool2d(gray, 2)).flatten(1)
        levels = (images * (COLORS / 256)).long().clamp(0, COLORS - 1)
        number = (levels[:, 0] * COLORS + levels[:, 1]) * COLORS + levels[:, 2]
        counts = F.one_hot(number, COLORS**3).permute(0, 3, 1, 2).to(images)
        colors = F.adaptive_avg_pool2d(counts, 2).flatten(1).sqrt()
        return torch.cat([F.normalize(edges), F.normalize(colors)], 1)


def stages_of(name: str) -> Stages:
    """The network of that name, with fresh weights."""
    found = create(name)
    assert isinstance(found, Stages)  # every network with a name is one
    return found


@lru_cache
def last_maps(name: str) -> tuple[str, ...]:
    """The stages of a network from the first to the last that gives feature maps."""
    known = entry(name)
    with undrawn(), torch.no_grad():
        model = stages_of(name).eval()
        side = known.image_size
        found = model.features(torch.empty(0, known.channels, side, side))
    names = list(found)
    last = max(place for place, each in enumerate(names) if found[each].ndim == 4
               and min(found[each].shape[2:]) > 1)  # fmt: skip
    return tuple(names[: last + 1])


def parts(model: Stages, frozen: str) -> tuple[nn.Sequential, nn.Sequential]:
    """The stages of a network up to and with `frozen`, and those above it that give maps."""
    names = last_maps(model.name)
    place = names.index(frozen) + 1
    modules = dict(model.stages())
    lower, upper = ({each: modules[each] for each in some}
                    for some in (names[:place], names[place:]))  # fmt: skip
    return nn.Sequential(OrderedDict(lower)), nn.Sequential(OrderedDict(upper))


def pooled(maps: Tensor) -> Tensor:
    """(N, F) the mean over all places of maps (N, F, H, W), of length sqrt(F)."""
    mean = maps.mean((2, 3))
    return F.normalize(mean) * mean.shape[1] ** 0.5


def placed(maps: Tensor) -> Tensor:
    """(N, H * W, F) the features of each place of maps (N, F, H, W), of length sqrt(F)."""
    return F.normalize(maps.flatten(2).transpose(1, 2), dim=2) * maps.shape[1] ** 0.5
