"""What a task owes the house, and nothing more.

A task is a folder with a subclass of `Task`, and one line in `striate.tasks.table`. Everything else
is written once, for any task: the comparison, files, export, the service, the commands.

    Task         names a task, its methods, the predictors its files may hold, and how predictions
                 are scored and shown
    Method       one way to learn it: a title, an approach, and `learn(data, ask) -> Learned`
    Predictor    what is deployed: `prepare` an input, `predict` a batch, and what is stored of it
    Scores       predictions beside the truth: one main score with its interval, and further numbers
    Prediction   what is said of one input, as JSON and as a line

`docs/a_task_of_your_own.md` makes one from nothing.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import Dataset, Prepared, decode
from striate.data.dataset import SPLITS
from striate.errors import (
    DataError,
    InputError,
    MissingExtra,
    ModelError,
    UnknownName,
    UserError,
    WeightsError,
)
from striate.evaluation.resampling import Rows, bootstrap
from striate.images import SUFFIXES, View
from striate.inference.preprocessing import Preprocessing
from striate.inference.program import Graph
from striate.inference.reading import Input, batches
from striate.inference.walking import Given, files_of
from striate.progress import track

if TYPE_CHECKING:
    from PIL.Image import Image

    from striate.data import Reader
    from striate.inference.runtimes import Runtime
    from striate.training import Recipe
    from striate.visualize.explaining import Explanation

Approach = Literal["handcrafted", "transfer", "scratch", "finetune"]
Pool = Literal["none", "avg", "max"]
SHOWN = 5  # entries of a prediction in a notebook
SIDE = 256  # pixels of a blank picture, where the predictor fixes none
PUBLISHED = "published"  # weights: those that are published under the network's name


@dataclass(frozen=True)
class Ask:
    """What the person decides about learning; where None, the method decides from the data.

    Attributes:
        network: a name of `striate.models`, for methods that learn on one.
        weights: that it starts with: PUBLISHED, a name as `striate.models.create` takes it, or the
            path of a file; None: random ones.
        recipe: how it learns; a method that is solved at once takes none.
        epochs: instead of the recipe's.
        settings: each "key=value" (`Recipe.set`), instead of the recipe's; the last one wins.
        choices: those of `Method.choices`, as asked; None where the method has none.
        seconds: that learning may take; a method that learns by steps stops in time and keeps its
            best weights.
        folder: of the run: what is kept there lets it go on after it was stopped.
        resume: go on with what stands in `folder`.
        own: the task's own options of learning (`Task.options["train"]`), those that were given.
    """

    network: str | None = None
    weights: str | Path | None = PUBLISHED
    recipe: "Recipe | None" = None
    epochs: int | None = None
    seconds: float | None = None
    folder: Path | None = None
    resume: bool = False
    seed: int = 0
    settings: tuple[str, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)
    choices: Any = None

    def adjusted(self, recipe: "Recipe") -> "Recipe":
        """A recipe with the settings and epochs that are asked for.

        Raises:
            UserError: if it has no such setting, or one that does not take such a value.
        """
        recipe = recipe.set(*self.settings) if self.settings else recipe
        return recipe if self.epochs is None else recipe.but(epochs=self.epochs)


@dataclass(frozen=True, eq=False)
class Learned:
    """What a method made of the training and validation examples; the test is still unseen.

    Attributes:
        predictor: complete: calibrated, with all its thresholds.
        validation: metrics on the validation split, the task's `score` among them: by it one seed
            is chosen of several.
        seconds: of each stage, in order.
        network: the one it learned on, where it learned on one.
        history: one row an epoch, where it learns by epochs: "epoch", "loss" and metrics.
        recipe: how it learned, as plain JSON values.
        notes: what a person should know of this run.
        answers: what the predictor says of every test example, in the order of the rows, where the
            method has it already; else the predictor is asked.
    """

    predictor: "Predictor"
    validation: Mapping[str, float]
    seconds: Mapping[str, float]
    network: str | None = None
    history: tuple[dict[str, float], ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    answers: Sequence[Any] | None = None


def no_views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """For methods that read the pictures by themselves."""
    return ()


def nothing(ask: Ask) -> None:
    """For methods that start from the data alone."""


@dataclass(frozen=True)
class Method:
    """One way to learn a task.

    Attributes:
        title: as people call it, at the beginning of a sentence.
        learn: from the data that `Task.prepare` gave; validation data are for choices.
        networks: names of `striate.models` that it can learn on; () where it learns on none.
        by_epochs: whether any of it learns by gradient steps; others are solved at once.
        settings: of a method that is solved at once, the fields of a recipe that change it.
        choices: a frozen dataclass of what else can be set of it; ValueError from its making is
            the end of a sentence about what is wrong.
        ignores: of one that learns by steps, those that do not, beside `Task.ignores`.
        needs: packages beyond the library's own, each with the extra that brings it.
        seeds: how often a comparison runs it where the person does not say.
        views: of each picture that it reads from `Decoded`.
        find: sees what else is needed, published weights above all, before any work.
        lasts: about how many seconds learning takes with so many seeds, from prepared data and a
            few examples that it computes; None where nobody can know beforehand.
    """

    title: str
    approach: Approach
    learn: Callable[[Any, Ask], Learned]
    networks: Sequence[str] = ()
    by_epochs: bool = False
    settings: frozenset[str] = frozenset()
    choices: Any = None
    ignores: frozenset[str] = frozenset()
    needs: tuple[tuple[str, str], ...] = ()
    seeds: int = 1
    views: Callable[[Dataset[Any], Ask], tuple[View, ...]] = no_views
    find: Callable[[Ask], None] = nothing
    lasts: Callable[[Any, Ask, int], float] | None = None

    def ready(self, name: str, ask: Ask) -> None:
        """Sees before any work that all can be done which is asked.

        Raises:
            UserError: if something is asked that this method does not have.
            UnknownName: if it does not learn on such a network.
            MissingExtra, WeightsError: if a package or weights are not to be had.
        """
        if ask.network is not None and not self.networks:
            raise UserError(
                f"--network {ask.network}: {name} learns without a network; leave it out"
            )
        if ask.weights != PUBLISHED and not self.networks:
            raise UserError(
                f"--weights {ask.weights}: {name} learns without a network; leave it out"
            )
        if ask.weights != PUBLISHED and self.approach == "scratch":
            raise UserError(
                f"--weights {ask.weights}: {name} starts from random ones; leave it out"
            )
        if ask.network is not None and ask.network not in self.networks:
            raise UnknownName(f"network for {name}", ask.network, self.networks)
        if not self.by_epochs:
            wanted: dict[str, object] = {
                "epochs": ask.epochs,
                "recipe": ask.recipe,
                "time-limit": ask.seconds,
            }
            if not self.settings:
                wanted["set"] = ask.settings or None
            for option, value in wanted.items():
                if value is not None:
                    raise UserError(f"--{option}: {name} is solved at once; leave it out")
        for package, extra in self.needs:
            if find_spec(package) is None:
                raise MissingExtra(self.title, extra)
        self.find(ask)


@dataclass(frozen=True)
class Plan:
    """A method by its name, and what is asked of it."""

    name: str
    method: Method
    ask: Ask


class Predictor(ABC):
    """What is deployed: it answers, and it can be kept in a file without code.

    Attributes:
        kind: its key in the task's `predictors`, in files too.
        size: pixels a side that it reads, where that is fixed; for people.
        pixels: (height, width, channels) where `prepare` makes nothing but such uint8 pixels of a
            picture; a caller of the service may then send those instead of a file.
        largest_batch: prepared inputs that may wait in memory together, where they are large.
    """

    kind: ClassVar[str]
    size: int | None = None
    pixels: tuple[int, int, int] | None = None
    largest_batch: int | None = None

    @property
    @abstractmethod
    def parameters(self) -> int:
        """How many numbers were learned, here or before."""

    def blank(self, times: int = 1) -> NDArray[Any] | str:
        """An input that says nothing, and so many times as long each way: what the service answers
        first, and by which it knows how much memory inputs take. By default a black picture."""
        side = times * (self.size or SIDE)
        return np.zeros((side, side, 3), np.uint8)

    def rehearsed(self, times: int = 1) -> Any:
        """The blank input, prepared."""
        return self.prepare(self.blank(times))

    @abstractmethod
    def prepare(self, item: Input) -> Any:
        """What `predict` takes of an input; called in threads, several at a time.

        Raises:
            InputError: if it cannot be read; the text is the reason, without the path.
        """

    @abstractmethod
    def predict(self, batch: Sequence[Any]) -> Sequence[Any]:
        """Prepared inputs, at least one, to as many answers; `Task.predicted` words them."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """What is stored of it, by name."""

    @abstractmethod
    def header(self) -> dict[str, Any]:
        """The rest of it, as plain JSON values."""

    @classmethod
    @abstractmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        """The predictor of which `tensors` and `header` were stored, on the CPU.

        Raises:
            ValueError, LookupError, TypeError, RuntimeError, StriateError: if they do not belong
                together; sizes are compared before memory is taken.
        """

    def to(self, device: str) -> None:  # noqa: B027 (one that computes on the CPU alone stays)
        """Moves what computes to a device, as torch names it."""

    def computed_by(self, engine: str) -> "Predictor":
        """The same, computed by "torch", "compiled", "onnxruntime", "openvino", or the fastest
        ("auto").

        Raises:
            UnknownName: if there is no such engine.
            ModelError: if that cannot compute it.
            MissingExtra: if it is not installed.
        """
        if engine == "torch":
            return self
        raise ModelError(f"{self.kind} is computed by torch alone; leave out --engine {engine}")

    def graph(self, *, single: bool = False) -> Graph:
        """All of it as one graph, from decoded inputs to its answer.

        Args:
            single: for a runtime that knows no double precision.

        Raises:
            ModelError: with the reason, if it is not a graph.
        """
        raise ModelError(f"{self.kind} is not a graph that can be exported")

    def inside(self) -> tuple[nn.Module, Preprocessing]:
        """The network that can be looked into, and what it takes.

        Raises:
            ModelError: if there is none.
        """
        raise ModelError(f"{self.kind} has no network that can be looked into")

    def probabilities(self, logits: Tensor) -> Tensor:
        """(N, classes) of the logits that the network of `inside` gives, calibrated where it is, in
        their precision; each class's own where classes do not exclude each other."""
        return logits.softmax(1)

    def features(
        self, batch: Sequence[Any], *, layer: str | None = None, pool: Pool = "none"
    ) -> NDArray[np.float32]:
        """Deep features (N, D) of prepared inputs: what `layer` gives, flattened.

        Args:
            layer: a stage or module by name; where None, what the last full connection reads.
            pool: "avg" or "max": of each feature map its mean or maximum over all places.

        Raises:
            ModelError: if there are none.
        """
        raise ModelError(f"{self.kind} has no deep features")


