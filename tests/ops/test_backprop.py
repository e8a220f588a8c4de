"""Back-propagation: the lecture's formulas by hand, autograd on random shapes, the example."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from striate.ops.backprop import (
    average_pool,
    average_pool_backward,
    convolve,
    convolve_backward,
    max_pool,
    max_pool_backward,
)

X = np.arange(1.0, 10).reshape(1, 1, 3, 3)
FILTER = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
ERRORS = np.array([[[[1.0, 0.0], [0.0, -2.0]]]])  # dE/dO_11 = 1, dE/dO_22 = -2


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def test_the_lectures_output() -> None:
    # O_11 = F_11 X_11 + F_12 X_12 + F_21 X_21 + F_22 X_22 = 1 + 4 + 12 + 20
    assert convolve(X, FILTER)[0, 0].tolist() == [[37, 47], [67, 77]]


def test_the_lectures_filter_gradient() -> None:
    # dE/dF_ab = X_ab - 2 X_(a+1, b+1): the valid convolution of X with dE/dO
    gradients = convolve_backward(X, FILTER, ERRORS)
    assert gradients.filters[0, 0].tolist() == [[1 - 10, 2 - 12], [4 - 16, 5 - 18]]
    assert gradients.biases.tolist() == [-1]
    np.testing.assert_array_equal(gradients.filters, convolve(X, ERRORS))


def test_the_lectures_image_gradient() -> None:
    # dE/dO_11 lays F down at the top left corner, dE/dO_22 lays -2 F down at the bottom right one
    gradients = convolve_backward(X, FILTER, ERRORS)
    assert gradients.images[0, 0].tolist() == [[1, 2, 0], [3, 4 - 2, -4], [0, -6, -8]]
    surrounded = np.pad(ERRORS, ((0, 0), (0, 0), (1, 1), (1, 1)))
    turned = np.rot90(FILTER, 2, axes=(2, 3))
    np.testing.assert_array_equal(gradients.images, convolve(surrounded, turned))


def test_max_pooling_hands_the_error_to_where_it_comes_from() -> None:
    image = np.array([[1, 5, 2, 0], [3, 4, 9, 8], [7, 1, 0, 2], [6, 2, 3, 1.0]])[None, None]
    assert max_pool(image, 2, stride=2)[0, 0].tolist() == [[5, 9], [7, 3]]
    errors = np.array([[10.0, 20], [30, 40]])[None, None]
    result = max_pool_backward(image, 2, errors, stride=2)
    assert result[0, 0].tolist() == [[0, 10, 0, 0], [0, 0, 20, 0], [30, 0, 0, 0], [0, 0, 40, 0]]


def test_overlapping_windows_add_their_errors_and_the_first_of_equals_wins() -> None:
    image = np.array([[0, 9, 0], [0, 0, 0], [0, 0, 0.0]])[None, None]
    result = max_pool_backward(image, 2, np.ones((1, 1, 2, 2)), stride=1)
    assert result[0, 0].tolist() == [[0, 2, 0], [1, 1, 0], [0, 0, 0]]


def test_average_pooling_shares_the_error_out() -> None:
    errors = np.array([[4.0, 8.0]])[None, None]
    result = average_pool_backward(np.zeros((1, 1, 2, 4)), 2, errors, stride=2)
    assert result[0, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]


CASES = st.fixed_dictionaries(
    {
        "images": st.integers(1, 3),
        "channels": st.integers(1, 3),
        "filters": st.integers(1, 3),
        "size": st.tuples(st.integers(4, 8), st.integers(4, 8)),
        "kernel": st.tuples(st.integers(1, 4), st.integers(1, 4)),
        "stride": st.integers(1, 3),
        "padding": st.integers(0, 2),
    }
)


@given(CASES)
def test_autograd_agrees_on_convolution(case: dict) -> None:
    images = numbers(case["images"], case["channels"], *case["size"]).requires_grad_()
    filters = numbers(case["filters"], case["channels"], *case["kernel"]).requires_grad_()
    biases = numbers(case["filters"]).requires_grad_()
    settings = {"stride": case["stride"], "padding": case["padding"]}
    outputs = F.conv2d(images, filters, biases, **settings)
    errors = torch.randn_like(outputs)
    outputs.backward(errors)

    given_arrays = images.detach().numpy(), filters.detach().numpy()
    ours = convolve(*given_arrays, **settings) + biases.detach().numpy()[:, None, None]
    close(ours, outputs)
    gradients = convolve_backward(*given_arrays, errors.numpy(), **settings)
    for mine, theirs in zip(gradients, (images, filters, biases), strict=True):
        close(mine, theirs.grad)


@pytest.mark.parametrize(
    ("pool", "backward", "torchs"),
    [
        (max_pool, max_pool_backward, F.max_pool2d),
        (average_pool, average_pool_backward, F.avg_pool2d),
    ],
    ids=["max", "average"],
)
@given(case=CASES)
def test_autograd_agrees_on_pooling(pool, backward, torchs, case: dict) -> None:
    images = numbers(case["images"], case["channels"], *case["size"]).requires_grad_()
    size = case["kernel"][0]
    settings = {"stride": case["stride"], "padding": min(case["padding"], size // 2)}
    outputs = torchs(images, size, **settings)
    errors = torch.randn_like(outputs)
    outputs.backward(errors)
    array = images.detach().numpy()
    close(pool(array, size, **settings), outputs)
    close(backward(array, size, errors.numpy(), **settings), images.grad)


def close(ours: np.ndarray, theirs: Tensor | None) -> None:
    assert theirs is not None
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=0, atol=1e-10)


def test_the_example_prints_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    example = Path(__file__).parents[2] / "examples" / "backpropagation.py"
    runpy.run_path(str(example), run_name="__main__")
    text = capsys.readouterr().out
    assert "O11 = F11 X11 + F12 X12 + F21 X21 + F22 X22" in text
    assert "dE/dF11 = dE/dO11 X11 + dE/dO12 X12 + dE/dO21 X21 + dE/dO22 X22" in text
    assert "dE/dX22 = dE/dO11 F22 + dE/dO12 F21 + dE/dO21 F12 + dE/dO22 F11" in text
    assert "autograd finds the same" in text
