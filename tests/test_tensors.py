"""Rows that are written as they come."""

from pathlib import Path

import numpy as np
import pytest

from striate.tensors import save_rows


@pytest.mark.parametrize(("count", "width"), [(0, 0), (1, 1), (1000, 7), (3, 200_000)])
def test_rows_are_an_array(tmp_path: Path, count: int, width: int) -> None:
    rows = np.random.default_rng(0).normal(size=(count, width)).astype(np.float32)
    assert save_rows(tmp_path / "rows.npy", iter(rows)) == (count, width)
    assert np.array_equal(np.load(tmp_path / "rows.npy", allow_pickle=False), rows)


def test_what_fails_on_the_way_leaves_what_was_there(tmp_path: Path) -> None:
    save_rows(tmp_path / "rows.npy", iter(np.ones((2, 3), np.float32)))
    with pytest.raises(ValueError, match="beside rows of 3 numbers"):
        save_rows(tmp_path / "rows.npy", [np.ones(3, np.float32), np.ones(4, np.float32)])
    assert np.load(tmp_path / "rows.npy").shape == (2, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.npy"]
