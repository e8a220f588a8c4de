"""Max + min pooling against a plain loop, and which regions learn."""

import pytest
import torch

from striate.errors import ModelError
from striate.layers.max_min_pooling import MaxMinPooling


def by_hand(maps, strongest, weakest):
    """Sorting each map, with plain numbers."""
    scores = []
    for image in maps.tolist():
        row = []
        for one in image:
            values = sorted(value for line in one for value in line)
            top, low = values[::-1][:strongest], values[:weakest]
            row.append(sum(top) / len(top) + (sum(low) / len(low) if low else 0.0))
        scores.append(row)
    return torch.tensor(scores, dtype=maps.dtype)


@pytest.mark.parametrize(("strongest", "weakest"), [(1, 1), (3, 2), (4, 0), (99, 99)])
def test_as_a_plain_loop(strongest, weakest):
    maps = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    found = MaxMinPooling(strongest, weakest)(maps)
    torch.testing.assert_close(found, by_hand(maps, strongest, weakest))


def test_gradients():
    maps = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(MaxMinPooling(2, 3), (maps,))


def test_only_the_regions_that_are_taken_learn():
    maps = torch.tensor([[[[1.0, 5.0, 3.0], [0.0, 2.0, 4.0]]]], requires_grad=True)
    MaxMinPooling(2, 1)(maps).sum().backward()
    assert maps.grad.tolist() == [[[[0.0, 0.5, 0.0], [1.0, 0.0, 0.5]]]]


def test_at_least_one_of_the_strongest():
    with pytest.raises(ModelError, match="one strongest place or more"):
        MaxMinPooling(0, 1)
