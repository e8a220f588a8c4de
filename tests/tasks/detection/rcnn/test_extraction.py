"""Regions and features: computed once, kept whole, gone on with, forgotten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.handcrafted.selective_search import Strategies
from striate.tasks.detection.rcnn.extraction import Kept, chosen, extract, search
from striate.tasks.detection.rcnn.features import RegionFeatures
from striate.tasks.detection.rcnn.settings import RegionSettings

SMALL = RegionSettings(side=32, regions=40, strategies=Strategies(side=64, scales=(20,)))


@pytest.fixture
def few(shapes: Dataset[Boxes]) -> Dataset[Boxes]:
    """Three training images, one of them without anything."""
    return shapes.take(np.flatnonzero(shapes.split == 0)[:3].tolist())


@pytest.fixture(scope="module")
def extractor() -> RegionFeatures:
    torch.manual_seed(0)
    return RegionFeatures.of("efficientnet_lite0", None, SMALL)


def test_objects_come_first_then_regions(extractor: RegionFeatures, few: Dataset[Boxes]) -> None:
    regions = search(extractor, few, 0, learned=10)
    extracted = extract(extractor, few, regions)
    rows = np.flatnonzero(few.split == 0).tolist()
    assert regions.rows == rows
    assert len(extracted.pictures) == len(rows)
    for one, boxes, marked, row, size in zip(
        extracted.pictures, regions.boxes, extracted.truth, rows, extracted.sizes, strict=True
    ):
        assert marked is few.targets.objects[row]
        assert one.boxes is boxes
        assert one.objects == len(marked)
        np.testing.assert_array_equal(one.boxes[: one.objects].numpy(), marked.boxes)
        assert one.objects < len(one.boxes) <= one.objects + 10
        assert one.load().shape == (len(one.boxes), extractor.network.width)
        assert one.load().dtype == torch.float16
        assert size == (90, 120)
    assert regions.fresh == len(rows)
    assert extracted.fresh == sum(len(one.boxes) for one in extracted.pictures)


def test_regions_near_objects_are_chosen_first() -> None:
    regions = torch.arange(6.0)[:, None] * 100 + torch.tensor([0.0, 0, 10, 10])
    things = torch.tensor([[300.0, 300, 310, 311], [500, 500, 510, 509]])
    kept = chosen(regions, things, 3)
    assert kept[:, 0].tolist() == [0, 300, 500]
    assert chosen(regions, things[:0], 2)[:, 0].tolist() == [0, 100]
    assert chosen(regions, things, None) is regions


def test_what_was_computed_is_not_computed_again(
    extractor: RegionFeatures, few: Dataset[Boxes], tmp_path: Path
) -> None:
    def kept(name: str, identity: str, *, resume: bool = True) -> Kept:
        return Kept(tmp_path / name, identity, resume)

    regions = search(extractor, few, 0, kept=kept("regions", "a"))
    first = extract(extractor, few, regions, kept=kept("features", "a"))
    memory = extract(extractor, few, search(extractor, few, 0))
    for one, other in zip(first.pictures, memory.pictures, strict=True):
        torch.testing.assert_close(one.boxes, other.boxes)
        torch.testing.assert_close(one.load(), other.load())
    # One file is missing and one is damaged: both are written anew, the others are read.
    for name in ("regions", "features"):
        files = sorted((tmp_path / name).iterdir())
        assert [file.stem for file in files] == [str(row) for row in regions.rows]
        files[0].unlink()
        files[1].write_bytes(files[1].read_bytes()[:100])
    found = search(extractor, few, 0, kept=kept("regions", "a"))
    again = extract(extractor, few, found, kept=kept("features", "a"))
    assert found.fresh == 2
    assert again.fresh == sum(len(boxes) for boxes in found.boxes[:2])
    for one, other in zip(again.pictures, memory.pictures, strict=True):
        torch.testing.assert_close(one.load(), other.load())
    assert search(extractor, few, 0, kept=kept("regions", "b")).fresh == len(regions.rows)
    anew = kept("features", "a", resume=False)
    assert extract(extractor, few, found, kept=anew).fresh == sum(map(len, found.boxes))


def test_a_picture_that_cannot_be_read_is_noted(
    extractor: RegionFeatures, few: Dataset[Boxes], tmp_path: Path
) -> None:
    row = int(np.flatnonzero(few.split == 0)[1])
    path = few.inputs.path(row)
    assert path is not None
    path.write_bytes(b"no picture")
    regions = search(extractor, few, 0, learned=5)
    assert len(regions.rows) == (few.split == 0).sum() - 1
    assert len(extract(extractor, few, regions).pictures) == len(regions.rows)
    assert len(regions.broken) == 1
    assert few.inputs.name(row) in regions.broken[0]
    none = search(extractor, replace(few, split=np.full_like(few.split, -1)), 0)
    assert not extract(extractor, few, none).pictures
