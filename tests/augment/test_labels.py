"""Pictures and their class numbers move by one warp."""

import pytest
import torch

from striate.augment import Augmentation, Spread
from striate.augment.labels import warped_labels, windowed

VIEWS = Augmentation(Spread(mirror=0.5, rotation=40, zoom=0.3, shear=10, shift=0.2))


def stripes(height=40, width=60):
    """Labels of four blocks, and a picture whose first channel is 60 times the label."""
    labels = torch.zeros(height, width, dtype=torch.uint8)
    labels[:, width // 2 :] += 1
    labels[height // 2 :] += 2
    return labels, (labels * 60).expand(3, -1, -1)


@pytest.mark.parametrize("window", [None, (24, 16)])
@pytest.mark.parametrize("seed", range(5))
def test_labels_go_where_their_pixels_go(seed, window):
    labels, picture = stripes()
    generator = torch.Generator().manual_seed(seed)
    draw = VIEWS.drawn(1, (40, 60), generator)
    if window:
        draw = windowed(draw, (40, 60), window, torch.rand(1, 2, generator=generator))
    views = draw(picture[None])[0, 0] / 60
    moved = warped_labels(labels[None], draw, 255)[0]
    known = moved != 255
    pure = known & ((views - views.round()).abs() < 1e-4)  # no border is blended in
    assert pure.float().mean() > 0.3
    assert torch.equal(views[pure].round().to(torch.uint8), moved[pure])


def test_outside_of_the_picture_is_void():
    labels, _ = stripes()
    draw = Augmentation(Spread(shift=0.5)).drawn(1, (40, 60), torch.Generator().manual_seed(0))
    assert draw.matrices is not None
    draw.matrices[0, :, 2] = torch.tensor([1.0, 0.0])  # half the picture to the left
    moved = warped_labels(labels[None], draw, 255)[0]
    assert (moved[:, 30:] == 255).all()
    assert (moved[:, :30] != 255).all()


def test_a_window_is_a_part_of_the_view():
    labels, picture = stripes()
    draw = Augmentation().drawn(1, (40, 60))
    part = windowed(draw, (40, 60), (10, 20), torch.tensor([[1.0, 0.5]]))  # below, in the middle
    assert torch.equal(warped_labels(labels[None], part, 255)[0], labels[30:, 20:40])
    assert torch.allclose(part(picture[None])[0], picture[:, 30:, 20:40].float(), atol=1e-3)
