"""Coding, pooling and mapping: by hand, and beside loops."""

from math import exp

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.handcrafted.coding import mapped, pool, pyramid_cells, soft_codes
from striate.handcrafted.kernels import chi2


def test_one_neighbor_is_hard_coding() -> None:
    dictionary = torch.eye(3)
    descriptors = torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.4, 0.6]])
    words, weights = soft_codes(descriptors, dictionary, neighbors=1, sharpness=20.0)
    assert words.tolist() == [[0], [2]]
    assert weights.tolist() == [[1.0], [1.0]]


def test_soft_coding_by_hand() -> None:
    dictionary = torch.tensor([[0.0], [1.0], [3.0]])
    words, weights = soft_codes(
        torch.tensor([[0.5], [1.0]]), dictionary, neighbors=2, sharpness=2.0
    )
    near = [
        dict(zip(w.tolist(), v.tolist(), strict=True)) for w, v in zip(words, weights, strict=True)
    ]
    assert near[0] == pytest.approx({0: 0.5, 1: 0.5})  # halfway between words 0 and 1
    assert near[1] == pytest.approx({1: 1 / (1 + exp(-2)), 0: exp(-2) / (1 + exp(-2))})


def test_cells_of_a_pyramid_are_counted_level_by_level_row_by_row() -> None:
    positions = torch.tensor([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [0.6, 0.6], [1.0, 1.0]])
    cells, number = pyramid_cells(positions, ((1, 1), (2, 2), (3, 1)))
    assert number == 1 + 4 + 3
    assert cells.tolist() == [[0, 0, 0, 0, 0], [1, 2, 3, 4, 4], [5, 5, 7, 6, 7]]


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        #      cell 0: all      cell 1: left     cell 2: right
        ("sum", [1.5, 0.7, 0.8, 0.5, 0.0, 0.5, 1.0, 0.7, 0.3]),
        ("max", [0.7, 0.7, 0.5, 0.5, 0.0, 0.5, 0.7, 0.7, 0.3]),
    ],
)
def test_pooling_by_hand(pooling: str, expected: list[float]) -> None:
    words = torch.tensor([[[0, 2], [0, 2], [1, 0]]])
    weights = torch.tensor([[[0.5, 0.5], [0.7, 0.3], [0.7, 0.3]]])
    cells = torch.tensor([[0, 0, 0], [1, 2, 2]])
    pooled = pool(words, weights, cells, number=3, vocabulary=3, pooling=pooling)
    torch.testing.assert_close(pooled, torch.tensor([expected]))


@pytest.mark.parametrize("pooling", ["sum", "max"])
@given(
    images=st.integers(1, 3),
    points=st.integers(1, 20),
    vocabulary=st.integers(2, 9),
    seed=st.integers(0, 99),
)
def test_pooling_beside_loops(
    pooling: str, images: int, points: int, vocabulary: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    order = np.argsort(random.random((images, points, vocabulary)), axis=2)
    words = order[:, :, : min(3, vocabulary)]  # a descriptor names each word at most once
    weights = random.random(words.shape)
    positions = random.random((points, 2))
    levels = ((1, 1), (2, 3))
    expected = np.zeros((images, 7, vocabulary))
    for image in range(images):
        for point, (x, y) in enumerate(positions):
            for cell in (0, 1 + int(y * 2) * 3 + int(x * 3)):
                for word, weight in zip(words[image, point], weights[image, point], strict=True):
                    was = expected[image, cell, word]
                    best = max(was, weight) if pooling == "max" else was + weight
                    expected[image, cell, word] = best
    cells, number = pyramid_cells(torch.from_numpy(positions), levels)
    pooled = pool(
        torch.from_numpy(words),
        torch.from_numpy(weights),
        cells,
        number=number,
        vocabulary=vocabulary,
        pooling=pooling,
    )
    np.testing.assert_allclose(pooled.numpy(), expected.reshape(images, -1), atol=1e-12)


def test_mapped_vectors_multiply_to_their_kernels() -> None:
    pooled = torch.rand(4, 30, dtype=torch.float64)
    shares = pooled / pooled.sum(1, keepdim=True)
    cosine = torch.nn.functional.cosine_similarity(pooled[:, None], pooled, dim=2)
    hellinger = shares.sqrt() @ shares.sqrt().T
    for mapping, kernel, error in (
        ("linear", cosine, 1e-9),
        ("hellinger", hellinger, 1e-9),
        ("chi2", chi2(shares, shares), 0.06),
    ):
        vectors = mapped(pooled, mapping)
        torch.testing.assert_close(vectors @ vectors.T, kernel, atol=error, rtol=0)


@pytest.mark.parametrize("mapping", ["linear", "hellinger", "chi2"])
def test_an_image_without_words_is_zero(mapping: str) -> None:
    assert not mapped(torch.zeros(1, 5), mapping).any()
