"""The shapes of a set, as the networks of heat maps use them: learned from training pictures, how
much to trust them from validation pictures."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.splits import TRAIN, VALIDATION
from striate.inference import Preprocessing, device_of, evaluating
from striate.models.heat_maps import HeatMaps
from striate.models.shapes import ShapePrior
from striate.tasks.keypoints.problem import AT_ONCE, Placed, errors, measured

NOISES = (1e-4, 3e-4, 1e-3, 3e-3)  # variances of single places, in squared sides of a look
REACHES = (0.015, 0.03, 0.06)  # in sides of a look
FEW = 10  # whole shapes, from which on they are learned
VIEWS = 20  # of each shape
TURN, ZOOM, SHIFT = 15.0, 0.2, 0.08  # as far as those lie from it: degrees, log of scale, sides


def learn_shapes(model: HeatMaps, preprocessing: Preprocessing, placed: Placed, seed: int) -> str:
    """Gives a network the shapes of the training pictures, if that is better on validation.

    Returns:
        What was chosen, for people.
    """
    side = preprocessing.view.size
    rows = placed.rows(TRAIN)
    truth = placed.places[rows]
    rows, truth = rows[whole := torch.isfinite(truth).all(2).all(1).numpy()], truth[whole]
    if len(rows) < FEW:
        return "no prior of shapes: too few pictures in which every part is marked"
    windows = placed.windows[rows] if model.twice else placed.all_of_it.expand(len(rows), 3)
    shapes = varied(shares(truth, windows), placed.dataset.targets.swaps, seed).flatten(1).double()
    mean = shapes.mean(0)
    covariance = (shapes - mean).T @ (shapes - mean) / len(shapes)
    others = placed.rows(VALIDATION)
    found, looked = looks(model, preprocessing, placed.pixels, others)
    if not model.twice:
        looked = placed.all_of_it.expand(len(others), 3)

    def area(prior: ShapePrior | None) -> float:
        places = shares(found, looked)
        places = places if prior is None else prior(places)
        places = places * looked[:, None, 2:] + looked[:, None, :2]
        return measured(errors(places.double().numpy(), placed.dataset, others, side))["area"]

    best, chosen = area(None), "no prior of shapes: it was no better on validation"
    for noise in NOISES:
        for reach in REACHES:
            prior = ShapePrior(truth.shape[1])
            prior.learn(mean, covariance, noise=noise, reach=reach)
            if (value := area(prior)) > best:
                best, chosen = value, f"prior of shapes with noise {noise:g} and reach {reach:g}"
                model.prior.load_state_dict(prior.state_dict())
    return chosen


def looks(
    model: HeatMaps, preprocessing: Preprocessing, pixels: NDArray[np.uint8], rows: NDArray[Any]
) -> tuple[Tensor, Tensor]:
    """Places (n, K, 2) that the last look finds, before shapes are learned, in pixels of what is
    read, and the windows (n, 3) that a network that looks twice looked at."""
    found, windows = [], []
    with evaluating(model):
        for first in range(0, len(rows), AT_ONCE):
            some = np.asarray(pixels[rows[first : first + AT_ONCE]])
            images = preprocessing.tensor(some, device_of(model))
            where = model.windows(images) if model.twice else None
            found.append(model.found(images, where)[..., :2].cpu())
            windows.append(images.new_zeros(len(images), 3).cpu() if where is None else where.cpu())
    return torch.cat(found), torch.cat(windows)


def shares(places: Tensor, windows: Tensor) -> Tensor:
    """Places (N, K, 2) in pixels, in sides of windows (N, 3) from their corners."""
    return (places - windows[:, None, :2]) / windows[:, None, 2:]


def varied(shapes: Tensor, swaps: tuple[int, ...] | None, seed: int) -> Tensor:
    """VIEWS of each shape (N, K, 2), turned, scaled, moved, and as many in the mirror where it is
    known what parts are there."""
    generator = torch.Generator().manual_seed(seed)
    middle = shapes.repeat(VIEWS, 1, 1) - 0.5
    draw = 2 * torch.rand(len(middle), 4, generator=generator) - 1
    angle = draw[:, 0] * math.radians(TURN)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)
    found = middle @ turn.mT * torch.exp(ZOOM * draw[:, 1])[:, None, None]
    found = found + SHIFT * draw[:, None, 2:]
    if swaps is not None:
        mirrored = found[:, list(swaps)] * torch.tensor([-1.0, 1.0])
        found = torch.cat([found, mirrored])
    return found + 0.5
