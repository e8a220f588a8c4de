"""Dropout: both test rules, and that for one layer before a softmax they are the same."""

from itertools import product

import pytest
import torch
from torch import nn

from striate.errors import ModelError
from striate.layers import Dropout, dropout_ensemble, sampling


@pytest.mark.parametrize("p", [0.5, 0.2])
def test_cut_weights_are_the_exact_geometric_mean_over_all_masks(p: float) -> None:
    """Hinton et al. 2012: equivalent for a network with a single hidden layer and a softmax."""
    units, classes = 8, 5
    hidden = torch.randn(3, units, dtype=torch.float64)
    softmax_layer = nn.Linear(units, classes).double()
    total = torch.zeros(3, classes, dtype=torch.float64)
    for mask in product([0.0, 1.0], repeat=units):
        kept = torch.tensor(mask, dtype=torch.float64)
        odds = (1 - p) ** kept.sum() * p ** (units - kept.sum())
        total += odds * softmax_layer(hidden * kept).log_softmax(1)
    geometric_mean = total.log_softmax(1)

    network = nn.Sequential(Dropout(p), softmax_layer).eval()
    torch.testing.assert_close(network(hidden).log_softmax(1), geometric_mean)


def test_many_samples_come_near_the_exact_mean() -> None:
    network = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), Dropout(), nn.Linear(20, 4)).eval()
    images = torch.randn(5, 6)
    sampled = dropout_ensemble(network, images, samples=4000)
    torch.testing.assert_close(sampled, network(images).log_softmax(1), rtol=0, atol=0.05)
    torch.testing.assert_close(sampled.exp().sum(1), torch.ones(5))


def test_one_sample_is_one_network_and_a_seed_decides_which() -> None:
    network = nn.Sequential(nn.Linear(6, 20), nn.Dropout(), nn.Linear(20, 4)).eval()
    images = torch.randn(5, 6)
    first = dropout_ensemble(network, images, samples=1, seed=3)
    assert torch.equal(first, dropout_ensemble(network, images, samples=1, seed=3))
    assert not torch.equal(first, dropout_ensemble(network, images, samples=1, seed=4))
    torch.manual_seed(3)
    torch.testing.assert_close(first, network.train()(images).log_softmax(1))


def test_training_leaves_out_and_does_not_scale() -> None:
    layer = Dropout(0.3)
    y = layer(torch.full((10_000,), 7.0))
    assert y.unique().tolist() == [0.0, 7.0]
    assert abs(float((y == 0).float().mean()) - 0.3) < 0.02
    torch.testing.assert_close(layer.eval()(torch.ones(3)), torch.full((3,), 0.7))


def test_modes_and_random_state_are_given_back_also_after_an_error() -> None:
    network = nn.Sequential(nn.BatchNorm1d(6), nn.Dropout(), nn.Linear(6, 4))
    network[1].eval()
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError):
        dropout_ensemble(network, torch.randn(5, 7, generator=torch.Generator()))
    assert [m.training for m in network.modules()] == [True, True, False, True]
    assert torch.equal(torch.get_rng_state(), before)


def test_while_sampling_only_dropout_trains() -> None:
    network = nn.Sequential(nn.BatchNorm1d(6), nn.Dropout(), Dropout())
    with sampling(network):
        assert [m.training for m in network] == [False, True, True]


def test_what_cannot_be_sampled() -> None:
    with pytest.raises(ModelError, match="no dropout layer"):
        dropout_ensemble(nn.Linear(2, 2), torch.zeros(1, 2))
    with pytest.raises(ModelError, match="not 0"):
        dropout_ensemble(nn.Dropout(), torch.zeros(1, 2), samples=0)
    with pytest.raises(ModelError, match="p=1"):
        Dropout(1)
