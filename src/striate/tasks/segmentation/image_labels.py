"""What is known of pictures from labels of whole pictures: their folders, or which classes their
masks show. Nothing else of a mask is used."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, Masks
from striate.data.places import key_of
from striate.data.roles import MARKS, PICTURES, role
from striate.data.splits import TRAIN
from striate.data.targets import enumerated
from striate.errors import DataError

BACKGROUND = 0


@dataclass(frozen=True, eq=False)
class ImageLabels:
    """Labels of whole pictures.

    Attributes:
        names: of the labels.
        present: (N, labels) bool.
        classes: (labels,) number of the class of pixels that each label speaks of.
        note: where they come from.
    """

    names: tuple[str, ...]
    present: NDArray[np.bool_]
    classes: NDArray[np.int64]
    note: str

    @property
    def single(self) -> bool:
        """Whether every picture has exactly one."""
        return bool((self.present.sum(1) == 1).all())


def image_labels(data: Dataset[Masks]) -> ImageLabels:
    """The labels of a set: its class folders, where pictures lie in some; else which classes the
    masks show.

    Raises:
        DataError: if they tell no picture from another.
    """
    found = _of_folders(data) or _of_masks(data)
    train = data.split == TRAIN
    bare = int((train & data.targets.unmarked).sum())
    if not bare:
        return found
    return replace(found, note=f"{found.note}; {bare} of {train.sum()} pictures have no mask")


def labeled(data: Dataset[Masks], labels: ImageLabels) -> Dataset[Masks]:
    """The same without training pictures of which neither mask nor label is known."""
    nothing = data.targets.unmarked & ~labels.present.any(1) & (data.split == TRAIN)
    return data.set_aside(dict.fromkeys(np.flatnonzero(nothing).tolist(), "has no label"))


def _of_folders(data: Dataset[Masks]) -> ImageLabels | None:
    """Each picture's folder, where the folders are classes: one label a picture."""
    folders = [data.inputs.name(row).split("/")[:-1] for row in range(len(data))]
    found = [place[-1] if place and _is_class(place[-1]) else "" for place in folders]
    names = tuple(sorted(set(found)))
    if "" in names or len(names) < 2 or len(names) > len(found) // 2:
        return None
    known = {key_of(name): number for number, name in enumerate(data.classes)}
    if len(data.classes) == 2:
        classes = [1 - BACKGROUND] * len(names)
    elif all(key_of(name) in known for name in names):
        classes = [known[key_of(name)] for name in names]
    else:
        return None
    present = np.array([[name == each for each in names] for name in found])
    note = f"learned from the folders of pictures alone ({len(names)} labels)"
    return ImageLabels(names, present, np.array(classes, np.int64), note)


def _is_class(folder: str) -> bool:
    word = key_of(folder)
    return role(folder) is None and word not in PICTURES and word not in MARKS


def _of_masks(data: Dataset[Masks]) -> ImageLabels:
    """Which classes each mask shows; those that every training picture shows say nothing."""
    train = data.targets.present[(data.split == TRAIN) & ~data.targets.unmarked]
    telling = train.any(0) & ~train.all(0)
    telling[BACKGROUND] = False
    if not telling.any():
        every = enumerated([n for n, p in zip(data.classes, train.all(0), strict=True) if p])
        raise DataError(
            f"{data.name}: labels of whole pictures tell nothing here, because every training "
            f"picture shows {every}; sort the pictures into class folders "
            "(train/SPECIES/1.jpg), or take a method that learns from points or masks"
        )
    numbers = np.flatnonzero(telling)
    names = tuple(data.classes[number] for number in numbers.tolist())
    note = f"learned from which of {len(names)} classes each mask shows, and nothing else of masks"
    return ImageLabels(names, data.targets.present[:, numbers], numbers, note)
