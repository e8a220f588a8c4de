"""Learning from points: what is seen of a mask, and the term for classes that are not there."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.data import VOID
from striate.models import Normalization
from striate.tasks.segmentation.pictures import scale
from striate.tasks.segmentation.points import PointProblem, absent, dots, pointed
from striate.tasks.segmentation.reading import Reading
from striate.training import Recipe

PLAIN = Reading(None, Normalization((127.5,) * 3, (127.5,) * 3))


def test_a_dot_for_each_class_and_nothing_else():
    mask = np.zeros((40, 40), np.uint8)
    mask[10:20, 10:20] = 3
    mask[0] = VOID
    found = dots(mask, np.random.default_rng(0))
    known = found != VOID
    assert set(found[known].tolist()) == {0, 3}
    assert (found[known] == mask[known]).all()
    assert known.sum() <= 2 * 13  # a disc of radius 2 has 13 pixels


def test_only_training_masks_lose_their_pixels(data):
    scaled = scale(data, PLAIN)
    points = pointed(scaled, 0)
    assert ((points.map(0) != VOID).sum()) < 30
    assert torch.equal(points.map(4), scaled.map(4))  # validation
    assert torch.equal(pointed(scaled, 0).map(0), points.map(0))
    assert not torch.equal(pointed(scaled, 1).map(0), points.map(0))


def test_what_is_not_there_is_found_nowhere():
    scores = torch.log(torch.tensor([[[[0.7, 0.2]], [[0.2, 0.7]], [[0.1, 0.1]]]]))
    present = torch.tensor([[True, False, False]])
    expected = (-np.log(1 - 0.7) - np.log(1 - 0.1)) / 2
    assert float(absent(scores, present)) == pytest.approx(expected, rel=1e-5)
    assert float(absent(scores, torch.tensor([[True, True, True]]))) == 0


def test_a_batch_has_both_losses(data):
    problem = PointProblem(PLAIN, 32)
    scaled = pointed(problem.prepare(data), 0)
    recipe = Recipe(epochs=1, batch_size=2, learning_rate=0.1)
    batch = next(problem.batches(scaled, recipe, seed=0, start=0))
    assert batch.present.tolist() == [[True, True]] * 2
    losses = problem.losses(nn.Conv2d(3, 2, 1), batch, recipe)
    assert losses.keys() == {"cross_entropy", "absent"}
