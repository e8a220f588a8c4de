"""What a person takes home: a predictor, its task, its names and how it came to be, in one file."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from striate.errors import (
    InputError,
    ModelError,
    StriateError,
    UnknownName,
    UserError,
    WeightsError,
    one_line,
)
from striate.inference.devices import AUTO, device_named
from striate.inference.engines import EVERYWHERE
from striate.inference.reading import Named, batches
from striate.inference.runtimes import SUFFIXES, Runtime, open_runtime
from striate.tasks.contract import Input, Pool, Prediction, Predictor, Task, batch_of
from striate.tasks.table import TASKS
from striate.tensors import load_tensors, save_tensors, see_finite

FORMAT = "striate recognizer 3"
CODE = {".pt", ".pt2", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt"}
LONGEST = 300  # characters of a message that a file has a say in
MOST_NAMES = 1_000_000
SHOWN = 12  # names in a notebook
CPU = (AUTO, "cpu")  # the devices that an engine other than torch may be asked for


@dataclass(frozen=True, eq=False)
class Recognizer:
    """Answers the same way wherever it runs.

    Attributes:
        task: what is asked.
        predictor: what answers, with all that belongs to an answer: preprocessing, calibration,
            thresholds.
        names: of the classes, in the order of their numbers; () where a task has none.
        provenance: recipe, data, scores: plain JSON values.
    """

    task: Task
    predictor: Predictor
    names: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names."""
        return self.names

    def __call__(
        self, inputs: Iterable[Input | Named], *, batch_size: int = 32
    ) -> list[Prediction]:
        """Predictions for paths and arrays (see `predict`)."""
        return list(self.predict(inputs, batch_size=batch_size))

    def predict(self, inputs: Iterable[Input | Named], *, batch_size: int = 32) -> Iterator[Any]:
        """One prediction an input, in order, however many there are: memory does not grow.

        Args:
            inputs: paths, or what the inputs hold: pixels as arrays, texts as str.
        """
        size = batch_of(self.predictor, batch_size)
        for answered in self.answers(batches(inputs, self.predictor.prepare, size)):
            yield from self.worded(answered)

    def answers(
        self, prepared: Iterable[tuple[list[str], list[Any]]]
    ) -> Iterator[list[tuple[str, Any]]]:
        """As `predict`, a batch at a time and not in words yet: each input's name, and the
        predictor's answer or the InputError that says why there is none.

        Args:
            prepared: names, and what `Predictor.prepare` made of the inputs or such an error.
        """
        for labels, some in prepared:
            good = [one for one in some if not isinstance(one, InputError)]
            found = iter(self.predictor.predict(good) if good else ())
            yield [
                (label, one if isinstance(one, InputError) else next(found))
                for label, one in zip(labels, some, strict=True)
            ]

    def worded(self, answered: Iterable[tuple[str, Any]]) -> Iterator[Any]:
        """A prediction for each of what `answers` gives at a time."""
        for label, one in answered:
            if isinstance(one, InputError):
                yield self.task.prediction(label, error=str(one))
            else:
                yield self.task.predicted(label, one, self.names)

    def features(
        self,
        inputs: Iterable[Input | Named],
        *,
        layer: str | None = None,
        pool: Pool = "none",
        batch_size: int = 32,
    ) -> NDArray[np.float32]:
        """Deep features (N, D): what `layer` gives for each input, flattened.

        Args:
            layer: a stage or module by name; where None, what the last full connection reads.
            pool: "avg" or "max": of each feature map its mean or maximum over all places.

        Raises:
            InputError: for the first input that cannot be read.
            UnknownName: if there is no such layer.
            ModelError: if the predictor has no deep features, or there are no inputs.
        """
        rows = []
        for name, row in self.each_features(inputs, layer=layer, pool=pool, batch_size=batch_size):
            if isinstance(row, InputError):
                raise type(row)(f"{name}: {row}") from row
            rows.append(row)
        if not rows:
            raise ModelError("there are no inputs to take features of")
        return np.stack(rows)

    def each_features(
        self,
        inputs: Iterable[Input | Named],
        *,
        layer: str | None = None,
        pool: Pool = "none",
        batch_size: int = 32,
    ) -> Iterator[tuple[str, NDArray[np.float32] | InputError]]:
        """As `features`, one input after another: its name, and its features (D,) or why it could
        not be read. Memory does not grow."""
        size = batch_of(self.predictor, batch_size)
        for labels, prepared in batches(inputs, self.predictor.prepare, size):
            good = [one for one in prepared if not isinstance(one, InputError)]
            rows = iter(self.predictor.features(good, layer=layer, pool=pool) if good else ())
            for label, one in zip(labels, prepared, strict=True):
                yield label, one if isinstance(one, InputError) else next(rows)

    def to(self, device: str) -> "Recognizer":
        """The same, computing on "cpu", "cuda", "cuda:1", "mps", or the fastest there is ("auto").

        Raises:
            UserError: if there is no such device here.
        """
        self.predictor.to(str(device_named(device)))
        return self

    def with_provenance(self, **more: Any) -> "Recognizer":
        """The same with more to tell of how it came to be."""
        return replace(self, provenance={**self.provenance, **more})

    def _repr_html_(self) -> str:
        """What it is and where it comes from, as a notebook shows it; every name is escaped."""
        from striate import pages

        facts = [
            ("task", f"{self.task.name}: {self.task.title}"),
            ("kind", self.predictor.kind),
            ("parameters", f"{self.predictor.parameters:,}"),
        ]
        if self.names:
            more = ", ..." if len(self.names) > SHOWN else ""
            kinds = self.task.kinds[len(self.names) != 1]
            facts.append((kinds, f"{len(self.names):,}: {', '.join(self.names[:SHOWN])}{more}"))
        facts += told(self.provenance)
        values = {"title": "Recognizer", "facts": [(k, one_line(v, LONGEST)) for k, v in facts]}
        return str(pages.fragment("striate.pages", "facts.html.jinja", values))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes all of it to one .safetensors file, atomically; `striate.load` reads it.

        Raises:
            StorageError: if the disk is full or the folder may not be written.
            ModelError: if it is an export, which is a file of its own.
        """
        header = {
            "format": FORMAT,
            "task": self.task.name,
            "kind": self.predictor.kind,
            "names": list(self.names),
            "predictor": self.predictor.header(),
            "provenance": self.provenance,
        }
        save_tensors(path, self.predictor.tensors(), header)


def told(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person wants to know of it first: method, network, data, and the score on its test.

    >>> told({"method": "finetune", "network": None, "data": {"name": "photos"}})
    [('method', 'finetune'), ('data', 'photos')]
    >>> told({"test": {"score": "top1", "value": 0.9, "interval": [0.8, 0.95], "examples": 50}})
    [('test', 'top1 0.900 (95 %: 0.800 to 0.950), 50 examples')]
    >>> told({"test": {"value": "much"}, "data": []})
    []
    """
    data, test = provenance.get("data"), provenance.get("test")
    rows = [(name, provenance.get(name)) for name in ("method", "network")]
    if isinstance(data, dict):
        rows.append(("data", data.get("name")))
    if isinstance(test, dict):
        score, value, found = test.get("score"), test.get("value"), test.get("interval")
        numbers = [value, *found] if isinstance(found, list) else []
        if len(numbers) == 3 and all(isinstance(number, int | float) for number in numbers):
            value, low, high = numbers
            examples = f"{test.get('examples')} {test.get('drawn', 'example')}s"
            line = f"{score} {value:.3f} (95 %: {low:.3f} to {high:.3f}), {examples}"
            rows.append(("test", line))
    return [(name, value) for name, value in rows if isinstance(value, str)]


