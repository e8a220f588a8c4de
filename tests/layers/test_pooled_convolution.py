"""Convolution and max pooling as one: a pencil's numbers, NumPy's loops, torch's gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from striate.errors import ModelError
from striate.layers.pooled_convolution import (
    images_innermost,
    images_outermost,
    pooled_convolution,
)
from striate.ops.backprop import convolve


def by_loops(images: np.ndarray, filters: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W): convolve, then the largest of each window of four."""
    outputs = convolve(images, filters) + biases[:, None, None]
    N, filters, rows, columns = outputs.shape
    pooled = np.empty((N, filters, rows // 2, columns // 2))
    for i, j in np.ndindex(pooled.shape[2:]):
        pooled[:, :, i, j] = outputs[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max((2, 3))
    return pooled


def shaped(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_a_hand_worked_image() -> None:
    # Two outputs of a 1 x 2 difference a row; the largest of the four is 9 - 2, the bias 1.
    image = torch.tensor([[1.0, 3.0, 4.0], [2.0, 9.0, 5.0]]).reshape(2, 1, 3, 1)
    weight = torch.tensor([-1.0, 1.0]).reshape(1, 1, 1, 2).requires_grad_()
    result = pooled_convolution(image, weight, torch.tensor([1.0]))
    assert result.tolist() == [[[[8.0]]]]
    result.sum().backward()
    assert weight.grad is not None
    assert weight.grad.flatten().tolist() == [2.0, 9.0]  # the pixels the largest was made of


def test_the_first_of_equals_takes_the_error_as_in_torch() -> None:
    images = torch.zeros(3, 1, 4, 4, requires_grad=True)
    weight = torch.arange(1.0, 5).reshape(1, 1, 2, 2)
    F.max_pool2d(F.conv2d(images, weight), 2).sum().backward()
    ours = torch.zeros(4, 1, 4, 3, requires_grad=True)
    pooled_convolution(ours, weight).sum().backward()
    assert ours.grad is not None
    assert images.grad is not None
    assert torch.equal(images_outermost(ours.grad), images.grad)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    N=st.integers(1, 4),
    C=st.integers(1, 4),
    filters=st.integers(1, 4),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    more=st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_it_is_what_the_loops_compute(N, C, filters, kernel, more) -> None:
    H, W = kernel[0] + more[0], kernel[1] + more[1]
    images, weight, bias = (
        shaped(N, C, H, W),
        shaped(filters, C, *kernel, seed=1),
        shaped(filters, seed=2),
    )
    expected = by_loops(images.numpy(), weight.numpy(), bias.numpy())
    result = images_outermost(pooled_convolution(images_innermost(images), weight, bias))
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    N=st.integers(1, 3),
    C=st.integers(1, 3),
    filters=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    more=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_its_gradients_are_torchs(N, C, filters, kernel, more) -> None:
    H, W = kernel[0] + more[0], kernel[1] + more[1]
    images = shaped(N, C, H, W).requires_grad_()
    weight, bias = (
        shaped(filters, C, *kernel, seed=1).requires_grad_(),
        shaped(filters, seed=2).requires_grad_(),
    )
    theirs = F.max_pool2d(F.conv2d(images, weight, bias), 2)
    ours = images_outermost(pooled_convolution(images_innermost(images), weight, bias))
    errors = shaped(*theirs.shape, seed=3)
    inputs = (images, weight, bias)
    expected = torch.autograd.grad(theirs, inputs, errors)
    for mine, other in zip(torch.autograd.grad(ours, inputs, errors), expected, strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-12)


def test_its_gradients_are_the_slopes() -> None:
    inputs = (shaped(7, 2, 6, 3), shaped(2, 2, 3, 2, seed=1), shaped(2, seed=2))
    for tensor in inputs:
        tensor.requires_grad_()
    assert torch.autograd.gradcheck(pooled_convolution, inputs)


def test_images_that_were_not_contiguous_are_read_right() -> None:
    images = shaped(2, 3, 6, 6)
    there = pooled_convolution(images_innermost(images), shaped(2, 3, 3, 3, seed=1))
    here = pooled_convolution(images_innermost(images).contiguous(), shaped(2, 3, 3, 3, seed=1))
    assert torch.equal(there, here)


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [((6, 2, 6, 1), r"\(H, 3, W, N\).*\(6, 2, 6, 1\)"), ((3, 3, 6, 1), "nothing to pool of 3 x 6")],
)
def test_what_does_not_fit_is_quoted(shape, complaint) -> None:
    with pytest.raises(ModelError, match=complaint):
        pooled_convolution(torch.zeros(shape), torch.zeros(1, 3, 3, 3))