class ExportedPredictor(Predictor):
    """The graph that `striate export` wrote of a predictor, run by another runtime.

    A task adds `prepare`, `inputs` and `predict`, and sees in its `exported` that the graph fits:
    `Runtime.require`.
    """

    kind: ClassVar[str] = "exported"

    def __init__(self, runtime: "Runtime"):
        self.runtime = runtime

    @property
    def parameters(self) -> int:
        return self.runtime.parameters

    @abstractmethod
    def inputs(self, prepared: Any) -> dict[str, NDArray[Any]]:
        """What the graph takes of one prepared input, by name."""

    def tensors(self) -> dict[str, Tensor]:
        raise ModelError(f"{self.runtime.path} is an export; copy it, or save what it was made of")

    def header(self) -> dict[str, Any]:
        raise ModelError(f"{self.runtime.path} is an export; copy it, or save what it was made of")

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        raise ValueError("it is an export, which is a file of its own")


@dataclass(frozen=True)
class Prediction(ABC):
    """What is said of one input, or why it could not be read."""

    name: str
    error: str | None = field(default=None, kw_only=True)

    def to_json(self, *, top: int | None = None) -> dict[str, Any]:
        """`{"path", ...the task's fields}`, or `{"path", "error"}`.

        Args:
            top: how many of what can be many; where None, as many as there are.
        """
        if self.error is not None:
            return {"path": self.name, "error": self.error}
        return {"path": self.name, **self.fields(top)}

    @abstractmethod
    def fields(self, top: int | None) -> dict[str, Any]:
        """The task's fields, as plain JSON values."""

    @abstractmethod
    def line(self, top: int | None) -> str:
        """What is said, as the rest of a line; names may hold anything and are escaped later."""

    def shares(self, top: int) -> Sequence[tuple[str, float]]:
        """Names with numbers in [0, 1], which a notebook draws as bars instead of the line."""
        return ()

    def picture(self) -> "NDArray[np.uint8] | None":
        """(H, W, 3), where what is said is a picture."""
        return None

    def _repr_html_(self) -> str:
        """As a notebook shows it, every name escaped."""
        from PIL import Image

        from striate import pages

        values: dict[str, Any] = {"name": self.name, "error": self.error}
        if self.error is None:
            shares, made = self.shares(SHOWN), self.picture()
            values["line"] = "" if shares else self.line(SHOWN)
            values["shares"] = [{"name": n, "width": f"{100 * share:.1f}"} for n, share in shares]
            values["picture"] = None if made is None else pages.embedded(Image.fromarray(made))
        return str(pages.fragment("striate.pages", "prediction.html.jinja", values))


