"""Statistics pooling against a plain loop, and slopes that stay finite."""

import pytest
import torch

from striate.layers.statistics_pooling import FLAT, LEAST, StatisticsPooling


def by_hand(last, maps, scale):
    """One number after another."""
    rows = []
    for number in range(len(last)):
        row = []
        for one in last[number].tolist():
            values = [value for line in one for value in line]
            mean = sum(values) / len(values)
            row.append(mean / (abs(mean) + LEAST) ** 0.5)
        for each in maps:
            for one in each[number].tolist():
                values = [value for line in one for value in line]
                mean = sum(values) / len(values)
                variance = sum((value - mean) ** 2 for value in values) / len(values)
                row.append(scale * (variance + FLAT) ** 0.5)
        rows.append(row)
    return torch.tensor(rows, dtype=last.dtype)


@pytest.mark.parametrize("shapes", [[], [(2, 6, 5)], [(1, 7, 7), (4, 3, 2)]])
def test_as_a_plain_loop(shapes):
    last = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    maps = [torch.randn(2, *shape, dtype=torch.float64) for shape in shapes]
    pooling = StatisticsPooling().double()
    pooling.scale.fill_(0.25)
    torch.testing.assert_close(pooling(last, *maps), by_hand(last, maps, 0.25))


def test_by_pencil():
    last = torch.tensor([[[[1.0, 7.0]], [[-4.0, -4.0]]]])
    earlier = torch.tensor([[[[1.0], [5.0], [3.0], [3.0]]]])
    found = StatisticsPooling()(last, earlier)
    # roots of 4 and of 4, with their signs; the variance of 1, 5, 3, 3 is (4 + 4) / 4
    torch.testing.assert_close(found, torch.tensor([[2.0, -2.0, 2**0.5]]), rtol=0, atol=1e-3)


def test_gradients_are_finite_where_nothing_is():
    last, earlier = (
        torch.zeros(1, 2, 3, 3, dtype=torch.float64, requires_grad=True) for _ in range(2)
    )
    StatisticsPooling().double()(last, earlier).sum().backward()
    assert last.grad.isfinite().all()
    assert (earlier.grad == 0).all()


def test_gradients():
    last, earlier = (
        torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True) for _ in range(2)
    )
    assert torch.autograd.gradcheck(StatisticsPooling().double(), (last, earlier))
