"""Occlusion maps from a part of the places, with the error measured on some of the others.

Neighboring squares hide almost the same pixels, so what they take away changes little from one
place to the next: every `skip`-th place down and across is computed, the rest is interpolated
(coarse to fine, as in Nakandala et al., SIGMOD 2019, Section 5, but on a fixed grid).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.training import evaluating
from striate.visualize.occlusion import Maps, occlusion, paint, places
from striate.visualize.reading import answer, batch_of


@dataclass(frozen=True, eq=False)
class Approximation:
    """Maps of all places, most of them interpolated.

    Attributes:
        error: root mean square, in probability, at the places that were computed to know it.
        largest_error: the largest of them.
        checked: how many those were; none of them was used for the maps.
    """

    maps: Maps
    error: float
    largest_error: float
    checked: int


def approximate_occlusion(
    model: nn.Module,
    image: Tensor,
    target: int | None = None,
    *,
    size: int = 32,
    stride: int = 8,
    skip: int = 2,
    fill: float | Sequence[float] = 0.0,
    layer: str | None = None,
    check: int = 8,
    seed: int = 0,
) -> Approximation:
    """As `occlusion`, from about 1 in skip^2 of the places; probabilities and activations between
    them are interpolated bilinearly, the most probable class is that of the nearest place.

    Args:
        skip: how many strides apart the computed places lie.
        check: places beside them that are computed too, to measure the error.
        seed: of which ones.

    Raises:
        UnknownName, ModelError: as `occlusion`; and if `skip` is less than 1.
    """
    if skip < 1 or check < 1:
        raise ModelError(f"skip and check are 1 or more, not {skip} and {check}")
    image = batch_of(model, image)
    coarse = occlusion(
        model, image, target, size=size, stride=stride * skip, fill=fill, layer=layer
    )
    tops, lefts = (places(side, size, stride) for side in image.shape[-2:])

    def between(values: NDArray[np.float64]) -> NDArray[np.float64]:
        down = np.stack([np.interp(tops, coarse.tops, column) for column in values.T], 1)
        return np.stack([np.interp(lefts, coarse.lefts, row) for row in down])

    maps = replace(
        coarse,
        probability=between(coarse.probability),
        activation=between(coarse.activation),
        most_probable=coarse.most_probable[
            np.ix_(nearest(tops, coarse.tops), nearest(lefts, coarse.lefts))
        ],
        tops=tops,
        lefts=lefts,
    )
    left_out = np.argwhere(~np.isin(tops, coarse.tops)[:, None] | ~np.isin(lefts, coarse.lefts))
    if not len(left_out):
        return Approximation(maps, 0.0, 0.0, 0)
    chosen = np.random.default_rng(seed).permutation(left_out)[:check]
    color = paint(fill, image.shape[1], image)
    hidden = image.repeat(len(chosen), 1, 1, 1)
    for one, (row, column) in zip(hidden, chosen, strict=True):
        one[:, tops[row] : tops[row] + size, lefts[column] : lefts[column] + size] = color[0]
    with evaluating(model), torch.no_grad():
        exact = answer(model, hidden).softmax(-1)[:, maps.target].double().cpu().numpy()
    errors = maps.probability[chosen[:, 0], chosen[:, 1]] - exact
    return Approximation(
        maps, float(np.sqrt((errors**2).mean())), float(np.abs(errors).max()), len(chosen)
    )


def nearest(wanted: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each wanted number the place of the nearest known one, the first of two.

    >>> nearest(np.array([0, 4, 9]), np.array([0, 8])).tolist()
    [0, 0, 1]
    """
    return np.abs(wanted[:, None] - known[None]).argmin(1)
