"""Convolutions in whole numbers of 8 bits: a third of the file, and a cost that is measured.

After Jacob et al. 2018 (arXiv:1712.05877): each output channel of the weights has a scale of its
own, each map a scale and a zero of its own, from what pictures make of it. Preprocessing, the
classifier and the test for "none of these" stay as they are.
"""

import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from striate.data import Dataset
from striate.errors import DataError, MissingExtra, ModelError, UserError
from striate.files import writing
from striate.images.decoding import Picture as Decoded
from striate.progress import track
from striate.recognizer import Exported
from striate.recognizer.reading import Picture

MOST = 100  # pictures that tell the range of each map
SCORED = 500  # and pictures that tell what it costs


@dataclass(frozen=True)
class Cost:
    """What rounding took away: shares of the pictures that were answered rightly, and bytes."""

    images: int
    before: float
    after: float
    agreement: float
    bytes_before: int
    bytes_after: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"8 bits: {self.bytes_before / 1e6:.1f} to {self.bytes_after / 1e6:.1f} MB; top-1 "
            f"{100 * self.before:.1f} % to {100 * self.after:.1f} % on {self.images:,} test "
            f"images, the same answer to {100 * self.agreement:.1f} %"
        )


def round_to_int8(
    path: Path, pictures: Sequence[Picture], test: Sequence[Picture], wanted: Sequence[str]
) -> Cost:
    """Rounds the convolutions of an exported .onnx file in place, and measures what that costs.

    Args:
        pictures: that tell the ranges, at least one; validation images, which nobody scores.
        test: that tell the cost.
        wanted: the true class of each, by name.

    Raises:
        UserError: if it is no .onnx file, or there are no pictures.
        MissingExtra: if onnx or onnxruntime is missing.
        ModelError: if the network has no convolution.
    """
    if path.suffix != ".onnx":
        raise UserError(f"8 bits are for .onnx files, not {path.name!r}")
    if not len(pictures) or not len(test):
        raise UserError("8 bits need pictures to take ranges from, and others to tell the cost")
    try:
        import onnx
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    except ImportError as error:
        raise MissingExtra("rounding to 8 bits", "export") from error
    graph = onnx.load(path).graph
    weights = {each.name for each in graph.initializer}
    layers = [n.name for n in graph.node if n.op_type == "Conv" and n.input[1] in weights]
    if not layers:
        raise ModelError("the network has no convolution that could be rounded")
    exact = Exported(path)
    before = answers(exact, test[:SCORED], "answer")
    size = path.stat().st_size
    with tempfile.TemporaryDirectory() as folder, quiet():
        rounded = Path(folder) / "rounded.onnx"
        quantize_static(
            path,
            rounded,
            Ranges(track(pictures[:: -(-len(pictures) // MOST)], "round"), exact),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_quantize=layers,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        after = answers(Exported(rounded), test[:SCORED], "answer in 8 bits")
        data = rounded.read_bytes()
    with writing(path) as temporary:
        temporary.write_bytes(data)
    right = [
        np.mean([a == b for a, b in zip(said, wanted, strict=False)]) for said in (before, after)
    ]
    same = np.mean([a == b for a, b in zip(before, after, strict=True)])
    return Cost(len(before), float(right[0]), float(right[1]), float(same), size, len(data))


def round_with(path: Path, dataset: Dataset) -> Cost:
    """`round_to_int8` with the validation and the test images of a set.

    Raises:
        DataError: if the recognizer does not know the classes of the set.
    """
    known = set(Exported(path).classes)
    strange = [name for name in dataset.classes if name not in known]
    if strange:
        raise DataError(f"the recognizer does not know the class {strange[0]!r} of {dataset.name}")
    test = dataset.test
    wanted = [dataset.classes[k] for k in test.targets]
    return round_to_int8(path, pictures_of(dataset.validation), pictures_of(test), wanted)


def pictures_of(dataset: Dataset) -> list[Picture]:
    """Paths where the pictures are files, so that they are read by the one rule; else pixels."""
    paths = [dataset.images.path(row) for row in range(len(dataset))]
    return [dataset.images[row] if path is None else path for row, path in enumerate(paths)]


def add_cost(card: Path, cost: Cost) -> None:
    """Writes the cost into a model card."""
    text = card.read_text(encoding="utf-8")
    with writing(card) as temporary:
        temporary.write_text(f"{text}\n## Rounding\n\n{cost}.\n", encoding="utf-8")


def answers(recognizer: Exported, pictures: Sequence[Picture], stage: str) -> list[str]:
    """The most probable class of each, by name."""
    return [p.labels[0].name for p in recognizer.predict(track(pictures, stage))]


class Ranges:
    """The inputs of the graph for each picture in turn, as ONNX Runtime asks for them."""

    def __init__(self, pictures: Iterable[Picture], recognizer: Exported):
        self.inputs = self._inputs(pictures, recognizer)

    def _inputs(
        self, pictures: Iterable[Picture], recognizer: Exported
    ) -> Iterator[dict[str, np.ndarray]]:
        for picture in pictures:
            found: Decoded = recognizer.decoded(picture)
            yield {"image": found.pixels[None], "box": np.array(found.box, np.float32)}

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next, or None."""
        return next(self.inputs, None)

    def __iter__(self) -> "Ranges":
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        return next(self.inputs)


@contextmanager
def quiet() -> Iterator[None]:
    """Inside the block the quantizer's advice to its developers is not printed."""
    import onnxruntime

    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(3)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        onnxruntime.set_default_logger_severity(2)
