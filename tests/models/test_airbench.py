"""The speed-record network by pencil."""

import pytest
import torch

from striate.models import classifier, create, describe


def test_parameters_by_pencil() -> None:
    stem = 2 * 2 * 3 * 24 + 24
    blocks = sum(9 * (i * o + o * o) + 4 * o for i, o in ((24, 64), (64, 256), (256, 256)))
    assert describe("airbench").parameters == stem + blocks + 256 * 10 == 1_972_792
    narrow = create("airbench", widths=(32, 64, 128))
    assert sum(p.numel() for p in narrow.parameters()) == 295_096


def test_sides_are_halved_before_the_channels_are_many() -> None:
    sizes = {row.name: row.output for row in describe("airbench").stages}
    assert sizes["stem"] == (24, 31, 31)
    assert [sizes[f"block{k}"] for k in (1, 2, 3)] == [(64, 15, 15), (256, 7, 7), (256, 3, 3)]


@pytest.mark.parametrize("side", [24, 28, 32, 64])
def test_images_of_any_small_size(side: int) -> None:
    assert create("airbench", classes=5, channels=1)(torch.zeros(2, 1, side, side)).shape == (2, 5)


def test_logits_are_scaled_down() -> None:
    model = create("airbench").eval()
    fc = classifier(model)[1]
    x = torch.rand(2, 256)
    torch.testing.assert_close(fc(x), x @ fc.weight.T / 9)
