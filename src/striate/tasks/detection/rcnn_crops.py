"""Regions that R-CNN's network learns from: what each shows, and which are drawn (Girshick et al.
2014, arXiv:1311.2524, Section 2.3).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.boxes import BoxedDataset, Objects
from striate.ops.boxes import covered, overlaps
from striate.tasks.detection.rcnn_looking import Searched

NEAR = 0.5  # overlap with a thing from which on a region counts as it
THINGS, GROUND = 2, 6  # crops of a picture: 16 pictures give the 32 and 96 of the paper
UNASKED = -1  # label of what is neither


@dataclass(frozen=True, eq=False)
class Places:
    """Labeled regions of a picture.

    Attributes:
        row: of the set.
        boxes: (K, 4).
        labels: (K,) a class; their number for what is none; UNASKED for what is not asked for.
    """

    row: int
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


def labeled(data: BoxedDataset, searched: Searched, classes: int) -> tuple[Places, ...]:
    """The pictures that have anything to ask, with their regions' labels."""
    every = [
        Places(row, boxes.numpy(), labels(boxes, data.objects[row], classes))
        for row, boxes in zip(searched.rows, searched.boxes, strict=True)
    ]
    return tuple(places for places in every if (places.labels != UNASKED).any())


def labels(boxes: Tensor, marked: Objects, classes: int) -> NDArray[np.int64]:
    """(K,) for boxes (K, 4): the class of the thing that a box meets best, if by NEAR or more;
    UNASKED where that is difficult or the box lies in a crowd."""
    if not len(marked):
        return np.full(len(boxes), classes, np.int64)
    things = torch.from_numpy(marked.boxes)
    best, which = (each.numpy() for each in overlaps(boxes, things).max(1))
    asked = marked.asked[which]
    found = np.where(best >= NEAR, np.where(asked, marked.classes[which], UNASKED), classes)
    crowd = torch.from_numpy(marked.crowd)
    inside = (covered(boxes, things) * crowd).amax(1).numpy() >= NEAR
    return np.where(inside & (found == classes), UNASKED, found)


def sampled(
    labels: NDArray[np.int64], classes: int, random: np.random.Generator, times: int = 1
) -> NDArray[np.int64]:
    """Which regions of a picture are taken: THINGS, each of a class drawn first, and GROUND, so
    many times; where there is only one of the two, it gives all."""
    present = np.unique(labels[(labels >= 0) & (labels < classes)])
    ground = np.flatnonzero(labels == classes)
    things, rest = (THINGS, GROUND) if len(present) and len(ground) else (THINGS + GROUND,) * 2
    rows = []
    if len(present):
        kinds = random.choice(present, things * times)
        rows += [random.choice(np.flatnonzero(labels == kind)) for kind in kinds]
    if len(ground):
        rows += random.choice(ground, rest * times).tolist()
    return np.array(rows, np.int64)
