"""What R-CNN saw in the images of a split: regions are searched once, and each is looked at once;
both are kept until all is solved."""

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from striate import progress
from striate.data.boxes import BoxedDataset, Objects, whole
from striate.errors import ImageError
from striate.ops.boxes import overlaps
from striate.tasks.detection.keeping import of_run
from striate.tasks.detection.rcnn_features import Reader
from striate.tasks.detection.rcnn_learning import Seen
from striate.training.checkpoints import load_tensors, save_tensors

NEAR = 0.5  # overlap with a thing from which on a region is looked at in any case


@dataclass(frozen=True, eq=False)
class Kept:
    """A folder with one file an image, of one run; without a folder nothing is kept.

    Attributes:
        identity: of the run; files of another are not read.
        resume: whether files are read at all.
    """

    folder: Path | None = None
    identity: str = ""
    resume: bool = False

    def path(self, row: int) -> Path | None:
        return self.folder / f"{row}.safetensors" if self.folder else None

    def read(self, row: int, name: str) -> Tensor | None:
        """A tensor of an image's file; None where there is no such file of this run."""
        path = self.path(row)
        file = of_run(path, self.identity) if path and self.resume else None
        return file[0][name] if file else None

    def write(self, row: int, **tensors: Tensor) -> None:
        path = self.path(row)
        if path is not None:
            save_tensors(path, tensors, {"identity": self.identity})


@dataclass(frozen=True, eq=False)
class Searched:
    """Where something may be in the images of a split that can be read.

    Attributes:
        rows: of the set, one an image.
        boxes: (K, 4) of each; the things that are marked come first, then regions.
        broken: a note for each that cannot be read.
        seconds: that selective search took for `fresh` images; the others' were kept.
    """

    rows: list[int] = field(default_factory=list)
    boxes: list[Tensor] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0
    fresh: int = 0


@dataclass(frozen=True, eq=False)
class Looked:
    """What was seen at these places.

    Attributes:
        seen, truth, sizes: one entry an image; a size is (height, width).
        seconds: that the features of `fresh` regions took; the others' were kept.
    """

    seen: list[Seen] = field(default_factory=list)
    truth: list[Objects] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    seconds: float = 0.0
    fresh: int = 0


def search(
    reader: Reader,
    data: BoxedDataset,
    split: int,
    *,
    learned: int | None = None,
    kept: Kept | None = None,
) -> Searched:
    """Where to look in every image of a split.

    Args:
        learned: regions of an image at most: those near its things, then the likeliest; None: all.
    """
    kept = kept or Kept()
    rows: list[int] = []
    places: list[Tensor] = []
    broken: list[str] = []
    seconds, fresh = 0.0, 0
    for row in progress.track(np.flatnonzero(data.split == split).tolist(), "search regions"):
        boxes = kept.read(row, "boxes")
        if boxes is None:
            try:
                pixels = whole(data.images, row)
            except ImageError as error:
                broken.append(f"{data.images.name(row)} was left out: {error}")
                continue
            start = time.perf_counter()
            things = torch.from_numpy(data.objects[row].boxes)
            boxes = torch.cat([things, chosen(reader.regions(pixels), things, learned)])
            seconds, fresh = seconds + time.perf_counter() - start, fresh + 1
            kept.write(row, boxes=boxes)
        rows.append(row)
        places.append(boxes)
    return Searched(rows, places, broken, seconds, fresh)


def look(
    reader: Reader, data: BoxedDataset, searched: Searched, *, kept: Kept | None = None
) -> Looked:
    """Features of every place."""
    kept = kept or Kept()
    seen: list[Seen] = []
    seconds, fresh = 0.0, 0
    pairs = list(zip(searched.rows, searched.boxes, strict=True))
    for row, boxes in progress.track(pairs, "look at regions"):
        features = kept.read(row, "features")
        if features is None:
            pixels = whole(data.images, row)
            start = time.perf_counter()
            features = reader.features(pixels, boxes).half()
            seconds, fresh = seconds + time.perf_counter() - start, fresh + len(boxes)
            kept.write(row, features=features)
        path = kept.path(row)
        load = partial(_in, path) if path else partial(_same, features)
        seen.append(Seen(boxes, len(data.objects[row]), load))
    truth = [data.objects[row] for row in searched.rows]
    sizes = [(height, width) for height, width in data.sizes[searched.rows].tolist()]
    return Looked(seen, truth, sizes, seconds, fresh)


def chosen(regions: Tensor, things: Tensor, most: int | None) -> Tensor:
    """At most that many of the regions, those near a thing first to be taken, in their order."""
    if most is None or len(regions) <= most:
        return regions
    near = (overlaps(regions, things) >= NEAR).any(1)
    order = (~near).long().argsort(stable=True)
    return regions[order[:most].sort().values]


def _in(path: Path) -> Tensor:
    return load_tensors(path)[0]["features"]


def _same(features: Tensor) -> Tensor:
    return features
