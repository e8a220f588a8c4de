"""The most probable shape behind places that were found one by one."""

import pytest
import torch

from striate.models import shapes
from striate.models.shapes import ShapePrior


def test_as_built_it_leaves_places_as_they_are():
    places = torch.rand(2, 3, 2)
    assert torch.allclose(ShapePrior(3)(places), places, atol=1e-6)


def test_it_finds_the_most_probable_shape(monkeypatch):
    monkeypatch.setattr(shapes, "STEPS", 3000)
    torch.manual_seed(0)
    root = torch.randn(6, 6, dtype=torch.float64)
    covariance = root @ root.T / 60 + 0.01 * torch.eye(6)
    mean, noise, reach = torch.rand(6, dtype=torch.float64), 0.01, 0.05
    prior = ShapePrior(3).double()
    prior.learn(mean, covariance, noise=noise, reach=reach)
    places = torch.rand(4, 3, 2, dtype=torch.float64)
    places[0, 0] += 3  # a wild one
    found = prior(places).flatten(1)
    # where the gradients of the Gaussian and of Huber's loss cancel
    pull = (places.flatten(1) - found).clamp(-reach, reach) / noise
    assert torch.allclose((found - mean) @ torch.linalg.inv(covariance), pull, atol=1e-4)
    further = places.clone()
    further[0, 0] += 50
    assert torch.allclose(prior(further).flatten(1), found, atol=1e-6)


def test_a_wild_place_comes_back_to_its_shape():
    shape = torch.tensor([[0.3, 0.3], [0.7, 0.3], [0.5, 0.7], [0.5, 0.5]])
    moves = torch.randn(500, 1, 2, generator=torch.Generator().manual_seed(0)) * 0.1
    many = (shape + moves).flatten(1)
    prior = ShapePrior(4)
    prior.learn(many.mean(0), torch.cov(many.T), noise=1e-3, reach=0.03)
    places = (shape + 0.05)[None].clone()
    places[0, 3] = torch.tensor([0.95, 0.1])
    assert (prior(places)[0] - shape - 0.05).abs().max().item() == pytest.approx(0, abs=0.03)