def load(
    path: str | os.PathLike[str],
    *,
    engine: str = "torch",
    device: str = AUTO,
    model: nn.Module | None = None,
) -> Recognizer:
    """The recognizer in a file that `Recognizer.save` or an export wrote; nothing is unpickled.

    Args:
        engine: what computes: "torch", "compiled", "onnxruntime", "openvino", or "auto", the
            fastest of those installed, by a short measurement that is remembered. An exported file
            (.onnx, .xml) has its own.
        device: where torch computes: "cpu", "cuda", "cuda:1", "mps", or the fastest ("auto").
        model: the network, where it is one of the user's own, which striate cannot build.

    Raises:
        WeightsError: if it is not such a file, or its parts do not fit each other.
        MissingExtra: if what computes it is not installed.
        UserError: if there is no such device here.
    """
    path = Path(path)
    if path.suffix in SUFFIXES:
        for option, value, usual in (("engine", engine, ("torch",)), ("device", device, CPU)):
            if value not in usual:
                raise UserError(
                    f"--{option} {value}: {path} is an export with an engine of its own"
                )
        return _exported(path, open_runtime(path))
    return _computing(_restored(path, model), engine, device)


def named(model: str, *, engine: str = "torch", device: str = AUTO) -> Recognizer:
    """The recognizer in a file (see `load`), or a network with its published weights, by its name.

    Raises:
        UnknownName: if it is neither; with the closest names.
        WeightsError, MissingExtra, UserError: as `load`; also if the weights are not to be had.
    """
    if Path(model).suffix or len(Path(model).parts) != 1 or Path(model).exists():
        return load(model, engine=engine, device=device)
    known = {name: task for task in TASKS.values() for name in task.published}
    if model not in known:
        raise UnknownName("file, and no network with published weights,", model, known)
    task = known[model]
    return _computing(Recognizer(task, *task.published[model]()), engine, device)


