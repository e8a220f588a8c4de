"""Pictures of a set, scaled once: in memory or in a file, of other sizes than their labels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data import Dataset
from striate.data.boxes import Boxes, whole
from striate.errors import StorageError
from striate.models import Normalization
from striate.tasks.detection import pictures
from striate.tasks.detection.pictures import scale
from striate.tasks.detection.scaling import Scaling

SCALING = Scaling(64, Normalization((10.0, 20.0, 30.0), (2.0, 4.0, 5.0)))


def test_pictures_beyond_memory_lie_in_a_file(
    shapes: Dataset[Boxes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = scale(shapes, SCALING)
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pictures, "IN_MEMORY", 1000)
    for row, picture in enumerate(plain.pictures):
        assert picture is not None
        expected = SCALING.scaled(whole(shapes.inputs, row))
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


def test_a_picture_of_another_size_than_its_labels(shapes: Dataset[Boxes]) -> None:
    sizes = shapes.targets.sizes.copy()
    sizes[0] = (60, 60)
    scaled = scale(replace(shapes, targets=replace(shapes.targets, sizes=sizes)), SCALING)
    picture = scaled.pictures[0]
    assert picture is not None
    assert picture.shape == (3, 64, 64)
    assert torch.isfinite(scaled.boxes[0]).all()
