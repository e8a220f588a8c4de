"""Regions that R-CNN's network learns from: the label of each, and which are drawn (Girshick et al.
2014, arXiv:1311.2524, Section 2.3).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data import Dataset
from striate.data.boxes import Boxes, Objects
from striate.ops.boxes import covered, overlaps
from striate.tasks.detection.rcnn.extraction import Regions

NEAR = 0.5  # overlap with an object from which on a region is labeled as it
OBJECTS, BACKGROUND = 2, 6  # crops of a picture: 16 pictures give the 32 and 96 of the paper
UNUSED = -1  # label of what is neither


@dataclass(frozen=True, eq=False)
class LabeledRegions:
    """Labeled regions of a picture.

    Attributes:
        row: of the set.
        boxes: (K, 4).
        labels: (K,) a class; the number of classes for background; UNUSED for what is neither.
    """

    row: int
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


def labeled(data: Dataset[Boxes], regions: Regions, classes: int) -> tuple[LabeledRegions, ...]:
    """The pictures that have any region to learn from, with their regions' labels."""
    every = [
        LabeledRegions(row, boxes.numpy(), labels(boxes, data.targets.objects[row], classes))
        for row, boxes in zip(regions.rows, regions.boxes, strict=True)
    ]
    return tuple(one for one in every if (one.labels != UNUSED).any())


def labels(boxes: Tensor, marked: Objects, classes: int) -> NDArray[np.int64]:
    """(K,) for boxes (K, 4): the class of the object that a box overlaps most, if by NEAR or more;
    UNUSED where that is difficult or the box lies in a crowd."""
    if not len(marked):
        return np.full(len(boxes), classes, np.int64)
    objects = torch.from_numpy(marked.boxes)
    best, which = (each.numpy() for each in overlaps(boxes, objects).max(1))
    asked = marked.asked[which]
    found = np.where(best >= NEAR, np.where(asked, marked.classes[which], UNUSED), classes)
    crowd = torch.from_numpy(marked.crowd)
    inside = (covered(boxes, objects) * crowd).amax(1).numpy() >= NEAR
    return np.where(inside & (found == classes), UNUSED, found)


def sampled(
    labels: NDArray[np.int64], classes: int, random: np.random.Generator, times: int = 1
) -> NDArray[np.int64]:
    """Which regions of a picture are taken: OBJECTS, each of a class drawn first, and BACKGROUND,
    so many times; where there is only one of the two, it gives all."""
    present = np.unique(labels[(labels >= 0) & (labels < classes)])
    ground = np.flatnonzero(labels == classes)
    objects, rest = OBJECTS, BACKGROUND
    if not len(present) or not len(ground):
        objects = rest = OBJECTS + BACKGROUND
    rows = []
    if len(present):
        kinds = random.choice(present, objects * times)
        rows += [random.choice(np.flatnonzero(labels == kind)) for kind in kinds]
    if len(ground):
        rows += random.choice(ground, rest * times).tolist()
    return np.array(rows, np.int64)
