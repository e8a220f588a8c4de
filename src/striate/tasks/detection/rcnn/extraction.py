"""Regions and features of the images of a split: each searched once and computed once, and kept
until all is solved."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from striate import progress
from striate.data import Dataset
from striate.data.boxes import Boxes, Objects, whole
from striate.errors import ImageError
from striate.ops.boxes import overlaps
from striate.tasks.detection.keeping import of_run
from striate.tasks.detection.rcnn.features import RegionFeatures
from striate.tensors import load_tensors, save_tensors

NEAR = 0.5  # overlap with an object from which on a region is kept in any case


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
        return file[0].get(name) if file else None

    def write(self, row: int, **tensors: Tensor) -> None:
        path = self.path(row)
        if path is not None:
            save_tensors(path, tensors, {"identity": self.identity})


@dataclass(frozen=True, eq=False)
class Regions:
    """Those of the images of a split that can be read.

    Attributes:
        rows: of the set, one an image.
        boxes: (K, 4) of each; the objects that are marked come first, then regions.
        broken: a note for each that cannot be read.
        seconds: that selective search took for `fresh` images; the others' were kept.
    """

    rows: list[int] = field(default_factory=list)
    boxes: list[Tensor] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0
    fresh: int = 0


@dataclass(frozen=True, eq=False)
class PictureFeatures:
    """A picture's regions and their features, which may lie in a file.

    Attributes:
        boxes: (K, 4); the first `objects` are those that are marked.
        load: gives the features (K, D).
    """

    boxes: Tensor
    objects: int
    load: Callable[[], Tensor]


@dataclass(frozen=True, eq=False)
class Extracted:
    """The features of these regions.

    Attributes:
        pictures, truth, sizes: one entry an image; a size is (height, width).
        seconds: that the features of `fresh` regions took; the others' were kept.
    """

    pictures: list[PictureFeatures] = field(default_factory=list)
    truth: list[Objects] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    seconds: float = 0.0
    fresh: int = 0


def search(
    extractor: RegionFeatures,
    data: Dataset[Boxes],
    split: int,
    *,
    learned: int | None = None,
    kept: Kept | None = None,
) -> Regions:
    """The regions of every image of a split.

    Args:
        learned: regions of an image at most: those near its objects, then the best; None: all.
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
                pixels = whole(data.inputs, row)
            except ImageError as error:
                broken.append(f"{data.inputs.name(row)} was left out: {error}")
                continue
            start = time.perf_counter()
            marked = torch.from_numpy(data.targets.objects[row].boxes)
            boxes = torch.cat([marked, chosen(extractor.regions(pixels), marked, learned)])
            seconds, fresh = seconds + time.perf_counter() - start, fresh + 1
            kept.write(row, boxes=boxes)
        rows.append(row)
        places.append(boxes)
    return Regions(rows, places, broken, seconds, fresh)


def extract(
    extractor: RegionFeatures, data: Dataset[Boxes], regions: Regions, *, kept: Kept | None = None
) -> Extracted:
    """The features of every region."""
    kept = kept or Kept()
    pictures: list[PictureFeatures] = []
    seconds, fresh = 0.0, 0
    pairs = list(zip(regions.rows, regions.boxes, strict=True))
    for row, boxes in progress.track(pairs, "features of regions"):
        features = kept.read(row, "features")
        if features is None:
            pixels = whole(data.inputs, row)
            start = time.perf_counter()
            features = extractor.features(pixels, boxes).half()
            seconds, fresh = seconds + time.perf_counter() - start, fresh + len(boxes)
            kept.write(row, features=features)
        path = kept.path(row)
        load = partial(_in, path) if path else partial(_same, features)
        pictures.append(PictureFeatures(boxes, len(data.targets.objects[row]), load))
    truth = [data.targets.objects[row] for row in regions.rows]
    sizes = [(height, width) for height, width in data.targets.sizes[regions.rows].tolist()]
    return Extracted(pictures, truth, sizes, seconds, fresh)


def chosen(regions: Tensor, marked: Tensor, most: int | None) -> Tensor:
    """At most that many of the regions, those near an object first to be taken, in their order."""
    if most is None or len(regions) <= most:
        return regions
    near = (overlaps(regions, marked) >= NEAR).any(1)
    order = (~near).long().argsort(stable=True)
    return regions[order[:most].sort().values]


def _in(path: Path) -> Tensor:
    return load_tensors(path)[0]["features"]


def _same(features: Tensor) -> Tensor:
    return features
