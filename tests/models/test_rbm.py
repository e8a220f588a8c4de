"""Boltzmann machines small enough to add up every state."""

import itertools

import pytest
import torch

from striate.models.rbm import RBM


def machine(*, gaussian: bool) -> RBM:
    rbm = RBM(3, 2, gaussian=gaussian).double()
    with torch.no_grad():
        for each in rbm.parameters():
            each.normal_(0, 0.7)
    return rbm


def energy(rbm: RBM, visible: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    own = -(visible @ rbm.visible_bias)
    if rbm.gaussian:
        own = 0.5 * ((visible - rbm.visible_bias) ** 2).sum()
    return own - hidden @ rbm.hidden_bias - hidden @ rbm.weight @ visible


@pytest.mark.parametrize("gaussian", [False, True])
def test_free_energy_adds_up_all_hidden_states(gaussian):
    rbm = machine(gaussian=gaussian)
    visible = torch.randn(3, dtype=torch.float64)
    states = [torch.tensor(h, dtype=torch.float64) for h in itertools.product((0, 1), repeat=2)]
    every = torch.stack([-energy(rbm, visible, hidden) for hidden in states])
    torch.testing.assert_close(rbm.free_energy(visible[None])[0], -every.logsumexp(0))
    share = (every - every.logsumexp(0)).exp()
    expected = sum(p * h for p, h in zip(share, states, strict=True))
    torch.testing.assert_close(rbm(visible[None])[0], expected)


@pytest.mark.parametrize("gaussian", [False, True])
def test_the_gradient_is_contrastive_divergence(gaussian):
    """Of the weights: what is dreamed of minus what is seen, hidden probabilities times visible."""
    rbm = machine(gaussian=gaussian)
    visible = torch.rand(5, 3, dtype=torch.float64)
    torch.manual_seed(3)
    rbm.losses(visible)["divergence"].backward()
    torch.manual_seed(3)
    with torch.no_grad():
        other = rbm.dreamed(torch.bernoulli(rbm(visible)))
        expected = (rbm(other).T @ other - rbm(visible).T @ visible) / 5
        biases = (rbm(other) - rbm(visible)).mean(0)
        seen = (other - visible).mean(0)
    torch.testing.assert_close(rbm.weight.grad, expected)
    torch.testing.assert_close(rbm.hidden_bias.grad, biases)
    torch.testing.assert_close(rbm.visible_bias.grad, seen)


def test_learning_makes_what_was_seen_likelier():
    """Two patterns of three bits: afterwards they have most of the probability."""
    rbm = machine(gaussian=False)
    patterns = torch.tensor([[1, 1, 0], [0, 0, 1]], dtype=torch.float64)
    every = torch.tensor(list(itertools.product((0, 1), repeat=3)), dtype=torch.float64)

    def share() -> float:
        with torch.no_grad():
            total = (-rbm.free_energy(every)).logsumexp(0)
            return float((-rbm.free_energy(patterns) - total).exp().sum())

    before = share()
    optimizer = torch.optim.SGD(rbm.parameters(), lr=0.3)
    for _ in range(150):
        optimizer.zero_grad()
        rbm.losses(patterns.repeat(20, 1))["divergence"].backward()
        optimizer.step()
    assert before < 0.6 < 0.85 < share()
