"""Looking at regions: once, kept whole, gone on with, forgotten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data.boxes import BoxedDataset
from striate.handcrafted.selective_search import Strategies
from striate.tasks.detection.rcnn_features import Looking, Reader
from striate.tasks.detection.rcnn_looking import Kept, chosen, look, search

SMALL = Looking(side=32, regions=40, strategies=Strategies(side=64, scales=(20,)))


@pytest.fixture
def few(shapes: BoxedDataset) -> BoxedDataset:
    """Three training images, one of them without anything."""
    return shapes.take(np.flatnonzero(shapes.split == 0)[:3].tolist())


@pytest.fixture(scope="module")
def reader() -> Reader:
    torch.manual_seed(0)
    return Reader.of("efficientnet_lite0", None, SMALL)


def test_things_come_first_then_regions(reader: Reader, few: BoxedDataset) -> None:
    searched = search(reader, few, 0, learned=10)
    looked = look(reader, few, searched)
    rows = np.flatnonzero(few.split == 0).tolist()
    assert searched.rows == rows
    assert len(looked.seen) == len(rows)
    for one, boxes, marked, row, size in zip(
        looked.seen, searched.boxes, looked.truth, rows, looked.sizes, strict=True
    ):
        assert marked is few.objects[row]
        assert one.boxes is boxes
        assert one.things == len(marked)
        np.testing.assert_array_equal(one.boxes[: one.things].numpy(), marked.boxes)
        assert one.things < len(one.boxes) <= one.things + 10
        assert one.load().shape == (len(one.boxes), reader.eye.width)
        assert one.load().dtype == torch.float16
        assert size == (90, 120)
    assert searched.fresh == len(rows)
    assert looked.fresh == sum(len(one.boxes) for one in looked.seen)


def test_regions_near_things_are_chosen_first() -> None:
    regions = torch.arange(6.0)[:, None] * 100 + torch.tensor([0.0, 0, 10, 10])
    things = torch.tensor([[300.0, 300, 310, 311], [500, 500, 510, 509]])
    kept = chosen(regions, things, 3)
    assert kept[:, 0].tolist() == [0, 300, 500]
    assert chosen(regions, things[:0], 2)[:, 0].tolist() == [0, 100]
    assert chosen(regions, things, None) is regions


def test_what_was_searched_and_seen_is_not_looked_at_again(
    reader: Reader, few: BoxedDataset, tmp_path: Path
) -> None:
    def kept(name: str, identity: str, *, resume: bool = True) -> Kept:
        return Kept(tmp_path / name, identity, resume)

    searched = search(reader, few, 0, kept=kept("regions", "a"))
    first = look(reader, few, searched, kept=kept("features", "a"))
    memory = look(reader, few, search(reader, few, 0))
    for one, other in zip(first.seen, memory.seen, strict=True):
        torch.testing.assert_close(one.boxes, other.boxes)
        torch.testing.assert_close(one.load(), other.load())
    # One file is missing and one is damaged: both are written anew, the others are read.
    for name in ("regions", "features"):
        files = sorted((tmp_path / name).iterdir())
        assert [file.stem for file in files] == [str(row) for row in searched.rows]
        files[0].unlink()
        files[1].write_bytes(files[1].read_bytes()[:100])
    found = search(reader, few, 0, kept=kept("regions", "a"))
    again = look(reader, few, found, kept=kept("features", "a"))
    assert found.fresh == 2
    assert again.fresh == sum(len(boxes) for boxes in found.boxes[:2])
    for one, other in zip(again.seen, memory.seen, strict=True):
        torch.testing.assert_close(one.load(), other.load())
    assert search(reader, few, 0, kept=kept("regions", "b")).fresh == len(searched.rows)
    anew = kept("features", "a", resume=False)
    assert look(reader, few, found, kept=anew).fresh == sum(map(len, found.boxes))


def test_a_picture_that_cannot_be_read_is_told(
    reader: Reader, few: BoxedDataset, tmp_path: Path
) -> None:
    row = int(np.flatnonzero(few.split == 0)[1])
    path = few.images.path(row)
    assert path is not None
    path.write_bytes(b"no picture")
    searched = search(reader, few, 0, learned=5)
    assert len(searched.rows) == (few.split == 0).sum() - 1
    assert len(look(reader, few, searched).seen) == len(searched.rows)
    assert len(searched.broken) == 1
    assert few.images.name(row) in searched.broken[0]
    none = search(reader, replace(few, split=np.full_like(few.split, -1)), 0)
    assert not look(reader, few, none).seen
