"""The index against looking at every pair, and that it does not look at every pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.checking import neighbors
from striate.checking.neighbors import WINDOW, alike, distances


def found(codes, bits):
    return {
        pair
        for first, second in alike(codes, bits=bits)
        for pair in zip(first.tolist(), second.tolist(), strict=True)
    }


def every_pair(codes, bits):
    """The plain way: (i, j) with the bits in which they differ."""
    pairs = {}
    for i in range(len(codes)):
        for j in range(i + 1, len(codes)):
            bits_apart = sum(
                bin(int(a) ^ int(b)).count("1") for a, b in zip(codes[i], codes[j], strict=True)
            )
            if bits_apart <= bits:
                pairs[i, j] = bits_apart
    return pairs


@given(st.integers(2, WINDOW), st.integers(0, 2**32 - 1), st.integers(0, 14))
def test_finds_all_within_eight_bits_and_none_beyond_the_limit(count, seed, flips):
    random = np.random.default_rng(seed)
    codes = random.integers(0, 2**16, (count, 9), dtype=np.uint16)
    for row in range(count // 2):  # the second half are codes of the first with bits changed
        codes[-1 - row] = codes[row]
        for bit in random.integers(0, 144, flips):
            codes[-1 - row, bit // 16] ^= np.uint16(1 << int(bit % 16))
    near = every_pair(codes, 12)
    assert {pair for pair, apart in near.items() if apart <= 8} <= found(codes, 12) <= set(near)


def test_nine_bits_apart_in_nine_bands_is_what_cannot_be_found():
    codes = np.zeros((2, 9), np.uint16)
    codes[1] = 1
    assert found(codes, 16) == set()
    codes[1, 4] = 0
    assert found(codes, 16) == {(0, 1)}


@pytest.mark.parametrize("band", range(9))
def test_one_band_alone_brings_two_together_among_many(band):
    random = np.random.default_rng(0)
    codes = random.integers(0, 2**16, (500, 9), dtype=np.uint16)
    codes[499] = codes[0] ^ np.uint16(1 << 15)  # in the order of any other band, far away
    codes[499, band] = codes[0, band]
    assert found(codes, 8) == {(0, 499)}
    assert found(codes, 7) == set()


def test_a_crowd_that_shares_a_band_costs_no_more_than_its_window(monkeypatch):
    codes = np.random.default_rng(0).integers(0, 2**16, (3000, 9), dtype=np.uint16)
    codes[:, 0] = 5  # all equal in the first band
    codes[2999] = codes[0]
    looked = []

    def counting(first, second):
        looked.append(len(first))
        return distances(first, second)

    monkeypatch.setattr(neighbors, "distances", counting)
    assert (0, 2999) in found(codes, 8)
    assert sum(looked) < len(codes) * (WINDOW + 9)


def test_nothing_to_compare():
    assert found(np.zeros((0, 9), np.uint16), 8) == set()
    assert found(np.zeros((1, 9), np.uint16), 8) == set()
