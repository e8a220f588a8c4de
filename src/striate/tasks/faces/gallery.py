"""Who is it, or nobody: a face beside a folder of persons."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate import images
from striate.errors import InputError, ModelError, UserError
from striate.inference.walking import walk
from striate.tasks.contract import Input, Predictor
from striate.tasks.faces.answers import Identity
from striate.tasks.faces.predictor import TOGETHER, Face, Matcher

MOST = 100_000  # pictures of a gallery


class Gallery(Predictor):
    """A matcher with persons that it has been shown.

    A face is of the person whose pictures are nearest on the mean, if it is nearer than all but one
    in a hundred pairs of two persons were (`Calibration.strict`); else it is nobody's.

    Args:
        people: (P,) names.
        vectors: (P, K) the mean embedding of each, of unit length where embeddings are.
    """

    kind: ClassVar[str] = "gallery"
    largest_batch = Matcher.largest_batch

    def __init__(self, matcher: Matcher, people: Sequence[str], vectors: NDArray[np.float32]):
        self.matcher, self.people, self.vectors = matcher, tuple(people), vectors

    @property
    def parameters(self) -> int:
        return self.matcher.parameters

    def prepare(self, item: Input) -> Face:
        return self.matcher.face(item)

    def predict(self, batch: Sequence[Face]) -> list[Identity]:
        metric, calibration = self.matcher.metric, self.matcher.calibration
        found = []
        for vector in self.matcher.embed(batch):
            every = metric.similarity(np.broadcast_to(vector, self.vectors.shape), self.vectors)
            best = int(np.argmax(every))
            known = every[best] >= calibration.strict
            nearest = self.people[best]
            found.append(
                Identity(
                    nearest if known else None,
                    nearest,
                    float(calibration.probability(every[best : best + 1])[0]),
                    float(every[best]),
                )
            )
        return found

    def to(self, device: str) -> None:
        self.matcher.to(device)

    def tensors(self) -> dict[str, Tensor]:
        raise ModelError("a gallery is not stored; keep its folder")

    def header(self) -> dict[str, Any]:
        raise ModelError("a gallery is not stored; keep its folder")

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        raise ValueError("a gallery is not stored")


def gallery_of(matcher: Matcher, folder: Path) -> Gallery:
    """The persons of a folder: each a folder of pictures, or one picture named like the person.

    Raises:
        UserError: if there is none whose face is found, or too many.
    """
    if not folder.is_dir():
        raise UserError(f"--gallery {folder}: is not a folder")
    sums: dict[str, NDArray[np.float64]] = {}
    counts: dict[str, int] = {}
    waiting: list[tuple[str, Face]] = []
    broken = []

    def embed() -> None:
        for (person, _), vector in zip(waiting, matcher.embed([face for _, face in waiting]),
                                       strict=True):  # fmt: skip
            sums[person] = sums.get(person, 0.0) + vector.astype(np.float64)
            counts[person] = counts.get(person, 0) + 1
        waiting.clear()

    for number, place in enumerate(walk([str(folder)], images.SUFFIXES)):
        if number >= MOST:
            raise UserError(f"--gallery {folder}: more than {MOST:,} pictures")
        path = Path(place)
        person = path.stem if path.parent == folder else path.relative_to(folder).parts[0]
        try:
            waiting.append((person, matcher.face(path)))
        except InputError as error:
            broken.append(f"{path.name}: {error}")
        if len(waiting) == TOGETHER:
            embed()
    if waiting:
        embed()
    if not sums:
        why = f" ({broken[0]})" if broken else ""
        raise UserError(f"--gallery {folder}: no face in it{why}; expected one folder a person")
    vectors = []
    for person, total in sums.items():
        mean = total / counts[person]
        length = float(np.linalg.norm(mean))
        vectors.append(mean / length if matcher.metric.unit and length else mean)
    return Gallery(matcher, tuple(sums), np.stack(vectors).astype(np.float32))