class Scores(ABC):
    """Answers beside the truth, on the same examples for every method of a comparison.

    Attributes:
        examples: how many there are of what is drawn anew for intervals.
        drawn: what one of those is.
        seconds: to answer one example, decoding apart.
        broken: examples that could not be read, with reasons.
    """

    examples: int
    drawn: ClassVar[str] = "example"
    seconds: float
    broken: tuple[tuple[str, str], ...]

    @property
    @abstractmethod
    def value(self) -> float:
        """The main score, in [0, 1], more is better; what the task calls `score`."""

    @abstractmethod
    def resampled(self, rows: Rows) -> NDArray[np.float64]:
        """The main score (R,) on each of R sets of examples, rows (R, examples)."""

    @property
    @abstractmethod
    def metrics(self) -> Mapping[str, float]:
        """Further numbers by name, nan where there is none; a table's columns are among them."""

    @property
    def chance(self) -> float | None:
        """The main score of an answer that looks at nothing; None where that is not known."""
        return None

    @property
    def is_guessing(self) -> bool:
        """Whether the interval reaches down to what an answer that looks at nothing gets."""
        return self.chance is not None and self.interval[0] <= self.chance

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Where the main score of other examples of the same kind is expected, 95 %."""
        return bootstrap(self.resampled, self.examples, rounds=ROUNDS)

    def lead(self, other: "Scores") -> tuple[float, float]:
        """How far this is ahead of another on the same examples, 95 %: both see the same draws."""
        return lead([self], [other])

    def to_json(self) -> dict[str, Any]:
        """Everything that is known, as plain JSON values."""
        return {"metrics": dict(self.metrics)}

    def lines(self) -> Iterable[str]:
        """What a person reads below the main score."""
        return ()


ROUNDS = 500  # draws of an interval


def lead(first: Sequence[Scores], second: Sequence[Scores]) -> tuple[float, float]:
    """How far a method is ahead of another, 95 %, each with one or more seeds.

    All see the same draws of the same examples; where there are several seeds, each draw also takes
    one seed of each side, so that the interval tells of that choice too.

    Raises:
        ValueError: if they were not scored on the same examples.
    """
    counts = {one.examples for one in (*first, *second)}
    if len(counts) != 1:
        raise ValueError(f"scores of {sorted(counts)} examples cannot be compared in pairs")
    random = np.random.default_rng(1)

    def difference(rows: Rows) -> NDArray[np.float64]:
        return _of_any(first, rows, random) - _of_any(second, rows, random)

    return bootstrap(difference, counts.pop(), rounds=ROUNDS)


def interval(some: Sequence[Scores]) -> tuple[float, float]:
    """The 95 % interval of a method's score, over examples and, where there are several, seeds."""
    if len(some) == 1:
        return some[0].interval
    random = np.random.default_rng(1)
    return bootstrap(lambda rows: _of_any(some, rows, random), some[0].examples, rounds=ROUNDS)


