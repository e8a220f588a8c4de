"""Output sizes: the lectures' numbers, then torch's own layers."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from striate.errors import ModelError
from striate.ops.sizes import output_size, same_padding, transposed_size


def test_the_lectures_convolutions():
    assert output_size(6, 3) == 4
    assert output_size(7, 3, stride=1) == 5
    assert output_size(7, 3, stride=2) == 3
    assert output_size(227, 11, stride=4) == 55  # AlexNet's first layer
    assert output_size(96, 8) == 89


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_lectures_pooling_rule_is_same_padding(stride):
    for size in range(1, 20):
        assert output_size(size, 5, stride=stride, padding="same") == (size - 1) // stride + 1
    assert output_size(8, 5, stride=2, padding="same") == 4


def test_explicit_padding_and_dilation():
    assert output_size(224, 7, stride=2, padding=3) == 112
    assert output_size(10, 3, padding=2, dilation=2) == 10


def test_ceil_counts_a_window_that_is_not_full_but_none_in_the_padding():
    assert output_size(112, 3, stride=2) == 55
    assert output_size(112, 3, stride=2, rounding="ceil") == 56  # GoogLeNet's poolings
    assert output_size(5, 2, stride=3, padding=1, rounding="ceil") == 2  # 3 with the padding


@given(
    size=st.integers(1, 40),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
)
def test_convolution_agrees_with_torch(size, kernel, stride, padding, dilation):
    assume(size + 2 * padding >= (kernel - 1) * dilation + 1)
    x = torch.empty(1, 1, size, device="meta")
    weight = torch.empty(1, 1, kernel, device="meta")
    theirs = F.conv1d(x, weight, stride=stride, padding=padding, dilation=dilation)
    ours = output_size(size, kernel, stride=stride, padding=padding, dilation=dilation)
    assert ours == theirs.shape[-1]


@given(
    size=st.integers(1, 40),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 4),
    share=st.integers(0, 3),
    rounding=st.sampled_from(["floor", "ceil"]),
)
def test_pooling_agrees_with_torch(size, kernel, stride, share, rounding):
    padding = min(share, kernel // 2)
    assume(size + 2 * padding >= kernel)
    x = torch.empty(1, 1, size, size, device="meta")
    theirs = F.max_pool2d(x, kernel, stride, padding, ceil_mode=rounding == "ceil")
    ours = output_size(size, kernel, stride=stride, padding=padding, rounding=rounding)
    assert ours == theirs.shape[-1]


@given(size=st.integers(1, 40), kernel=st.integers(1, 7), stride=st.integers(1, 4))
def test_same_padding_gives_the_same_size(size, kernel, stride):
    before, behind = same_padding(size, kernel, stride=stride)
    assert behind - before in (0, 1)
    padded = size + before + behind
    assert output_size(padded, kernel, stride=stride) == output_size(
        size, kernel, stride=stride, padding="same"
    )


@given(size=st.integers(1, 20), kernel=st.integers(1, 6), stride=st.integers(1, 4))
def test_transposed_agrees_with_torch(size, kernel, stride):
    x = torch.empty(1, 1, size, device="meta")
    theirs = F.conv_transpose1d(x, torch.empty(1, 1, kernel, device="meta"), stride=stride)
    assert transposed_size(size, kernel, stride=stride) == theirs.shape[-1]


def test_what_does_not_fit_is_refused_in_one_line():
    with pytest.raises(ModelError, match="a window of 5 does not fit a side of 4"):
        output_size(4, 5)
    with pytest.raises(ModelError, match="stride must be 1 or more, not 0"):
        output_size(4, 2, stride=0)
    with pytest.raises(ModelError, match="padding -1"):
        output_size(4, 2, padding=-1)
