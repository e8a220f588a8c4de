"""RBF output: distances by hand, and digits that can be told apart."""

import math

import pytest
import torch

from striate.errors import ModelError
from striate.layers import RBFOutput
from striate.layers.radial_basis import digit_targets, discriminative_loss, random_targets


def test_a_hand_worked_distance() -> None:
    layer = RBFOutput(2, targets=torch.tensor([[1.0, -1.0, 1.0], [-1.0, -1.0, -1.0]]))
    features = torch.tensor([[1.0, 0.0, -1.0]])
    torch.testing.assert_close(layer.distances(features), torch.tensor([[5.0, 5.0]]))
    torch.testing.assert_close(layer(2 * features), -torch.tensor([[11.0, 11.0]]))


def test_nothing_is_trained_and_the_targets_are_saved() -> None:
    layer = RBFOutput()
    assert not list(layer.parameters())
    assert layer.state_dict()["targets"].shape == (10, 84)


def test_a_target_is_recognized_as_itself() -> None:
    targets = digit_targets()
    assert targets.unique().tolist() == [-1.0, 1.0]
    logits = RBFOutput()(targets)
    assert logits.argmax(1).tolist() == list(range(10))
    assert torch.equal(logits.diagonal(), torch.zeros(10))


def test_digits_that_look_alike_have_codes_that_are_alike() -> None:
    # four times the number of dots in which two pictures differ
    differ = RBFOutput().distances(digit_targets()) / 4
    assert differ[~torch.eye(10, dtype=torch.bool)].min() >= 3
    assert differ[3, 8] < differ[1, 8]
    assert differ[8, 9] < differ[4, 9]


def test_a_digit_is_drawn_upright() -> None:
    seven = digit_targets()[7].reshape(12, 7)
    assert seven[1].tolist() == [1.0] * 7  # its bar
    assert (seven[9] > 0).tolist() == [False, False, True, True, False, False, False]


def test_other_numbers_of_classes_get_random_codes_and_always_the_same() -> None:
    layer = RBFOutput(26)
    assert layer(torch.zeros(3, 84)).shape == (3, 26)
    assert torch.equal(layer.targets, random_targets(26))
    assert torch.equal(layer.targets.abs(), torch.ones(26, 84))


def test_the_gradient_is_the_slope() -> None:
    features = torch.randn(2, 84, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(RBFOutput().double(), features)


def test_targets_must_be_one_a_class() -> None:
    with pytest.raises(ModelError, match=r"\(10, inputs\), a row a class, not \(3, 84\)"):
        RBFOutput(10, targets=torch.zeros(3, 84))


def test_ten_classes_that_are_no_digits_get_codes() -> None:
    assert torch.equal(RBFOutput(10, drawn=False).targets, random_targets(10))
    assert not torch.equal(random_targets(10), digit_targets())


def test_the_second_criterion_by_pencil() -> None:
    # Distances 1 and 2, the first is right, j = 3: 1 + log(e^-3 + e^-1 + e^-2).
    logits, right = torch.tensor([[-1.0, -2.0]]), torch.tensor([0])
    expected = 1 + math.log(math.exp(-3) + math.exp(-1) + math.exp(-2))
    assert discriminative_loss(logits, right, j=3.0).item() == pytest.approx(expected)
    smooth = discriminative_loss(logits, right, j=3.0, label_smoothing=0.2).item()
    assert smooth == pytest.approx(expected + 0.1 * (2 - 1))  # a tenth of the label is the other's


def test_far_distances_are_pushed_no_further() -> None:
    logits = torch.tensor([[0.0, -1.0, -50.0]], requires_grad=True)
    discriminative_loss(logits, torch.tensor([0]), j=5.0).backward()
    assert logits.grad is not None
    near, far = logits.grad[0, 1:].tolist()
    assert near > 0.1
    assert far < 1e-9
