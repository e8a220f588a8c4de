"""What a person takes home: a detector with its scaling and names, in one file without code."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate import images as decoding
from striate.errors import ImageError, StriateError, WeightsError
from striate.models.faster_rcnn import BACKBONES, FasterRCNN, Settings, faster_rcnn
from striate.tasks.detection.pictures import Scaling
from striate.tasks.detection.task import detect
from striate.training.checkpoints import load_tensors, save_tensors

FORMAT = "detector-1"
Picture = str | os.PathLike[str] | NDArray[np.uint8]


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
    """A network that finds things, and all that it takes to use it.

    Attributes:
        architecture: `backbone`, `pyramid`, `width`, `hidden`, `anchor` and `settings`, as
            `faster_rcnn` takes them.
        classes: names, in the order of the class numbers.
    """

    model: FasterRCNN
    architecture: dict[str, Any]
    scaling: Scaling
    classes: tuple[str, ...]
    provenance: dict[str, Any] = field(default_factory=dict)

    def predict(self, pictures: Iterable[Picture]) -> Iterator[Findings]:
        """What is in each picture, in order: paths, or arrays (H, W, 3) uint8."""
        for number, picture in enumerate(pictures):
            array = isinstance(picture, np.ndarray)
            name = f"image/{number}" if array else os.fspath(picture)  # type: ignore[arg-type]
            try:
                pixels = (
                    decoding.to_rgb(picture)  # type: ignore[arg-type]
                    if array
                    else decoding.read(picture, at_least=None)  # type: ignore[arg-type]
                )
            except ImageError as error:
                yield Findings(name, error=str(error))
                continue
            yield Findings(name, self.find(pixels))

    def find(self, pixels: NDArray[np.uint8]) -> tuple[Found, ...]:
        """What is in one picture (H, W, 3) uint8."""
        height, width = pixels.shape[:2]
        scaled = torch.from_numpy(self.scaling.scaled(pixels).copy()).permute(2, 0, 1)
        (one,) = detect(self.model, self.scaling, [scaled], [(height, width)])
        rows: Sequence[tuple[list[float], int, float]] = list(
            zip(one.boxes.tolist(), one.classes.tolist(), one.scores.tolist(), strict=True)
        )
        return tuple(
            Found((box[0], box[1], box[2], box[3]), self.classes[number], score)
            for box, number, score in rows
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one .safetensors file, whole or not at all."""
        header = {
            "format": FORMAT,
            "architecture": self.architecture,
            "scaling": asdict(self.scaling),
            "classes": list(self.classes),
            "provenance": self.provenance,
        }
        save_tensors(path, dict(self.model.state_dict()), header)

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
            scaling = Scaling.from_json(header["scaling"])
            with torch.device("meta"):
                expected = build(header["architecture"], len(classes)).state_dict()
            for name in expected.keys() | tensors.keys():
                if name not in expected or name not in tensors:
                    raise ValueError(f"{name} is on one side only")
                if expected[name].shape != tensors[name].shape:
                    raise ValueError(f"{name} is {tuple(tensors[name].shape)}")
            model = build(header["architecture"], len(classes))
            model.load_state_dict(tensors)
            return cls(
                model.eval(),
                header["architecture"],
                scaling,
                tuple(classes),
                dict(header["provenance"]),
            )
        except (StriateError, LookupError, TypeError, ValueError, RuntimeError) as error:
            line = " ".join(str(error).split())[:200]
            raise WeightsError(f"{path} is a damaged detector file ({line})") from error


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


def build(architecture: dict[str, Any], classes: int) -> FasterRCNN:
    """The network that a header names, with fresh weights, its channels outermost in memory.

    Raises:
        TypeError, KeyError, ValueError: if the header is not of that form.
    """
    values = dict(architecture)
    backbone, told = values.pop("backbone"), values.pop("settings")
    if backbone not in BACKBONES or values.keys() - {"pyramid", "width", "hidden", "anchor"}:
        raise ValueError(f"it names a backbone {backbone!r} with {sorted(values)}")
    for name in ("width", "hidden"):
        if not 1 <= values[name] <= 8192:
            raise ValueError(f"its {name} is {values[name]!r}")
    lists = {name: tuple(told[name]) for name in ("sizes", "ratios")}
    settings = Settings(**{**told, **lists})
    model = faster_rcnn(backbone, classes=classes, settings=settings, **values)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
