"""Convolutions in whole numbers of 8 bits: a third of the file, and a cost that is measured.

After Jacob et al. 2018 (arXiv:1712.05877): each output channel of the weights has a scale of its
own, each map a scale and a zero of its own, from its values for validation examples. Rectifiers,
sums and poolings between convolutions are computed in 8 bits as well; preprocessing, the first
convolutions of few channels, linear layers and what follows them stay as they are.
"""

import logging
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.data.splits import TEST, VALIDATION
from striate.errors import DataError, InputError, MissingExtra, ModelError, UserError
from striate.files import writing
from striate.progress import track
from striate.recognizer import Recognizer, load
from striate.tasks.contract import ExportedPredictor, item_of
from striate.tasks.opening import task_of

MOST = 100  # examples that give the range of each map
SCORED = 500  # examples that give the cost
FEW = 4  # channels that processors multiply together in 8 bits
TURNS = 9  # of each graph, timed on one example
GAIN = 1.1  # times as fast; what is less is not told from noise
BETWEEN = ("Clip", "Relu", "Add", "Concat", "MaxPool")  # computed in 8 bits between convolutions


@dataclass(frozen=True)
class Cost:
    """What rounding took away.

    Attributes:
        examples: of the test split, that were scored before and after.
        score: what the main score is called.
        before, after: the main score, in [0, 1].
        interval: in which the difference lies, 95 %, on the same examples.
        times: how many times as fast the rounded graph is here, one example at a time.
        calibrated: how many validation examples gave the ranges.
    """

    examples: int
    score: str
    before: float
    after: float
    interval: tuple[float, float]
    bytes_before: int
    bytes_after: int
    times: float
    calibrated: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def __str__(self) -> str:
        low, high = (100 * bound for bound in self.interval)
        pace = f"{self.times:.1f} times as fast" if self.times >= GAIN else "no faster"
        return (
            f"8 bits: {self.bytes_before / 1e6:.1f} to {self.bytes_after / 1e6:.1f} MB, "
            f"{pace} on this processor; "
            f"{self.score} {100 * self.before:.1f} % to {100 * self.after:.1f} % on "
            f"{self.examples:,} test examples, a change of {low:+.1f} to {high:+.1f} points "
            f"(95 %); the ranges are those of {self.calibrated:,} validation examples"
        )


def round_with(path: Path, dataset: Dataset[Any]) -> Cost:
    """Rounds the convolutions of an exported .onnx file in place, and measures what that costs.

    Args:
        dataset: its validation examples give the ranges, its test examples the cost.

    Raises:
        UserError: if it is not an .onnx file.
        DataError: if the set has no such examples, or the recognizer lacks one of its classes.
        MissingExtra: if onnx or onnxruntime is missing.
        ModelError: if the network has no convolution.
    """
    if path.suffix != ".onnx":
        raise UserError(f"8 bits are for .onnx files, not {path.name!r}")
    exact = load(path)
    some, test = examples_for(exact, dataset)
    assert isinstance(exact.predictor, ExportedPredictor)  # what is in an .onnx file
    size = path.stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        rounded = Path(folder) / "rounded.onnx"
        quantize(Path(shutil.copy(path, folder)), rounded, Ranges(exact.predictor, dataset, some))
        both = {"before": exact, "after": load(rounded)}
        found = exact.task.evaluated(both, dataset, test, {})
        times = pace(both["before"], both["after"], dataset, some)
        data = rounded.read_bytes()
    before, after = found["before"], found["after"]
    with writing(path) as temporary:
        temporary.write_bytes(data)
    return Cost(
        before.examples,
        exact.task.score_title,
        before.value,
        after.value,
        after.lead(before),
        size,
        len(data),
        times,
        len(some),
    )


def pace(before: Recognizer, after: Recognizer, dataset: Dataset[Any], rows: list[int]) -> float:
    """How many times as fast the second graph is on one of these examples, in turns of both."""
    predictors = [
        each.predictor for each in (before, after) if isinstance(each.predictor, ExportedPredictor)
    ]
    (inputs,) = islice(Ranges(predictors[0], dataset, rows), 1)
    spent: list[list[float]] = [[], []]
    for turn in range(2 * (TURNS + 1)):
        start = time.perf_counter()
        predictors[turn % 2].runtime.run(inputs)
        spent[turn % 2].append(time.perf_counter() - start)
    first, second = (statistics.median(each[1:]) for each in spent)  # the first makes room
    return first / second