def _of_any(some: Sequence[Scores], rows: Rows, random: np.random.Generator) -> NDArray[np.float64]:
    """Scores (R,) on each draw: of the one seed, or of as many seeds drawn anew."""
    each = np.stack([one.resampled(rows) for one in some])  # (seeds, R)
    if len(some) == 1:
        return each[0]
    chosen = random.integers(0, len(some), (len(some), each.shape[1]))
    return np.take_along_axis(each, chosen, 0).mean(0)


class Answered(NamedTuple):
    """What a predictor says of rows of a set.

    Attributes:
        rows: of the set, those that could be read.
        answers: as many, as `Predictor.predict` gave them.
        seconds: to answer one, decoding apart.
        broken: names of what could not be read, with reasons.
    """

    rows: tuple[int, ...]
    answers: Sequence[Any]
    seconds: float
    broken: tuple[tuple[str, str], ...] = ()


class Column(NamedTuple):
    """A column of the comparison's table beside the main score: a heading and its metric."""

    heading: str
    metric: str


class Output(NamedTuple):
    """One output of a model in Open Inference's terms; -1 in a shape is any length."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Wanted:
    """What a caller of the service wants to hear.

    Attributes:
        most: entries at most.
        least: probability or score from which on an entry is told.
        only: names that are told; all where None.
        shown: what names are called in the caller's language; those it lacks keep their own.
    """

    most: int = 20
    least: float = 0.0
    only: frozenset[str] | None = None
    shown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Explained:
    """Why something was said of a picture: what is lost where a part of it is hidden.

    Attributes:
        pixels: (S, S, 3) uint8, what the network is shown.
        box: left, top, right, bottom of that, as shares of the upright picture's sides.
        map: (K, K) how much of the probability is lost where a cell is hidden.
    """

    name: str
    probability: float
    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    map: NDArray[np.float64]


class Published(NamedTuple):
    """A predictor with weights that somebody published, and where those come from."""

    predictor: Predictor
    names: tuple[str, ...]
    provenance: dict[str, Any]


class Section(NamedTuple):
    """A part of the report: a template of the task's own package, and the values it shows.

    Attributes:
        template: file name, below the task's package.
        values: plain values; every name in them is escaped.
        package: that the template lies in, where it is not the task's own.
    """

    template: str
    values: dict[str, Any]
    package: str = ""


class Told(NamedTuple):
    """An explanation in words.

    Attributes:
        facts: plain values, by name.
        lines: the same for people.
    """

    facts: dict[str, Any]
    lines: tuple[str, ...]


Tell = Callable[["Predictor", tuple[str, ...], str, str], Told]
"""From a predictor, its names, the place of an input and the name of a class to an explanation."""


class Task(ABC):
    """One kind of question that can be learned.

    Attributes:
        name: as `--task` has it, and in files.
        title: what is answered, for people: "which class a picture belongs to".
        reads: kinds of targets it learns from (`Targets.kind`).
        thing: what one of its inputs is: "image", "text", "recording" (`Inputs.thing`).
        kinds: what one of a recognizer's names is, and several.
        together: how many inputs one question is about. Where more than one, examples are learned
            from and scored one by one, and a predictor also takes a tuple of so many.
        readers: of folders that only this task knows, besides `striate.data.READERS`.
        named: whether it is meant only where a person names it, because what it learns from serves
            other tasks, too.
        score: the key of its main metric in `Learned.validation`.
        score_title: of that, as a table has it: "top-1".
        points: the same in a sentence: "points of top-1 accuracy".
        columns: of the table, beside the main score; `columns_for` may add to them by the data.
        compared: the methods of a comparison where the person names none.
        default: the method that `train` takes.
        ignores: the fields of a recipe that change nothing in any of its methods.
        prediction: what is said of one input.
        options: by command ("train", which is also for "compare", "evaluate", "predict", "explain",
            ...), the options that this task has and others may lack, without dashes.
        top: how many entries of a prediction are shown where the person does not say; None: all.
        suffixes: of the files that its inputs are, for folders that are walked.
        beside: suffixes of further files that belong to an input, in shards that keep files of one
            input together.
        tables: of files that `given` reads by itself, so that they are no lists of paths.
        package: of its templates.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    reads: ClassVar[tuple[str, ...]]
    thing: ClassVar[str] = "image"
    kinds: ClassVar[tuple[str, str]] = ("class", "classes")
    together: ClassVar[int] = 1
    readers: ClassVar[tuple["Reader", ...]] = ()
    named: ClassVar[bool] = False
    score: ClassVar[str]
    score_title: ClassVar[str]
    points: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]] = ()
    compared: ClassVar[tuple[str, ...]]
    default: ClassVar[str]
    ignores: ClassVar[frozenset[str]] = frozenset()
    prediction: ClassVar[type[Prediction]]
    options: ClassVar[Mapping[str, frozenset[str]]] = {}
    top: ClassVar[int | None] = None
    suffixes: ClassVar[frozenset[str]] = SUFFIXES
    beside: ClassVar[frozenset[str]] = frozenset()
    tables: ClassVar[frozenset[str]] = frozenset()
    package: ClassVar[str] = ""

    @property
    @abstractmethod
    def methods(self) -> Mapping[str, Method]:
        """Every method by name, in the order of a table. Imported when it is asked for: what only
        answers never needs it."""

    @property
    @abstractmethod
    def predictors(self) -> Mapping[str, type[Predictor]]:
        """What a file of this task may hold, by kind."""

    @abstractmethod
    def scores(
        self,
        answered: Answered,
        dataset: Dataset[Any],
        names: tuple[str, ...],
    ) -> Scores:
        """Answers to rows of a set beside their targets.

        Args:
            names: of the predictor's classes; those of the set may be others, or in another order.

        Raises:
            DataError: if predictor and set have no class in common.
        """

    @abstractmethod
    def predicted(self, name: str, answer: Any, names: tuple[str, ...]) -> Prediction:
        """An answer in words.

        Args:
            name: of the input.
            names: of the predictor's classes.
        """

    # What follows has a default that serves most tasks.

    @property
    def takes(self) -> str:
        """What an input of a predictor is, for the service: as a rule, what one of a set is."""
        return self.thing

    @property
    def marks(self) -> "Callable[[Dataset[Any], int, Any], Image | None] | None":
        """`draw(dataset, row, doubt)`: an input with its targets, or with the one of
        `targets.doubts` alone; None where targets cannot be drawn."""
        return None

    @property
    def published(self) -> Mapping[str, Callable[[], Published]]:
        """Predictors with published weights, by the names of their networks; a call builds one."""
        return {}

    def scorable(self, dataset: Dataset[Any], names: tuple[str, ...]) -> NDArray[np.bool_]:
        """Which examples (N,) of a set say something of a predictor with these classes: not those
        that are of one class alone, which it lacks."""
        numbers = dataset.targets.single()
        if numbers is None or not names:
            return np.ones(len(dataset), np.bool_)
        known = set(names)
        return np.array([name in known for name in dataset.classes], np.bool_)[numbers]

    def method(self, name: str) -> Method:
        """The method of that name.

        Raises:
            UnknownName: with the closest names.
        """
        if name not in self.methods:
            raise UnknownName(f"method of {self.name}", name, self.methods)
        return self.methods[name]

    def columns_for(self, dataset: Dataset[Any]) -> tuple[Column, ...]:
        """The table's columns for a set."""
        return self.columns

    def sound(self, dataset: Dataset[Any]) -> Dataset[Any]:
        """The set, if there is something to learn from and to choose on; perhaps with more notes.

        Raises:
            DataError: if not; it says why.
        """
        for number, part in enumerate(SPLITS[:2]):
            if not (dataset.split == number).any():
                raise DataError(f"{dataset.name}: the {part} split has no example")
        return dataset

    def prepare(self, dataset: Dataset[Any], plans: Sequence[Plan]) -> Prepared:
        """The data that the methods of these plans learn from: each input read once for all.

        By default the inputs are pictures, decoded in the views of the methods. The view that tells
        copies is there for any plans, so that all of them, and `evaluate` with none, find the same
        copies and split the same way.
        """
        from striate.checking.appearance import VIEW

        views = [view for plan in plans for view in plan.method.views(dataset, plan.ask)]
        return decode(dataset, [VIEW, *views])

    def answered(self, predictor: Predictor, data: Any, rows: Sequence[int]) -> Answered:
        """What a predictor says of these rows of the data that `prepare` gave."""
        return asked(predictor, data.dataset, rows)

    def given(self, places: Sequence[str], options: Mapping[str, Any]) -> Given:
        """The inputs that a person names for `predict`: files, folders, patterns.

        Args:
            options: those of `options["predict"]` that were given.

        Raises:
            UserError: if there is none.
        """
        return files_of(places, self.suffixes)

    def joined(
        self, files: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Sequence[tuple[str, Any]]:
        """The inputs among the files of a shard that have one key: each with the file that it is
        of, or with "" where it is made of several.

        One that is called by its suffix alone (`jpg`) is the input, and those beside it
        (`seg.png`) belong to it; else each is an input of its own.

        Args:
            files: by what follows the key, "jpg" or "seg.png"; of the suffixes that `suffixes` and
                `beside` name.
            options: those of `options["predict"]` that were given.

        Raises:
            InputError: if they are no input.
        """
        alone = [field for field in files if "." not in field]
        found = alone if len(alone) == 1 else list(files)
        return [(field, files[field]) for field in found]

    def answering(self, predictor: Predictor, options: Mapping[str, Any]) -> Predictor:
        """The predictor in the form that answers as the options of `predict` ask.

        Args:
            options: those of `options["predict"]` that were given.

        Raises:
            UserError: if it cannot.
        """
        return predictor

    def sections(self, comparison: Any) -> Iterable[Section]:
        """The task's parts of the report (`striate.comparing.Comparison`), in order."""
        return ()

    def draw(
        self, pixels: NDArray[np.uint8], prediction: Prediction, names: tuple[str, ...]
    ) -> "Image":
        """A picture (H, W, 3) with what was said of it.

        Raises:
            UserError: if this task has nothing to draw.
        """
        raise UserError(f"--draw: {self.name} has nothing to draw; leave it out")

    def filed(self, prediction: Prediction) -> tuple[str, bytes]:
        """What was said of an input as a file of its own: its suffix (".png") and its bytes.

        Raises:
            UserError: if this task has no such form.
        """
        raise UserError(f"--save: {self.name} writes no files; use --json")

    def samples(
        self, predictor: Predictor, names: tuple[str, ...], count: int, *, seed: int = 0,
        walk: tuple[int, int] | None = None, name: str | None = None,
    ) -> Iterator[NDArray[np.uint8]]:  # fmt: skip
        """Pictures (H, W, 3) that a predictor makes by itself, one by one: memory does not grow.

        Args:
            walk: two seeds; the pictures are then on the way from the first of one to the first of
                the other.
            name: the class that they shall be of; any where None.

        Raises:
            UserError: if it makes none, or none of such a class.
        """
        raise UserError(f"a recognizer of {self.name} makes no pictures by itself")

    def response(self, answer: Any, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        """The `data` of an output in Clarifai's form: `concepts`, `regions`, ..."""
        raise ModelError(f"{self.name} is not served")

    def outputs(self, names: tuple[str, ...]) -> Sequence[Output]:
        """What Open Inference calls give."""
        return ()

    def arrays(self, answers: Sequence[Any], names: tuple[str, ...]) -> Mapping[str, NDArray[Any]]:
        """The outputs of a batch, by name."""
        return {}

    def refuses(self, predictor: Predictor) -> bool:
        """Whether it can say that an input is none of what it knows."""
        return False

    @property
    def explanations(
        self,
    ) -> "Mapping[str, Callable[[Predictor, tuple[str, ...], str, str], Told]]":
        """What `explain --method` can tell in words, by name; a place or class that is not given
        is "". Without any, the network of `Predictor.inside` is shown in pictures."""
        return {}

    def explained(self, predictor: Predictor, names: tuple[str, ...], data: bytes,
                  name: str | None) -> Explained:  # fmt: skip
        """Where in a picture lies what is said of it, or why it would be called `name`.

        Raises:
            ModelError: if this predictor cannot be asked that.
        """
        raise ModelError(f"{self.name} has no heat maps")

    def explanation(
        self, predictor: Predictor, names: tuple[str, ...], item: str, name: str | None,
        method: str, at: tuple[float, ...] = (),
    ) -> "Explanation | None":  # fmt: skip
        """Why something was said of an input that is no picture, as a page; None where the methods
        for pictures serve.

        Args:
            item: its path; "" where the person gave none.
            name: what is asked about; what is found first where None.
            method: as `striate explain --method` has it.
            at: x, y of a pixel or left, top, right, bottom of a part that is asked about; () where
                the person gave none.

        Raises:
            UserError: if it cannot be asked that.
        """
        self.no_place(at)
        return None

    def no_place(self, at: tuple[float, ...]) -> None:
        """Refuses a place, for tasks whose answers are about the whole input.

        Raises:
            UserError: if one is given.
        """
        if at:
            raise UserError(f"--at: {self.name} answers for the whole {self.thing}; leave it out")

    def explains(self, predictor: Predictor) -> bool:
        """Whether `explained` answers for this predictor."""
        return False

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        """Sections of the model card, title to lines of Markdown, that only this task can write."""
        return {}

    def exported(
        self, runtime: "Runtime", header: dict[str, Any], names: tuple[str, ...]
    ) -> ExportedPredictor:
        """The predictor whose graph `striate export` wrote, run by another runtime.

        Args:
            header: of the predictor that was exported, and its "kind".

        Raises:
            WeightsError, ValueError, LookupError, TypeError: if they do not belong together.
        """
        raise WeightsError(f"{self.name} has no exported form")

    def evaluated(
        self,
        recognizers: Mapping[str, Any],
        dataset: Dataset[Any],
        rows: Sequence[int],
        options: Mapping[str, Any],
        *,
        batch_size: int = 64,
    ) -> Mapping[str, Scores]:
        """Scores of several recognizers of this task on rows of a set, by the names given here.

        Args:
            options: those of `options["evaluate"]` that were given; a task may thus score a mean of
                all of them, under one name of its own.
        """
        found = {}
        for name, one in recognizers.items():
            answered = asked(one.predictor, dataset, rows, batch_size=batch_size)
            if not answered.rows:
                why = f": {answered.broken[0][1]}" if answered.broken else ""
                raise DataError(
                    f"{dataset.name}: none of its {len(rows)} examples can be read{why}"
                )
            found[name] = self.scores(answered, dataset, one.names)
        return found

    def own_options(self, command: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was given, if this task has such options.

        Raises:
            UserError: naming the first that it lacks.
        """
        for option in given:
            if option not in self.options.get(command, ()):
                raise UserError(f"--{option}: {self.name} has no such option; leave it out")
        return given


def asked(
    predictor: Predictor, dataset: Dataset[Any], rows: Sequence[int], *, batch_size: int = 32
) -> Answered:
    """What a predictor says of these rows of a set, those that cannot be read left out by name."""
    kept: list[int] = []
    answers: list[Any] = []
    broken: list[tuple[str, str]] = []
    seconds, place = 0.0, 0
    inputs = (item_of(dataset, row) for row in track(list(rows), "predict"))
    for _, prepared in batches(inputs, predictor.prepare, batch_of(predictor, batch_size)):
        good = []
        for row, one in zip(rows[place : place + len(prepared)], prepared, strict=True):
            if isinstance(one, InputError):
                broken.append((dataset.inputs.name(row), str(one)))
            else:
                kept.append(row)
                good.append(one)
        place += len(prepared)
        if good:
            start = time.perf_counter()
            answers += predictor.predict(good)
            seconds += time.perf_counter() - start
    return Answered(tuple(kept), tuple(answers), seconds / max(1, len(answers)), tuple(broken))


def batch_of(predictor: Predictor, size: int) -> int:
    """So many inputs at a time, or as many as this predictor allows."""
    return min(size, predictor.largest_batch or size)


def item_of(dataset: Dataset[Any], row: int) -> Input:
    """A row of a set as `Predictor.prepare` takes it: its path, or what it holds."""
    path = dataset.inputs.path(row)
    return dataset.inputs[row] if path is None else path
