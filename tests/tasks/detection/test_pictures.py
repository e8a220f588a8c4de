"""How pictures come to a detector."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data.boxes import BoxedDataset, whole
from striate.errors import StorageError
from striate.tasks.detection import pictures
from striate.tasks.detection.pictures import Scaling, scale

SCALING_NUMBERS = (10.0, 20.0, 30.0), (2.0, 4.0, 5.0)
SCALING = Scaling(64, *SCALING_NUMBERS)


def test_the_longer_side_and_the_canvas() -> None:
    assert SCALING.size(480, 640) == (48, 64)
    assert SCALING.size(1, 1000) == (1, 64)
    assert SCALING.scaled(np.zeros((100, 50, 3), np.uint8)).shape == (64, 32, 3)
    assert Scaling(64, *SCALING_NUMBERS, stretched=True).size(48, 64) == (64, 64)
    some = [torch.full((3, 48, 64), 30), torch.full((3, 64, 40), 20)]
    images = SCALING.canvas(some)
    assert images.shape == (2, 3, 64, 64)
    assert images[0, :, 47, 63].tolist() == [10, 2.5, 0]
    assert images[0, :, 48:].abs().max() == 0
    assert images[1, :, 63, 39].tolist() == [5, 0, -2]
    other = Scaling(64, SCALING.mean, SCALING.std, bgr=True)
    assert torch.equal(other.canvas(some), images.flip(1))


@pytest.mark.parametrize(
    "change", [{"side": 10}, {"side": "64"}, {"std": [1, 0, 1]}, {"mean": [1, 2]}]
)
def test_damaged_values(change: dict) -> None:
    values = {"side": 64, "mean": [1, 2, 3], "std": [1, 1, 1], "bgr": False, "stretched": False}
    assert Scaling.from_json(values).side == 64
    with pytest.raises(ValueError, match=r"channels|pixels"):
        Scaling.from_json({**values, **change})


def test_pictures_beyond_memory_lie_in_a_file(
    shapes: BoxedDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = scale(shapes, SCALING)
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pictures, "IN_MEMORY", 1000)
    for row, picture in enumerate(plain.pictures):
        assert picture is not None
        expected = SCALING.scaled(whole(shapes.images, row))
        assert np.array_equal(picture.permute(1, 2, 0).numpy(), expected)
    mapped = scale(shapes, SCALING)
    assert list((tmp_path / "cache").iterdir()) == []  # nobody has to clean up
    for one, other in zip(plain.pictures, mapped.pictures, strict=True):
        assert one is not None
        assert other is not None
        assert torch.equal(one, other)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pictures, "reserve", full)
    with pytest.raises(StorageError, match="No space left on device"):
        scale(shapes, SCALING)


def test_a_picture_of_another_size_than_its_notes_say(shapes: BoxedDataset) -> None:
    sizes = shapes.sizes.copy()
    sizes[0] = (60, 60)
    scaled = scale(replace(shapes, sizes=sizes), SCALING)
    picture = scaled.pictures[0]
    assert picture is not None
    assert picture.shape == (3, 64, 64)
    assert torch.isfinite(scaled.boxes[0]).all()