def examples_for(exact: Recognizer, dataset: Dataset[Any]) -> tuple[list[int], list[int]]:
    """The rows of a set that give the ranges, and those that give the cost.

    Raises:
        DataError: if the set has no such examples, or the recognizer lacks one of its classes.
    """
    task_of(dataset, exact.task.name)
    absent = [name for name in dataset.classes if exact.names and name not in exact.names]
    if absent:
        raise DataError(f"the recognizer does not know the class {absent[0]!r} of {dataset.name}")
    some, test = (thinned(np.flatnonzero(dataset.split == number), most)
                  for number, most in ((VALIDATION, MOST), (TEST, SCORED)))  # fmt: skip
    if not some or not test:
        raise DataError(f"{dataset.name}: 8 bits need validation examples and test examples")
    return some, test


def thinned(rows: NDArray[np.int64], most: int) -> list[int]:
    """So many of these rows at most, evenly over all of them."""
    return rows[:: max(1, -(-len(rows) // most))].tolist()


def quantize(path: Path, rounded: Path, ranges: "Ranges") -> None:
    """Writes the graph in a file again, its convolutions in 8 bits."""
    try:
        import onnx
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    except ImportError as error:
        raise MissingExtra("rounding to 8 bits", "export") from error
    graph = onnx.load(path).graph
    layers = rounded_layers(graph)
    with quiet():
        quantize_static(
            path,
            rounded,
            ranges,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", *BETWEEN],
            nodes_to_quantize=layers,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    found = onnx.load(rounded)
    noted = {each.name for each in graph.value_info}
    kept = [each for each in found.graph.value_info if each.name in noted]
    del found.graph.value_info[:]  # of the rest, the runtime finds shapes by itself, too
    found.graph.value_info.extend(kept)
    onnx.save(found, rounded)


def rounded_layers(graph: "onnx.GraphProto") -> list[str]:  # type: ignore[name-defined]  # noqa: F821
    """The convolutions by fixed weights, and what lies between them: were a rectifier or a sum left
    in floating point, each map would be turned into it and back, which costs what 8 bits gain.

    The first that read fewer than FEW channels at a time, those of the image or a single one
    (depthwise), are no faster in 8 bits, and what they lose is in all that follows. From the first
    other convolution on, all are rounded.

    Raises:
        ModelError: if there is no such convolution.
    """
    weights = {each.name: each.dims for each in graph.initializer}
    layers: list[str] = []
    whole: set[str] = set()
    for node in graph.node:  # in the order in which they are computed
        convolution = (
            node.op_type == "Conv"
            and node.input[1] in weights
            and (whole or weights[node.input[1]][1] >= FEW)
        )
        maps = node.input if node.op_type in ("Add", "Concat") else node.input[:1]
        if convolution or (node.op_type in BETWEEN and whole.issuperset(maps)):
            layers.append(node.name)
            whole.update(node.output)
    if not whole:
        raise ModelError("the network has no convolution that could be rounded")
    return layers


class Ranges:
    """The inputs of the graph for each row of a set in turn, as ONNX Runtime asks for them; rows
    that cannot be read are left out.

    Raises:
        DataError: at the end, if none could be read.
    """

    def __init__(self, predictor: ExportedPredictor, dataset: Dataset[Any], rows: Sequence[int]):
        self.inputs = self._inputs(predictor, dataset, rows)

    def _inputs(
        self, predictor: ExportedPredictor, dataset: Dataset[Any], rows: Sequence[int]
    ) -> Iterator[dict[str, NDArray[Any]]]:
        count = 0
        for row in track(rows, "round"):
            try:
                prepared = predictor.prepare(item_of(dataset, row))
            except InputError as error:
                reason = error
                continue
            count += 1
            yield predictor.inputs(prepared)
        if not count:
            raise DataError(f"{dataset.name}: no validation example can be read: {reason}")

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """The next, or None."""
        return next(self.inputs, None)

    def __iter__(self) -> "Ranges":
        return self

    def __next__(self) -> dict[str, NDArray[Any]]:
        return next(self.inputs)


def add_cost(card: Path, cost: Cost) -> None:
    """Writes the cost into a model card."""
    text = card.read_text(encoding="utf-8")
    with writing(card) as temporary:
        temporary.write_text(f"{text}\n## Rounding\n\n{cost}.\n", encoding="utf-8")


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
