"""What a person takes home: a finder with its names, in one file without code."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import images as decoding
from striate.errors import ImageError, StriateError, WeightsError
from striate.recognizer.reading import Picture, batches
from striate.tasks.detection.dpm_finder import DPMFinder
from striate.tasks.detection.faster_rcnn import FasterRCNNFinder
from striate.tasks.detection.finder import Finder
from striate.tasks.detection.rcnn import RCNNFinder
from striate.tasks.detection.yolo import YOLOFinder
from striate.training.checkpoints import load_tensors, save_tensors

FORMAT = "detector-1"
FINDERS: dict[str, type[Finder]] = {
    "dpm": DPMFinder,
    "rcnn": RCNNFinder,
    "yolo": YOLOFinder,
    "faster_rcnn": FasterRCNNFinder,
}


@dataclass(frozen=True)
class Found:
    """One thing in a picture: x0 y0 x1 y1 in its pixels, what it is, and how sure that is."""

    box: tuple[float, float, float, float]
    label: str
    score: float


@dataclass(frozen=True)
class Findings:
    """What is in one picture, best first; or why it could not be read."""

    name: str
    objects: tuple[Found, ...] = ()
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """`{"path", "objects": [{"box", "label", "score"}]}`, or `{"path", "error"}`."""
        if self.error is not None:
            return {"path": self.name, "error": self.error}
        return {"path": self.name, "objects": [asdict(each) for each in self.objects]}


@dataclass(frozen=True, eq=False)
class Detector:
    """Something that finds things, and what it calls them.

    Attributes:
        classes: names, in the order of the class numbers.
        provenance: how it came to be, as plain JSON values.
    """

    finder: Finder
    classes: tuple[str, ...]
    provenance: dict[str, Any] = field(default_factory=dict)

    def predict(self, pictures: Iterable[Picture]) -> Iterator[Findings]:
        """What is in each picture, in order: paths, or arrays (H, W, 3) uint8.

        The next ones are decoded meanwhile.
        """
        for (name,), (pixels,) in batches(pictures, read, 1):
            if isinstance(pixels, ImageError):
                yield Findings(name, error=str(pixels))
            else:
                yield Findings(name, self.find(pixels))

    def find(self, pixels: NDArray[np.uint8]) -> tuple[Found, ...]:
        """What is in one picture (H, W, 3) uint8."""
        one = self.finder.find(pixels)
        rows = zip(one.boxes.tolist(), one.classes.tolist(), one.scores.tolist(), strict=True)
        return tuple(
            Found((box[0], box[1], box[2], box[3]), self.classes[number], score)
            for box, number, score in rows
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one .safetensors file, whole or not at all."""
        header = {
            "format": FORMAT,
            "kind": self.finder.kind,
            "finder": self.finder.header(),
            "classes": list(self.classes),
            "provenance": self.provenance,
        }
        save_tensors(path, self.finder.tensors(), header)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Detector":
        """The detector in a file that `save` wrote; nothing is unpickled.

        Raises:
            WeightsError: if it is none, or its parts do not fit each other.
        """
        tensors, header = load_tensors(path)
        if header.get("format") != FORMAT:
            raise WeightsError(f"{path} is no detector (it says {header.get('format')!r})")
        try:
            classes = header["classes"]
            if not (isinstance(classes, list) and all(isinstance(each, str) for each in classes)):
                raise ValueError("its classes are no list of names")
            finder = FINDERS[header["kind"]].restored(tensors, header["finder"], len(classes))
            return cls(finder, tuple(classes), dict(header["provenance"]))
        except (StriateError, LookupError, TypeError, ValueError, RuntimeError) as error:
            line = " ".join(str(error).split())[:200]
            raise WeightsError(f"{path} is a damaged detector file ({line})") from error


def read(picture: Picture) -> NDArray[np.uint8]:
    """A picture with all of its pixels, (H, W, 3).

    Raises:
        ImageError: if it cannot be read.
    """
    if isinstance(picture, str | os.PathLike):
        return decoding.read(picture, at_least=None)
    return decoding.to_rgb(picture)


def is_detector(path: str | os.PathLike[str]) -> bool:
    """Whether a file says that it is a detector: its header is read, no tensor."""
    from safetensors import SafetensorError, safe_open

    if Path(path).suffix != ".safetensors" or not Path(path).is_file():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            return f'"{FORMAT}"' in (file.metadata() or {}).get("striate", "")
    except (SafetensorError, OSError):
        return False
