"""Adversarial nets and DCGAN: the papers' numbers and rules."""

import math

import pytest
import torch
from torch import nn

from striate.errors import ModelError
from striate.layers.maxout import Maxout
from striate.models.adversarial import (
    discriminator_loss,
    generator_loss,
    perceptrons,
)
from striate.models.dcgan import dcgan, fitting


def test_the_value_of_the_game_where_nothing_can_be_told_apart():
    """Theorem 1: D = 1/2 everywhere, and V = -log 4."""
    undecided = torch.zeros(5)
    assert discriminator_loss(undecided, undecided).item() == pytest.approx(math.log(4))
    assert generator_loss(undecided).item() == pytest.approx(math.log(2))
    assert generator_loss(undecided, kind="minimax").item() == pytest.approx(-math.log(2))


def test_the_best_discriminator_is_p_over_p_and_q():
    """Proposition 1: at D = p / (p + q) the loss of a point that is data p times and a sample q
    times has no slope; with smoothing s, at D = (1 - s) p / (p + q)."""
    p, q = 3, 2
    for smoothing in (0.0, 0.1):
        share = (1 - smoothing) * p / (p + q)
        logit = torch.tensor(math.log(share / (1 - share)), requires_grad=True)
        loss = p * discriminator_loss(logit, torch.tensor(-50.0), smoothing=smoothing)
        loss = loss + q * torch.nn.functional.softplus(logit)
        loss.backward()
        assert logit.grad.item() == pytest.approx(0, abs=1e-6)


def test_where_the_discriminator_is_sure_only_one_loss_still_teaches():
    """Section 3: log(1 - D) saturates; -log D does not. Slopes are -D and D - 1."""
    for kind, slope in (("minimax", -torch.sigmoid(torch.tensor(-10.0))),
                        ("non-saturating", torch.sigmoid(torch.tensor(-10.0)) - 1)):  # fmt: skip
        logit = torch.tensor([-10.0], requires_grad=True)
        generator_loss(logit, kind=kind).backward()
        assert logit.grad.item() == pytest.approx(slope.item(), rel=1e-4)


def test_maxout_by_hand():
    layer = Maxout(2, 1, pieces=2)
    layer.linear.weight.data = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    layer.linear.bias.data = torch.tensor([0.0, 1.0])
    assert layer(torch.tensor([[3.0, 4.0], [-1.0, -2.0]])).tolist() == [[3.0], [3.0]]


def test_the_perceptrons_have_the_sizes_of_the_authors():
    players = perceptrons(28, 1)
    sizes = [tuple(p.shape) for p in players.generator.parameters() if p.ndim > 1]
    assert sizes == [(1200, 100), (1200, 1200), (784, 1200)]
    sizes = [tuple(p.shape) for p in players.discriminator.parameters() if p.ndim > 1]
    assert sizes == [(1200, 784), (1200, 240), (1, 240)]
    made = players.generator(torch.rand(2, 100))
    assert made.shape == (2, 1, 28, 28)
    assert 0 <= made.min() <= made.max() <= 1


@pytest.mark.parametrize(("side", "channels", "layers"), [(28, 1, 2), (64, 3, 4)])
def test_every_rule_of_dcgan(side, channels, layers):
    players = dcgan(side, channels, width=4)
    up = [layer for layer in players.generator.modules() if not list(layer.children())]
    down = [layer for layer in players.discriminator.modules() if not list(layer.children())]
    convolutions = [one for one in up + down if isinstance(one, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(convolutions) == 2 * layers
    assert all(one.stride == (2, 2) for one in convolutions)  # and no pooling
    assert not any("Pool" in type(one).__name__ for one in up + down)
    assert isinstance(up[-1], nn.Tanh)
    assert isinstance(up[-2], nn.ConvTranspose2d)  # no normalization at the output
    assert isinstance(down[0], nn.Conv2d)
    assert isinstance(down[1], nn.LeakyReLU)  # nor at the input
    norms = sum(isinstance(one, nn.BatchNorm2d) for one in up + down)
    assert norms == len(convolutions) - 2 + 1  # the projection's besides
    assert [type(one) for one in up if isinstance(one, nn.ReLU)] == [nn.ReLU] * layers
    assert {one.negative_slope for one in down if isinstance(one, nn.LeakyReLU)} == {0.2}
    assert sum(isinstance(one, nn.Linear) for one in up + down) == 2  # at noise and decision
    weights = torch.cat([one.weight.flatten() for one in convolutions])
    assert weights.std().item() == pytest.approx(0.02, rel=0.1)
    made = players.generator(torch.rand(2, 100))
    assert made.shape == (2, channels, side, side)
    assert players.discriminator(made).shape == (2,)


def test_classes_are_told_to_both():
    torch.manual_seed(0)
    players = dcgan(8, 1, width=4, noise=5, classes=3).eval()
    noise = torch.rand(2, 5)
    first, other = (players.generator(noise, torch.tensor([k, k])) for k in (0, 2))
    assert not torch.equal(first, other)
    judge = players.discriminator
    apart = judge(first, torch.tensor([0, 0])) - judge(first, torch.tensor([2, 2]))
    seen = judge.sight(first)
    expected = seen @ (judge.directions.weight[0] - judge.directions.weight[2])
    torch.testing.assert_close(apart, expected)


def test_a_side_that_does_not_double_is_told_with_one_that_does():
    with pytest.raises(ModelError, match="take 32"):
        dcgan(36, 1)
    for side in range(8, 300):
        dcgan(fitting(side), 1, width=1, noise=1) if side < 40 else fitting(side)
        assert fitting(side) <= side
