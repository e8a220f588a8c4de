"""The mean of the weights, by pencil, and lent to the model for a while."""

import pytest
import torch
from torch import nn

from striate.training.averaging import Average


def weight(model: nn.Linear, value: float) -> None:
    nn.init.constant_(model.weight, value)


def test_it_is_the_plain_mean_and_then_a_moving_one() -> None:
    model = nn.Linear(1, 1, bias=False)
    weight(model, 8.0)
    average = Average(model, 0.75)
    means = []
    for step, value in enumerate((4.0, 0.0, 4.0, 9.0, 1.0), 1):
        weight(model, value)
        average.update(step)
        means.append(average.mean[0].item())
    # 1/2, 1/3, 1/4 of the way: means of 8 4 | 8 4 0 | 8 4 0 4; then 1/4 of the way each time
    assert means == pytest.approx([6, 4, 4, 4 + 5 / 4, 5.25 - 4.25 / 4])


def test_inside_the_model_has_it_and_afterwards_its_own_weights() -> None:
    model = nn.Linear(1, 1)
    weight(model, 1.0)
    average = Average(model, 0.5)
    weight(model, 3.0)

    def fail_inside() -> None:
        with average.in_place():
            assert model.weight.item() == 1.0
            raise KeyError

    with pytest.raises(KeyError):
        fail_inside()
    assert model.weight.item() == 3.0
    assert average.mean[0].item() == 1.0


def test_what_is_frozen_is_not_averaged() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    assert len(Average(model, 0.9).mean) == 2


def test_it_comes_back_from_its_tensors() -> None:
    model = nn.Linear(3, 2)
    average, other = Average(model, 0.9), Average(nn.Linear(3, 2), 0.9)
    other.put_back(average.tensors())
    assert all(map(torch.equal, other.mean, average.mean))
    with pytest.raises(KeyError):
        other.put_back({"0": average.mean[0]})


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.1, 2.0])
def test_decays_that_average_nothing_are_refused(decay: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Average(nn.Linear(1, 1), decay)
