"""The feature pyramid: scales, sizes, what lies beyond the picture."""

import numpy as np
import pytest
import torch

from striate.handcrafted.part_features import part_features
from striate.handcrafted.pyramid import DEPTH, OCTAVE, cell_of, pyramid, scale_of


def test_scales_by_hand() -> None:
    assert [scale_of(level) for level in (0, OCTAVE, 2 * OCTAVE)] == [2.0, 1.0, 0.5]
    assert [cell_of(level) for level in (0, OCTAVE, 2 * OCTAVE)] == [4.0, 8.0, 16.0]


def test_a_level_at_the_picture_s_own_scale() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 64, 3), dtype=np.uint8)
    made = pyramid(pixels, [OCTAVE])
    expected = part_features(torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None])[0]
    assert made.size == (40, 64)
    torch.testing.assert_close(made.levels[OCTAVE].float(), expected, atol=3e-4, rtol=0)


def test_an_octave_has_half_the_cells() -> None:
    made = pyramid(np.zeros((96, 128, 3), np.uint8), range(2 * OCTAVE + 1))
    sizes = [tuple(made.levels[level].shape[1:]) for level in (0, OCTAVE, 2 * OCTAVE)]
    assert sizes == [(24, 32), (12, 16), (6, 8)]
    assert len(made.levels) == 2 * OCTAVE + 1


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (3, 40), (20, 20)])
def test_levels_without_a_whole_cell_are_left_out(size: tuple[int, int]) -> None:
    made = pyramid(np.zeros((*size, 3), np.uint8), range(40))
    assert all(min(size) * scale_of(level) >= 7.5 for level in made.levels)
    assert bool(made.levels) == (min(size) >= 4)


def test_beyond_the_picture() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    made = pyramid(pixels, [OCTAVE])
    wide = made.padded(OCTAVE, 2)
    assert wide.shape == (DEPTH, 8, 10)
    assert torch.equal(wide[:-1, 2:-2, 2:-2], made.levels[OCTAVE].float())
    assert wide[-1].sum() == 8 * 10 - 4 * 6
    assert not wide[:, 2:-2, 2:-2][-1].any()
    assert not wide[:-1, :2].any()


@pytest.mark.parametrize("inner", [(3, 6), (4, 5), (5, 7), (6, 6)])
def test_a_level_that_rounding_made_too_large_or_small(inner: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    made = pyramid(pixels, [OCTAVE])
    wide = made.padded(OCTAVE, 3, inner)
    assert wide.shape == (DEPTH, inner[0] + 6, inner[1] + 6)
    assert torch.equal(wide[:-1, 3:6, 3:8], made.levels[OCTAVE].float()[:, :3, :5])
