"""Kernels: by hand, beside scikit-learn's, and what makes each of them a kernel."""

from collections.abc import Callable
from math import exp

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.kernel_approximation import AdditiveChi2Sampler
from sklearn.metrics import pairwise
from torch import Tensor

from striate.errors import ModelError
from striate.handcrafted.kernels import additive_chi2_map, chi2, intersection, linear, rbf

FIRST = torch.tensor([[0.25, 0.75, 0.0], [0.5, 0.0, 0.5]])
SECOND = torch.tensor([[0.75, 0.25, 0.0]])

KERNELS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear": linear,
    "rbf": lambda a, b: rbf(a, b, gamma=0.5),
    "chi2": chi2,
    "intersection": intersection,
}


def test_linear_by_hand() -> None:
    torch.testing.assert_close(linear(FIRST, SECOND), torch.tensor([[0.375], [0.375]]))


def test_rbf_by_hand() -> None:
    # squared distances: 0.5² + 0.5² = 0.5 and 0.25² + 0.25² + 0.5² = 0.375
    expected = torch.tensor([[exp(-2 * 0.5)], [exp(-2 * 0.375)]])
    torch.testing.assert_close(rbf(FIRST, SECOND, gamma=2.0), expected)


def test_chi2_by_hand() -> None:
    # 2 · 0.25 · 0.75 / 1, twice; then 2 · 0.5 · 0.75 / 1.25 alone: the rest meets zero
    torch.testing.assert_close(chi2(FIRST, SECOND), torch.tensor([[0.75], [0.6]]))


def test_intersection_by_hand() -> None:
    torch.testing.assert_close(intersection(FIRST, SECOND), torch.tensor([[0.5], [0.5]]))


def test_beside_scikit_learn() -> None:
    a, b = torch.rand(5, 7, dtype=torch.float64), torch.rand(4, 7, dtype=torch.float64)
    theirs = torch.from_numpy(pairwise.rbf_kernel(a, b, gamma=0.3))
    torch.testing.assert_close(rbf(a, b, gamma=0.3), theirs)
    # theirs is -sum (x - y)² / (x + y), which is 4xy / (x + y) less x + y
    theirs = torch.from_numpy(pairwise.additive_chi2_kernel(a.numpy(), b.numpy()))
    sums = a.sum(1)[:, None] + b.sum(1)
    torch.testing.assert_close(chi2(a, b), (theirs + sums) / 2)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_the_map_is_scikit_learns_in_another_order(samples: int) -> None:
    histograms = torch.rand(4, 6, dtype=torch.float64)
    histograms[0, 0] = 0
    theirs = AdditiveChi2Sampler(sample_steps=samples).fit_transform(histograms.numpy())
    torch.testing.assert_close(
        additive_chi2_map(histograms, samples=samples), torch.from_numpy(theirs)
    )


@pytest.mark.parametrize(("samples", "error"), [(1, 0.21), (2, 0.11), (3, 0.051)])
def test_the_map_is_the_nearer_the_more_samples(samples: int, error: float) -> None:
    histograms = torch.rand(30, 50, dtype=torch.float64) ** 4
    histograms /= histograms.sum(1, keepdim=True)
    near = additive_chi2_map(histograms, samples=samples)
    assert float((near @ near.T - chi2(histograms, histograms)).abs().max()) < error


@pytest.mark.parametrize("name", KERNELS)
@given(
    rows=st.integers(1, 6), columns=st.integers(1, 6), width=st.integers(1, 9), seed=st.integers(0)
)
def test_kernels_are_symmetric_and_never_negative(
    name: str, rows: int, columns: int, width: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed % 2**32)
    a = torch.rand(rows, width, generator=generator, dtype=torch.float64)
    b = torch.rand(columns, width, generator=generator, dtype=torch.float64)
    a[a < 0.2], b[b < 0.2] = 0, 0
    kernel = KERNELS[name]
    torch.testing.assert_close(kernel(a, b), kernel(b, a).T)
    assert kernel(a, b).shape == (rows, columns)
    assert float(torch.linalg.eigvalsh(kernel(a, a)).min()) > -1e-9  # positive semi-definite


def test_a_histogram_is_most_like_itself() -> None:
    histograms = torch.rand(5, 8, dtype=torch.float64)
    histograms /= histograms.sum(1, keepdim=True)
    for kernel in (chi2, intersection):
        matrix = kernel(histograms, histograms)
        torch.testing.assert_close(matrix.diagonal(), torch.ones(5, dtype=torch.float64))
        assert bool((matrix.argmax(1) == torch.arange(5)).all())


def test_no_rows_give_no_rows() -> None:
    assert chi2(torch.zeros(0, 3), SECOND).shape == (0, 1)
    assert intersection(torch.zeros(0, 3), SECOND).shape == (0, 1)


def test_negative_entries_and_unknown_samples_are_refused() -> None:
    with pytest.raises(ModelError, match=r"nothing negative, but an entry is -0\.5"):
        chi2(torch.tensor([[-0.5, 1.5]]), SECOND[:, :2])
    with pytest.raises(ModelError, match="1, 2 or 3, not 4"):
        additive_chi2_map(FIRST, samples=4)
