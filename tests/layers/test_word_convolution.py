"""The convolution over words against torch's own, on padded texts."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from striate.layers.word_convolution import laid, strongest, windows

PAD = 4


def plain(texts: list[np.ndarray], table: Tensor, weight: Tensor) -> Tensor:
    """Embeds, pads all texts to one length, convolves, and takes the maximum over time."""
    length = max(map(len, texts)) + 2 * PAD + 1  # a window of padding alone for every text
    rows = torch.zeros(len(texts), length, dtype=torch.int64)
    for row, text in zip(rows, texts, strict=True):
        row[PAD : PAD + len(text)] = torch.from_numpy(text)
    maps = F.conv1d(table[rows].transpose(1, 2), weight.transpose(1, 2))
    return maps.amax(2)


def random_texts(seed: int, lengths: list[int], words: int = 12) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.integers(1, words, length) for length in lengths]


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6),
    st.integers(1, PAD + 1),
    st.integers(0, 10**6),
)
def test_equals_the_plain_form_with_its_gradients(
    lengths: list[int], window: int, seed: int
) -> None:
    texts = random_texts(seed, lengths)
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(12, 3, dtype=torch.float64, generator=generator)
    table[0] = 0
    weight = torch.randn(4, window, 3, dtype=torch.float64, generator=generator)
    flow = torch.randn(len(texts), 4, dtype=torch.float64, generator=generator)
    found = []
    for form in (plain, fast):
        leaves = table.clone().requires_grad_(), weight.clone().requires_grad_()
        value = form(texts, *leaves)
        (value * flow).sum().backward()
        to_table = leaves[0].grad.clone()
        to_table[0] = 0  # padding does not learn
        found.append((value.detach(), to_table, leaves[1].grad))
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two)


def fast(texts: list[np.ndarray], table: Tensor, weight: Tensor) -> Tensor:
    some = laid(texts, PAD)
    return strongest(table[some.words], weight, some.places, some.starts)


def test_gradient() -> None:
    some = laid(random_texts(3, [4, 1, 7]), PAD)
    vectors = torch.randn(len(some.words), 3, dtype=torch.float64)
    vectors[0] = 0
    weight = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    free = vectors[1:].clone().requires_grad_()

    def value(free: Tensor, weight: Tensor) -> Tensor:
        rows = torch.cat([vectors[:1], free])
        return strongest(rows, weight, some.places, some.starts)

    assert torch.autograd.gradcheck(value, (free, weight))


def test_by_hand() -> None:
    # One number a word: 1 is 2.0, 2 is -1.0. A filter over two words that adds them.
    vectors = torch.tensor([[0.0], [2.0], [-1.0]])
    weight = torch.ones(1, 2, 1)
    some = laid([np.array([1, 2, 1, 1]), np.array([2])], 1)
    assert some.places.tolist() == [0, 1, 2, 1, 1, 0, 2, 0]
    assert windows(vectors, weight, some.places).flatten().tolist() == [2, 1, 1, 4, 2, -1, -1]
    assert strongest(vectors, weight, some.places, some.starts).tolist() == [[4], [0]]


@pytest.mark.parametrize("lengths", [[0], [0, 3, 0]])
def test_a_text_without_words_is_padding(lengths: list[int]) -> None:
    texts = random_texts(0, lengths)
    table, weight = torch.randn(12, 3), torch.randn(4, 3, 3)
    table[0] = 0
    values = fast(texts, table, weight)
    assert values.shape == (len(lengths), 4)
    assert values[0].tolist() == [0] * 4
