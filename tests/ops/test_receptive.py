"""Receptive fields: the lectures' numbers, then what gradients say."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from striate.errors import ModelError
from striate.ops.receptive import Field


def test_two_3x3_see_5x5_and_three_see_7x7_with_27_weights_for_49():
    two = Field().through(3).through(3)
    three = two.through(3)
    assert (two.size, three.size) == (5, 7)
    assert 3 * torch.nn.Conv2d(1, 1, 3, bias=False).weight.numel() == 27
    assert torch.nn.Conv2d(1, 1, 7, bias=False).weight.numel() == 49


def test_stride_spreads_the_fields():
    field = Field().through(11, stride=4).through(3, stride=2)
    assert field == Field(size=19, stride=8, offset=0)
    assert field.pixels(2) == range(16, 35)
    assert field.center(0) == 9.0


def test_padding_moves_the_first_field_out_of_the_image():
    field = Field().through(3, padding=1, stride=2).through(3, padding=1)
    assert field == Field(size=7, stride=2, offset=-3)
    assert field.pixels(0) == range(-3, 4)


def test_a_full_connection_sees_all():
    assert Field(4, 4, 0).over(7) == Field(size=28, stride=28, offset=0)


def test_branches_are_joined_to_the_widest():
    narrow, wide = Field().through(1), Field().through(5, padding=2)
    assert narrow.joined(wide) == wide.joined(narrow) == Field(5, 1, -2)
    with pytest.raises(ModelError, match="strides 1 and 2"):
        narrow.joined(Field(1, 2, 0))


layer = st.tuples(
    st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2)
)  # kernel, stride, padding, dilation


@given(layers=st.lists(layer, min_size=1, max_size=3), place=st.floats(0, 1, exclude_max=True))
def test_fields_are_where_gradients_come_from(layers, place):
    x = torch.ones(1, 1, 60, requires_grad=True)
    y, field = x, Field()
    for kernel, stride, padding, dilation in layers:
        weight = torch.ones(1, 1, kernel)
        y = F.conv1d(y, weight, stride=stride, padding=padding, dilation=dilation)
        field = field.through(kernel, stride=stride, padding=padding, dilation=dilation)
    unit = int(place * y.shape[-1])
    y[0, 0, unit].backward()
    seen = x.grad[0, 0].nonzero().flatten().tolist()
    expected = [pixel for pixel in field.pixels(unit) if 0 <= pixel < 60]
    assert set(seen) <= set(expected)
    if all(dilation == 1 and kernel >= stride for kernel, stride, _, dilation in layers) and all(
        0 <= pixel < 60 for pixel in field.pixels(unit)
    ):
        assert seen == expected
