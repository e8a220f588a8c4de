"""Counting: every number of the lectures' row B10."""

from torch import nn

from striate.ops.cost import (
    convolution_multiply_adds,
    convolution_parameters,
    linear_parameters,
    neurons,
)


def test_alexnets_first_layer():
    assert neurons(96, (55, 55)) == 290_400
    assert convolution_parameters(3, 1, (11, 11)) == 364  # a filter
    assert convolution_parameters(3, 96, (11, 11)) == 34_944
    assert convolution_multiply_adds(3, 96, (11, 11), (55, 55)) == 290_400 * 363


def test_400_filters_of_8x8_on_a_96x96_image():
    assert neurons(400, (96 - 8 + 1, 96 - 8 + 1)) == 3_168_400


def test_logistic_regression_on_digits():
    assert linear_parameters(784, 10) == 7_850


def test_groups_divide_weights_and_agree_with_torch():
    layer = nn.Conv2d(96, 256, 5, groups=2)
    assert convolution_parameters(96, 256, (5, 5), groups=2) == sum(
        p.numel() for p in layer.parameters()
    )
    halves = convolution_multiply_adds(96, 256, (5, 5), (27, 27), groups=2)
    assert 2 * halves == convolution_multiply_adds(96, 256, (5, 5), (27, 27))
    assert linear_parameters(7, 3, bias=False) == nn.Linear(7, 3, bias=False).weight.numel()
