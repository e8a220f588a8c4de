"""Looking at regions: once, kept whole, gone on with, forgotten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data.boxes import BoxedDataset
from striate.handcrafted.selective_search import Strategies
from striate.tasks.detection.rcnn_features import Looking, Reader
from striate.tasks.detection.rcnn_looking import chosen, look

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
    looked = look(reader, few, 0, learned=10)
    rows = np.flatnonzero(few.split == 0)
    assert len(looked.seen) == len(rows)
    for one, marked, row, size in zip(
        looked.seen, looked.truth, rows.tolist(), looked.sizes, strict=True
    ):
        assert marked is few.objects[row]
        assert one.things == len(marked)
        np.testing.assert_array_equal(one.boxes[: one.things].numpy(), marked.boxes)
        assert one.things < len(one.boxes) <= one.things + 10
        assert one.load().shape == (len(one.boxes), reader.eye.width)
        assert one.load().dtype == torch.float16
        assert size == (90, 120)
    assert looked.spent["pictures"] == len(rows)
    assert looked.spent["regions"] == sum(len(one.boxes) for one in looked.seen)


def test_regions_near_things_are_chosen_first() -> None:
    regions = torch.arange(6.0)[:, None] * 100 + torch.tensor([0.0, 0, 10, 10])
    things = torch.tensor([[300.0, 300, 310, 311], [500, 500, 510, 509]])
    kept = chosen(regions, things, 3)
    assert kept[:, 0].tolist() == [0, 300, 500]
    assert chosen(regions, things[:0], 2)[:, 0].tolist() == [0, 100]
    assert chosen(regions, things, None) is regions


def test_what_was_seen_is_not_looked_at_again(
    reader: Reader, few: BoxedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = look(reader, few, 0, folder=tmp_path / "regions", identity="a")
    memory = look(reader, few, 0)
    for one, other in zip(first.seen, memory.seen, strict=True):
        torch.testing.assert_close(one.boxes, other.boxes)
        torch.testing.assert_close(one.load(), other.load())
    # One file is missing and one is damaged: both are written anew, the others are read.
    first.files[0].unlink()
    first.files[1].write_bytes(first.files[1].read_bytes()[:100])
    again = look(reader, few, 0, folder=tmp_path / "regions", identity="a", resume=True)
    assert again.spent["pictures"] == 2
    for one, other in zip(again.seen, memory.seen, strict=True):
        torch.testing.assert_close(one.load(), other.load())
    other_run = look(reader, few, 0, folder=tmp_path / "regions", identity="b", resume=True)
    assert other_run.spent["pictures"] == len(first.files)
    other_run.forget()
    assert not (tmp_path / "regions").exists()


def test_a_picture_that_cannot_be_read_is_told(
    reader: Reader, few: BoxedDataset, tmp_path: Path
) -> None:
    row = int(np.flatnonzero(few.split == 0)[1])
    path = few.images.path(row)
    assert path is not None
    path.write_bytes(b"no picture")
    looked = look(reader, few, 0, learned=5)
    assert len(looked.seen) == (few.split == 0).sum() - 1
    assert len(looked.broken) == 1
    assert few.images.name(row) in looked.broken[0]
    none = look(reader, replace(few, split=np.full_like(few.split, -1)), 0)
    assert not none.seen
