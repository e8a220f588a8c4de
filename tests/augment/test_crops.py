"""Windows at whole pixels: the papers' numbers, and pictures whose every pixel is known."""

import json
from dataclasses import asdict
from typing import Any

import pytest
import torch
from torch import Tensor

from striate.augment import Augmentation, Crops, Spread
from striate.images import View

CIFAR = Augmentation(Spread(mirror=0.5), crops=Crops(32, (32, 32), padding=4))
ALEXNET = Augmentation(Spread(mirror=0.5), crops=Crops(224, (256, 256)))


def numbered(count: int, side: int) -> Tensor:
    """(count, 3, side, side) uint8 without a zero: row, column, and which picture it is."""
    rows = torch.arange(1, side + 1).expand(side, side)
    planes = torch.stack([rows.T, rows])[None].expand(count, 2, side, side)
    which = torch.arange(1, count + 1)[:, None, None, None].expand(count, 1, side, side)
    return torch.cat([planes, which], 1).to(torch.uint8)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_cifar_windows_are_shifts_of_the_picture_among_zeros_or_their_mirror_images() -> None:
    images = numbered(200, 32)
    padded = torch.nn.functional.pad(images.float(), (4, 4, 4, 4))
    found = set()
    for image, view in zip(padded, CIFAR(images, generator()), strict=True):
        places = [
            (top, left, mirror)
            for top in range(9)
            for left in range(9)
            for mirror in (False, True)
            if torch.equal(view.flip(2) if mirror else view,
                           image[:, top : top + 32, left : left + 32])
        ]  # fmt: skip
        assert len(places) == 1
        found.add(places[0])
    assert {top for top, _, _ in found} == {left for _, left, _ in found} == set(range(9))
    assert {mirror for _, _, mirror in found} == {False, True}


def test_alexnet_cuts_224_of_256_without_touching_a_pixel() -> None:
    images = torch.randint(0, 256, (40, 3, 256, 256), dtype=torch.uint8, generator=generator(1))
    images[:, 0] = torch.arange(256, dtype=torch.uint8)[:, None]
    images[:, 1] = torch.arange(256, dtype=torch.uint8)
    views = ALEXNET.sized(224)(images, generator())
    assert views.shape == (40, 3, 224, 224)
    tops, lefts = views[:, 0, 0, 0].long(), views[:, 1, 0].amin(1).long()
    mirrored = views[:, 1, 0, 0] > views[:, 1, 0, 1]
    for image, view, top, left, mirror in zip(images, views, tops, lefts, mirrored, strict=True):
        window = image[:, top : top + 224, left : left + 224].float()
        assert torch.equal(view, window.flip(2) if mirror else window)
    assert 0 < mirrored.float().mean() < 1
    assert tops.max() <= 32
    assert len(set(tops.tolist())) > 10


@pytest.mark.parametrize("low", [256, 300])
def test_the_shorter_side_is_drawn_evenly_and_windows_lie_inside(low: int) -> None:
    places = Crops(224, (low, 480)).draw(5000, (480, 640), 224, generator())
    height, width = places.sides.unbind(1)
    assert (height.min(), height.max()) == (low, 480)
    assert height.float().mean() == pytest.approx((low + 480) / 2, abs=4)
    torch.testing.assert_close(width / height, torch.full((5000,), 640 / 480), atol=3e-3, rtol=0)
    assert places.corners.min() == 0
    assert (places.corners + 224 <= places.sides).all()
    assert (places.corners[:, 0] == height - 224).any()


def test_scale_jitter_reads_what_a_resize_and_a_cut_read() -> None:
    # A smooth picture brought to half its side: 2 x 2 means, of which a window is cut.
    y, x = torch.meshgrid(torch.linspace(0, 3, 64), torch.linspace(0, 3, 64), indexing="ij")
    image = (120 + 60 * torch.sin(x + y))[None, None].expand(1, 3, 64, 64)
    crops = Crops(24, (32, 32))
    places = crops.draw(1, (64, 64), 24, generator(3))
    (top, left), half = places.corners[0].tolist(), torch.nn.functional.avg_pool2d(image, 2)
    view = Augmentation(crops=crops, size=24)(image, generator(3))
    expected = half[:, :, top : top + 24, left : left + 24]
    torch.testing.assert_close(view, expected, atol=0.5, rtol=0)


def test_pictures_of_the_networks_own_size_are_enlarged() -> None:
    views = ALEXNET(torch.full((2, 3, 224, 224), 7, dtype=torch.uint8), generator())
    torch.testing.assert_close(views, torch.full((2, 3, 224, 224), 7.0))


def test_other_networks_get_the_same_shares() -> None:
    crops = Crops(224, (256, 480), padding=14)
    assert (crops.largest(112), crops.of(crops.padding, 112)) == (240, 7)
    assert crops.draw(500, (240, 240), 112, generator()).sides.min() == 128


def test_how_pictures_are_read_to_learn_from_and_in_use() -> None:
    learning, use = ALEXNET.views(View(224, fit="squash"))
    assert learning == View(256, fit="crop", fraction=1.0)
    assert use == View(224, fit="crop", fraction=0.875)  # the central 224 of 256
    jitter = Augmentation(crops=Crops(224, (256, 512)))
    assert [view.size for view in jitter.views(View(224))] == [512, 224]
    assert jitter.views(View(224))[1].fraction == 224 / 384  # the paper's Q
    own = View(32, fit="squash")
    assert CIFAR.views(own) == Augmentation().views(own) == (own, own)


def test_other_geometry_moves_what_is_in_the_window() -> None:
    images = numbered(3, 32)
    turned = Augmentation(Spread(rotation=20), crops=Crops(28, (32, 32)), size=28)
    views = turned(images, generator())
    assert views.shape == (3, 3, 28, 28)
    assert views.frac().any()


def test_json_and_back() -> None:
    assert Augmentation.from_json(json.loads(json.dumps(asdict(CIFAR)))) == CIFAR


def test_normalized_windows_are_windows_normalized() -> None:
    images, mean, std = numbered(4, 32), (10.0, 20.0, 30.0), (2.0, 4.0, 8.0)
    plain = CIFAR(images, generator())
    views = CIFAR(images, generator(), mean=mean, std=std)
    expected = (plain - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    torch.testing.assert_close(views, expected)


@pytest.mark.parametrize("wrong", [
    {"window": 0, "sides": (8, 8)}, {"window": 9, "sides": (8, 8)},
    {"window": 4, "sides": (8, 6)}, {"window": 4, "sides": (8, 8), "padding": -1},
])  # fmt: skip
def test_windows_must_fit(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="pixels"):
        Crops(**wrong)


@pytest.mark.parametrize(("window", "padding"), [(5, 0), (9, 0), (7, 2), (3, 8)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_windows_are_those_looked_up_pixel_by_pixel(
    window: int, padding: int, channels_last: bool
) -> None:
    images = torch.randint(1, 256, (40, 3, 9, 11), dtype=torch.uint8)
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    places = Crops(window, (9, 9), padding).draw(40, (9, 11), window, generator())
    mirrored = torch.arange(40) % 2 == 0
    for kind in (torch.uint8, torch.float64, torch.bfloat16):
        found = places.cut(images.to(kind), mirrored)
        assert found.dtype == kind
        assert torch.equal(found, places._gathered(images.to(kind), mirrored))
    learned = images.double().requires_grad_()
    places.cut(learned, mirrored).sum().backward()
    assert learned.grad is not None
