"""Reading ahead: the right bytes are asked for and given back, and the pixels stay the same."""

import mmap
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from striate.data import ahead, batches
from striate.data.ahead import ReadAhead
from striate.data.batches import Batches
from striate.data.store import _mapped

SHAPE = (50, 64, 64, 3)  # three pages a row
ROW = 64 * 64 * 3


class Recorder(ReadAhead):
    """Keeps what the system is told instead of telling it."""

    def __init__(self, array):
        self.told = []
        super().__init__(array)

    def _advise(self, advice, first, end):
        self.told.append((advice, first, end))


@pytest.fixture
def pixels(tmp_path: Path) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)
    (tmp_path / "pixels").write_bytes(values.tobytes())
    return _mapped(tmp_path / "pixels", SHAPE)


def test_rows_of_a_large_map(pixels, monkeypatch):
    monkeypatch.setattr(ahead, "LARGE", 0)
    for first in (0, 7):
        some = Recorder(pixels[first:])
        some.want(np.array([3, 0]))
        some.done(np.array([1]))
        expected = [((first + row) * ROW, (first + row + 1) * ROW) for row in (3, 0, 1)]
        advice = [mmap.MADV_WILLNEED, mmap.MADV_WILLNEED, mmap.MADV_DONTNEED]
        assert some.told == [(a, *e) for a, e in zip(advice, expected, strict=True)]


def test_a_small_map_is_asked_for_at_once(pixels):
    some = Recorder(pixels[10:20])
    some.want(np.array([0]))
    some.done(np.array([0]))
    assert some.told == [(mmap.MADV_WILLNEED, 10 * ROW, 20 * ROW)]


def test_of_other_arrays_nothing_is_asked(pixels, monkeypatch):
    monkeypatch.setattr(ahead, "LARGE", 0)
    for array in (np.zeros(SHAPE, np.uint8), pixels[:, ::2], pixels[:0], np.zeros(3)):
        some = Recorder(array)
        some.want(np.array([0]))
        assert some.told == []


def test_what_was_given_back_can_be_read_again(pixels, monkeypatch):
    monkeypatch.setattr(ahead, "LARGE", 0)
    before = pixels.copy()
    some = ReadAhead(pixels)
    some.want(np.arange(50))
    some.done(np.arange(50))
    np.testing.assert_array_equal(pixels, before)


def test_batches_ask_for_what_comes_next_and_give_back_what_was(pixels, monkeypatch):
    monkeypatch.setattr(ahead, "LARGE", 0)
    recorder = None

    def recording(array):
        nonlocal recorder
        recorder = Recorder(array)
        return recorder

    monkeypatch.setattr(batches, "ReadAhead", recording)
    seen = [batch.indices for batch in islice(Batches(pixels, np.zeros(50), size=5, seed=0), 4)]
    wanted = [first // ROW for advice, first, _ in recorder.told if advice == mmap.MADV_WILLNEED]
    given = [first // ROW for advice, first, _ in recorder.told if advice == mmap.MADV_DONTNEED]
    assert given == np.concatenate(seen).tolist()
    assert wanted[:20] == given
    assert len(wanted) == len(given) + batches.AHEAD * 5
