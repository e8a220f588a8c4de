"""What theory says of adversarial nets, by pencil; and that the experiments find it."""

import math

import numpy as np
import pytest
import torch

from striate.experiments import EXPERIMENTS, gan_one_dimension, gan_rings
from striate.experiments.gan_one_dimension import GRID, best_value, density, play, value_of


def test_the_value_with_the_best_discriminator():
    p = density(0.0, 1.0)
    assert best_value(p, p) == pytest.approx(-math.log(4))
    assert best_value(density(-8.0, 0.3), density(8.0, 0.3)) == pytest.approx(0, abs=1e-9)
    q = density(1.0, 0.7)
    best = np.log(p + 1e-300) - np.log(q + 1e-300)  # the logit of p / (p + q)
    assert value_of(p, q, best) == pytest.approx(best_value(p, q), abs=1e-9)
    for worse in (best + 0.3, best - 0.3, 0.8 * best, np.zeros_like(best)):
        assert value_of(p, q, worse) < best_value(p, q) - 1e-3


def test_a_learned_discriminator_comes_near_and_the_game_moves_to_the_data():
    p, q = density(0.0, 1.0), density(1.0, 1.0)
    found = play((1.0, 1.0), steps=150, learns=False, seed=0, what="test")
    assert value_of(p, q, found.logits) == pytest.approx(best_value(p, q), abs=0.02)
    assert found.gaussian == (1.0, 1.0)
    game = play((1.0, 1.0), steps=150, learns=True, seed=0, what="test")
    assert abs(game.gaussian[0]) < 0.7
    assert game.values[-1] < game.values[0]
    assert len(game.logits) == len(GRID)


def test_modes_are_counted():
    real = gan_rings.data(4_000)
    modes, near = gan_rings.found(real)
    assert modes == 8
    assert near == pytest.approx(1 - math.exp(-4.5), abs=0.01)  # of a Rayleigh distance
    assert gan_rings.found(torch.cat((real[:50] * 0, gan_rings.centers()[:1])))[0] == 1


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name.startswith("gan")])
def test_they_run(name, monkeypatch):
    for module in (gan_one_dimension, gan_rings):
        monkeypatch.setattr(module, "QUICK", 20)
    found = EXPERIMENTS[name].run(quick=True)
    assert all(row.said and row.ours for row in found.rows)
    assert len(found.panels) >= 3
