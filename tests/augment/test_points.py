"""Points move as the pixels do."""

import numpy as np
import pytest
import torch

from striate.augment import Augmentation, Spread
from striate.augment.points import warped_points
from striate.errors import UserError


def test_a_point_stays_on_the_spot_that_it_marks():
    places = torch.tensor([[[20.0, 30.0], [44.0, 18.0]]])
    pictures = torch.zeros(1, 2, 48, 64)
    rows, columns = np.mgrid[:48, :64] + 0.5
    for part, (x, y) in enumerate(places[0].tolist()):
        pictures[0, part] = torch.from_numpy(
            np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) * 200
        )
    views = Augmentation(
        Spread(mirror=0.5, rotation=25, zoom=0.2, stretch=0.1, shear=8, shift=0.05)
    )
    sides = set()
    for seed in range(8):
        draw = views.drawn(1, (48, 64), torch.Generator().manual_seed(seed))
        moved = warped_points(places, draw, (48, 64), swaps=(1, 0))
        seen = draw(pictures)[0].clamp(min=1) - 1
        assert draw.matrices is not None
        mirrored = float(torch.linalg.det(draw.matrices[0, :, :2])) < 0
        sides.add(mirrored)
        for part in range(2):
            spot = seen[1 - part if mirrored else part]
            mean = [
                float((spot * torch.from_numpy(axis)).sum() / spot.sum())
                for axis in (columns, rows)
            ]
            assert moved[0, part].tolist() == pytest.approx(mean, abs=0.5)
    assert sides == {True, False}


def test_what_is_not_marked_stays_so_and_bent_views_are_refused():
    places = torch.tensor([[[float("nan"), float("nan")]]])
    draw = Augmentation(Spread(rotation=5)).drawn(1, (8, 8), torch.Generator().manual_seed(0))
    assert torch.isnan(warped_points(places, draw, (8, 8))).all()
    bent = Augmentation(Spread(lens=0.1)).drawn(1, (8, 8), torch.Generator().manual_seed(0))
    with pytest.raises(UserError, match="leave out lens"):
        warped_points(places, bent, (8, 8))
