"""The compiled loops of the pooled convolution, at each level of vectors, beside torch's layers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from striate import native
from striate.layers.pooled_convolution import (
    images_innermost,
    images_outermost,
    pooled_convolution,
)
from striate.native import pooled

KINDS = [name for name, _ in native.LEVELS]


@pytest.fixture(autouse=True)
def compiled() -> None:
    if pooled.kernels() is None:
        pytest.skip("the loops in C were not compiled here")


@pytest.fixture(params=[*KINDS, "plain"])
def kind(request, monkeypatch) -> str:
    """A level that this processor has, and those below it."""
    here = [*KINDS, "plain"]
    if here.index(request.param) < here.index(native.level()):
        pytest.skip(f"no {request.param} here")
    monkeypatch.setattr(pooled, "level", lambda: request.param)
    return request.param


def shaped(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def check(N, C, filters, kernel, more, biased=True, rectify=False) -> None:
    """Outputs and gradients beside torch's in double precision."""
    images = shaped(N, C, kernel[0] + more[0], kernel[1] + more[1], seed=0)
    weight, bias = shaped(filters, C, *kernel, seed=1), shaped(filters, seed=2)
    inputs = [each.requires_grad_() for each in (images, weight, bias)][: 3 if biased else 2]
    assert pooled.suits(*inputs)
    doubles = [each.double() for each in inputs]
    theirs = F.max_pool2d(F.conv2d(*doubles), 2)
    ours = pooled_convolution(images_innermost(images), *inputs[1:], rectify=rectify)
    ours = images_outermost(ours)
    theirs = theirs.relu() if rectify else theirs
    errors = shaped(*theirs.shape, seed=3)
    bound = {"rtol": 1e-5, "atol": 2e-6 * weight[0].numel() * theirs[0, 0].numel() ** 0.5}
    torch.testing.assert_close(ours.double(), theirs, **bound)
    expected = torch.autograd.grad(theirs, inputs, errors.double())
    for mine, other in zip(torch.autograd.grad(ours, inputs, errors), expected, strict=True):
        torch.testing.assert_close(mine, other, **bound)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "shape",
    [
        (64, 1, 6, (5, 5), (27, 27)),  # LeNet-5's first layer
        (64, 6, 16, (5, 5), (9, 9)),  # and its second
        (17, 8, 13, (7, 9), (3, 12)),
        (1, 3, 1, (1, 1), (1, 1)),
    ],
)
def test_every_level_computes_what_torch_does(kind, shape, threads) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        check(*shape, rectify=threads == 2)
    finally:
        torch.set_num_threads(before)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    N=st.integers(1, 34),
    C=st.integers(1, 8),
    filters=st.integers(1, 13),
    kernel=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    more=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    biased=st.booleans(),
    rectify=st.booleans(),
)
def test_random_shapes_are_as_torchs(N, C, filters, kernel, more, biased, rectify) -> None:
    check(N, C, filters, kernel, more, biased, rectify)


def test_the_first_of_equals_takes_the_error(kind) -> None:
    x, weight = torch.zeros(4, 1, 4, 3, requires_grad=True), torch.ones(1, 1, 1, 1)
    pooled_convolution(x, weight).sum().backward()
    assert x.grad is not None
    assert x.grad[:, 0, :, 0].tolist() == [[1, 0, 1, 0], [0] * 4, [1, 0, 1, 0], [0] * 4]


@pytest.mark.parametrize("place", range(4))
def test_what_is_not_a_number_stays_seen(kind, place) -> None:
    x = torch.arange(4.0).reshape(2, 1, 2, 1)
    x.flatten()[place] = float("nan")
    for rectify in (False, True):
        assert pooled_convolution(x, torch.ones(1, 1, 1, 1), rectify=rectify).isnan().all()


def test_without_them_all_is_the_same(monkeypatch) -> None:
    images, weight = shaped(9, 2, 8, 8, seed=0), shaped(5, 2, 3, 3, seed=1)
    here = pooled_convolution(images_innermost(images), weight)
    monkeypatch.setenv("STRIATE_NATIVE", "0")
    assert pooled.kernels() is None
    there = pooled_convolution(images_innermost(images), weight)
    torch.testing.assert_close(here, there, rtol=1e-5, atol=1e-5)


def test_what_does_not_fit_never_reaches_them() -> None:
    x, weight = torch.zeros(6, 2, 6, 4), torch.zeros(3, 2, 3, 3)
    _, kept = pooled.forward(x, weight, None)
    for wrong in (torch.zeros(6, 3, 6, 4), torch.zeros(3, 2, 6, 4)):
        with pytest.raises(ValueError, match="do not fit"):
            pooled.forward(wrong, weight, None)
    with pytest.raises(ValueError, match="do not fit"):
        pooled.forward(x, weight, torch.zeros(2))
    with pytest.raises(ValueError, match="are not those of"):
        pooled.backward(torch.zeros(2, 3, 2, 40), kept, of_images=True)
    assert not pooled.suits(x.double(), weight)


def test_a_rectified_zero_takes_no_error(kind) -> None:
    """As in torch, whose rectifier has the slope 0 there."""
    x = torch.zeros(2, 1, 2, 1, requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    pooled_convolution(x, torch.ones(1, 1, 1, 1), bias, rectify=True).sum().backward()
    assert x.grad is not None
    assert bias.grad is not None
    assert not x.grad.any()
    assert not bias.grad.any()