def _computing(recognizer: Recognizer, engine: str, device: str) -> Recognizer:
    """The same, computed by that engine on that device."""
    if engine != "torch":
        recognizer = replace(recognizer, predictor=recognizer.predictor.computed_by(engine))
    if engine in EVERYWHERE:
        return recognizer.to(device)
    if device not in CPU:
        raise UserError(f"--device {device}: the engine {engine} computes on the CPU")
    return recognizer


def load_trained(path: str | os.PathLike[str], *, model: nn.Module | None = None) -> Recognizer:
    """As `load`, but only what `Recognizer.save` wrote, with its network and weights, on the CPU.

    Raises:
        WeightsError: also for an exported file, whose graph has neither layers nor names.
    """
    path = Path(path)
    if path.suffix in SUFFIXES:
        raise WeightsError(f"{path} is an export; give the .safetensors file that it was made of")
    return _restored(path, model)


def task_in(header: Any) -> Task:
    """The task that a file names.

    Raises:
        ValueError: if there is none of that name.
    """
    name = header.get("task")
    if not isinstance(name, str) or name not in TASKS:
        raise ValueError(f"it is of a task {name!r}, which this striate does not know")
    return TASKS[name]


def names_in(header: Any) -> tuple[str, ...]:
    """The class names that a file holds.

    Raises:
        ValueError: if they are not a list of text.
    """
    names = header["names"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("its names are not a list of text")
    if len(names) > MOST_NAMES or len(set(names)) != len(names):
        raise ValueError(f"it has {len(names):,} names, of which some are equal or far too many")
    return tuple(names)


def _restored(path: Path, model: nn.Module | None) -> Recognizer:
    if path.suffix.lower() in CODE:
        raise WeightsError(
            f"{path} may run code when it is opened; striate loads .safetensors, .onnx and .xml"
        )
    try:
        tensors, header = load_tensors(path)
        if header.get("format") != FORMAT:
            found = one_line(repr(header.get("format")), LONGEST)
            raise WeightsError(f"{path} is of the format {found}; this striate reads {FORMAT!r}")
        task, names = task_in(header), names_in(header)
        kind, about, provenance = header["kind"], header["predictor"], header["provenance"]
        if not isinstance(about, dict) or not isinstance(provenance, dict):
            raise ValueError("its predictor or provenance is not an object")
        if not isinstance(kind, str) or kind not in task.predictors:
            raise ValueError(f"it holds a {kind!r}, which {task.name} does not know")
        restored = task.predictors[kind].restored
        own: dict[str, Any] = {} if model is None else {"model": model}
        if own and "model" not in signature(restored).parameters:
            raise ValueError(f"its {kind} is built by striate; load it without model=")
        predictor = restored(dict(tensors), about, names, **own)
        see_finite(tensors)  # now that their sizes are known to be right
    except WeightsError as error:
        raise WeightsError(one_line(error, LONGEST)) from error
    except (RecursionError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError,
            RuntimeError, StriateError) as error:  # fmt: skip
        reason = one_line(error, LONGEST)
        raise WeightsError(f"{path} is a damaged recognizer file ({reason})") from error
    return Recognizer(task, predictor, names, provenance)


def _exported(path: Path, runtime: Runtime) -> Recognizer:
    header = runtime.metadata
    try:
        task, names = task_in(header), names_in(header)
        about = header["predictor"]
        if not isinstance(about, dict) or not isinstance(header["provenance"], dict):
            raise ValueError("its predictor or provenance is not an object")
        predictor = task.exported(runtime, {**about, "kind": header["kind"]}, names)
        return Recognizer(task, predictor, names, header["provenance"])
    except WeightsError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError,
            RuntimeError, StriateError) as error:  # fmt: skip
        reason = one_line(error, LONGEST)
        raise WeightsError(f"{path} is not a file that striate exported ({reason})") from error
