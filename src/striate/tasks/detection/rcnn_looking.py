"""What R-CNN saw in the images of a split: each is looked at once, and kept until all is solved."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from striate import progress
from striate.data.boxes import BoxedDataset, Objects, whole
from striate.errors import ImageError, WeightsError
from striate.ops.boxes import overlaps
from striate.tasks.detection.rcnn_features import Reader
from striate.tasks.detection.rcnn_learning import Seen
from striate.training.checkpoints import load_tensors, save_tensors

NEAR = 0.5  # overlap with a thing from which on a region is looked at in any case


@dataclass(frozen=True, eq=False)
class Looked:
    """The images of a split that can be read.

    Attributes:
        seen, truth, sizes: one entry an image; a size is (height, width).
        broken: a note for each that cannot be read.
        files: in which features are kept.
        spent: seconds of "search" and "features", and the "pictures" and "regions" they went to.
    """

    seen: list[Seen] = field(default_factory=list)
    truth: list[Objects] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    spent: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("search", "features", "pictures", "regions"), 0.0)
    )

    def forget(self) -> None:
        """Removes the files; features can no longer be loaded."""
        for path in self.files:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # not yet empty
                path.parent.rmdir()


def look(
    reader: Reader,
    data: BoxedDataset,
    split: int,
    *,
    learned: int | None = None,
    folder: Path | None = None,
    identity: str = "",
    resume: bool = False,
) -> Looked:
    """Regions and features of every image of a split, after those of the things in it.

    Args:
        learned: regions of an image at most: those near its things, then the likeliest; None: all.
        folder: one file an image is kept here; None: all stay in memory.
        identity: of the run; files of another are not read with `resume`.
    """
    looked = Looked()
    for row in progress.track(np.flatnonzero(data.split == split).tolist(), "look at regions"):
        path = folder / f"{row}.safetensors" if folder else None
        boxes = boxes_in(path, identity) if resume and path else None
        marked = data.objects[row]
        if boxes is None:
            try:
                pixels = whole(data.images, row)
            except ImageError as error:
                looked.broken.append(f"{data.images.name(row)} was left out: {error}")
                continue
            things = torch.from_numpy(marked.boxes)
            start = time.perf_counter()
            boxes = torch.cat([things, chosen(reader.regions(pixels), things, learned)])
            between = time.perf_counter()
            features = reader.features(pixels, boxes).half()
            now = time.perf_counter()
            numbers = (between - start, now - between, 1, len(boxes))
            for name, number in zip(looked.spent, numbers, strict=True):
                looked.spent[name] += number
            load = partial(_same, features)
            if path is not None:
                save_tensors(path, {"boxes": boxes, "features": features}, {"identity": identity})
        if path is not None:
            load = partial(features_in, path)
            looked.files.append(path)
        looked.seen.append(Seen(boxes, len(marked), load))
        looked.truth.append(marked)
        height, width = data.sizes[row].tolist()
        looked.sizes.append((height, width))
    return looked


def chosen(regions: Tensor, things: Tensor, most: int | None) -> Tensor:
    """At most that many of the regions, those near a thing first to be taken, in their order."""
    if most is None or len(regions) <= most:
        return regions
    near = (overlaps(regions, things) >= NEAR).any(1)
    order = (~near).long().argsort(stable=True)
    return regions[order[:most].sort().values]


def boxes_in(path: Path, identity: str) -> Tensor | None:
    """The boxes in a file of that run; None where there is none."""
    if not path.is_file():
        return None
    try:
        tensors, header = load_tensors(path)
    except WeightsError:
        return None  # not ours: it is written anew
    return tensors["boxes"] if header.get("identity") == identity else None


def features_in(path: Path) -> Tensor:
    """The features in a file that `look` wrote."""
    return load_tensors(path)[0]["features"]


def _same(features: Tensor) -> Tensor:
    return features
