"""The faces of a set, found and lined up once for all methods."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.checking.appearance import VIEW
from striate.data import Dataset, Decoded, decode
from striate.data.narrowing import narrowed
from striate.data.threads import each
from striate.errors import InputError
from striate.progress import stage
from striate.tasks.faces.alignment import Aligner, aligner, by_marks
from striate.tasks.faces.geometry import SIDE


@dataclass(frozen=True, eq=False)
class Lined(Decoded):
    """A set with its faces.

    Attributes:
        faces: (N, SIDE, SIDE, 3) uint8, row for row.
        aligner: that lined them up.
    """

    faces: NDArray[np.uint8]
    aligner: Aligner


def lined(dataset: Dataset[Any]) -> Lined:
    """The faces of a set; pictures without one are left out with the reason. Where eyes or a box
    are given of a picture, nothing is looked for in it."""
    decoded = decode(dataset, [VIEW])
    dataset = decoded.dataset
    lines_up, why = aligner()
    if why:
        dataset = dataset.noted(why)
    marked = dataset.targets
    faces = np.zeros((len(dataset), SIDE, SIDE, 3), np.uint8)
    broken: dict[int, str] = {}

    def work(row: int) -> None:
        try:
            pixels = dataset.inputs[row]
            face = by_marks(pixels, marked, row)
            faces[row] = lines_up(pixels) if face is None else face
        except InputError as error:
            broken[row] = str(error)

    with stage("find faces", len(dataset)) as bar:
        for done in each(range(len(dataset)), work):
            bar.advance(done, note=f"{len(broken)} without a face" if broken else "")
    if not broken:
        return Lined(dataset, decoded.pixels, faces, lines_up)
    dataset, rows = narrowed(dataset, broken)
    pixels = {view: every[rows] for view, every in decoded.pixels.items()}
    return Lined(dataset, pixels, faces[rows], lines_up)
