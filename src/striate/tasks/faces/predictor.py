"""What compares faces: an aligner, what describes a face, a metric and a calibration."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate import images
from striate.data.people import People
from striate.errors import InputError, ModelError
from striate.inference.program import Graph
from striate.tasks.contract import Input, Pool, Predictor
from striate.tasks.faces.alignment import Aligner, by_marks
from striate.tasks.faces.answers import Embedding, Match
from striate.tasks.faces.calibration import Calibration
from striate.tasks.faces.deep import Deep
from striate.tasks.faces.descriptions import DESCRIPTIONS
from striate.tasks.faces.metric import Metric, metric_of

TOGETHER = 32  # faces that are described at a time
DETECTOR, NETWORK, METRIC = "detector.", "network.", "metric."
Face = NDArray[np.uint8]


class Describes(Protocol):
    """From aligned faces to numbers."""

    @property
    def parameters(self) -> int:
        """How many numbers were learned for it."""

    def __call__(self, faces: Tensor) -> Tensor:
        """(N, D) of faces (N, S, S, 3) uint8; on the CPU."""

    def to(self, device: str) -> None:
        """Moves what computes."""

    def tensors(self) -> dict[str, Tensor]:
        """What is stored of it."""

    def header(self) -> dict[str, Any]:
        """The rest of it, as plain JSON values."""


class Crafted:
    """A description that people designed, by its name."""

    parameters = 0

    def __init__(self, name: str):
        self.name = name
        self.describe = DESCRIPTIONS[name]

    def __call__(self, faces: Tensor) -> Tensor:
        return self.describe(faces)

    def to(self, device: str) -> None:
        """It computes on the CPU alone."""

    def tensors(self) -> dict[str, Tensor]:
        """Nothing."""
        return {}

    def header(self) -> dict[str, Any]:
        """Its name."""
        return {"name": self.name}


class Matcher(Predictor):
    """Pictures to embeddings, and pairs of pictures to an answer."""

    kind: ClassVar[str] = "matcher"
    largest_batch = 64

    def __init__(
        self, aligner: Aligner, describes: Describes, metric: Metric, calibration: Calibration
    ):
        self.aligner, self.describes = aligner, describes
        self.metric, self.calibration = metric, calibration

    @property
    def parameters(self) -> int:
        own = sum(tensor.numel() for tensor in self.metric.tensors().values())
        return self.describes.parameters + own

    def rehearsed(self, times: int = 1) -> Face:
        """Its middle: there is no face in a black picture."""
        return Aligner(None)(np.asarray(self.blank(times)))

    def prepare(self, item: Input | tuple[Input, ...]) -> Face | tuple[Face, Face]:
        """A face, or of a pair of pictures both."""
        if isinstance(item, tuple):
            if len(item) != 2:
                raise InputError(f"two pictures are compared, not {len(item)}")
            return self.face(item[0], "first: "), self.face(item[1], "second: ")
        return self.face(item)

    def face(self, item: Input, which: str = "") -> Face:
        """The aligned face in a picture.

        Args:
            which: of two it is, for the message.

        Raises:
            InputError: if it cannot be read, or no face is found in it.
        """
        try:
            if isinstance(item, bytes):
                pixels = images.decode(item, at_least=None)
            elif isinstance(item, str | os.PathLike):
                pixels = images.read(item, at_least=None)
            else:
                pixels = images.to_rgb(np.asarray(item))
            return self.aligner(pixels)
        except InputError as error:
            raise type(error)(f"{which}{error}") from error

    def predict(self, batch: Sequence[Any]) -> list[Embedding | Match]:
        faces = [one for item in batch for one in (item if isinstance(item, tuple) else (item,))]
        vectors = iter(self.embed(faces))
        return [
            self.match(next(vectors), next(vectors)) if isinstance(item, tuple)
            else Embedding(next(vectors), self.metric, self.calibration)
            for item in batch
        ]  # fmt: skip

    def match(self, first: NDArray[np.float32], second: NDArray[np.float32]) -> Match:
        """What two embeddings (K,) say."""
        similarity = self.metric.similarity(first[None], second[None])
        return Match(
            bool(similarity[0] >= self.calibration.threshold),
            float(self.calibration.probability(similarity)[0]),
            float(similarity[0]),
        )

    def embed(self, faces: Sequence[Face] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, K) of aligned faces (N, S, S, 3) uint8."""
        parts = [self.metric.embed(numbers) for numbers in numbers_of(self.describes, faces)]
        return torch.cat(parts).float().numpy()

    def features(
        self, batch: Sequence[Any], *, layer: str | None = None, pool: Pool = "none"
    ) -> NDArray[np.float32]:
        """(N, K) embeddings."""
        from striate.errors import UnknownName

        if layer not in (None, "", "embedding"):
            raise UnknownName("layer", str(layer), ["embedding"])
        return self.embed(batch)

    def graph(self, *, single: bool = False) -> Graph:
        raise ModelError(
            "faces are found by nets that read as many windows as the one before gives, which is "
            "not a graph that can be exported; copy the recognizer's file, which needs nothing else"
        )

    def to(self, device: str) -> None:
        self.describes.to(device)

    def tensors(self) -> dict[str, Tensor]:
        return {
            **_under(DETECTOR, self.aligner.tensors()),
            **_under(NETWORK, self.describes.tensors()),
            **_under(METRIC, self.metric.tensors()),
        }

    def header(self) -> dict[str, Any]:
        return {
            "aligned": self.aligner.mode,
            "described": self.describes.header(),
            "metric": self.metric.kind,
            "calibration": self.calibration.to_json(),
        }

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        described = header["described"]
        describes: Describes
        if described["name"] in DESCRIPTIONS:
            describes = Crafted(described["name"])
        else:
            describes = Deep.restored(_below(NETWORK, tensors), described)
        return cls(
            Aligner.restored(header["aligned"], _below(DETECTOR, tensors)),
            describes,
            metric_of(header["metric"], _below(METRIC, tensors)),
            Calibration.from_json(header["calibration"]),
        )


class Marked(Matcher):
    """The same for pictures of a set of which eyes or boxes are given.

    Args:
        people: what is given of each row.
        rows: by the path of its picture.
    """

    def __init__(self, matcher: Matcher, people: People, rows: Mapping[str, int]):
        super().__init__(matcher.aligner, matcher.describes, matcher.metric, matcher.calibration)
        self.people, self.rows = people, rows

    def face(self, item: Input, which: str = "") -> Face:
        row = self.rows.get(os.fspath(item)) if isinstance(item, str | os.PathLike) else None
        if row is not None and isinstance(item, str | os.PathLike):
            face = by_marks(images.read(item, at_least=None), self.people, row)
            if face is not None:
                return face
        return super().face(item, which)


def numbers_of(describes: Describes, faces: Sequence[Face] | NDArray[np.uint8]) -> Iterator[Tensor]:
    """What describes some faces, a batch at a time."""
    with torch.no_grad():
        for start in range(0, len(faces), TOGETHER):
            yield describes(torch.from_numpy(np.stack(list(faces[start : start + TOGETHER]))))


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
