"""Pictures that nobody took."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data import UNMARKED, Dataset
from striate.errors import DataError, UnknownName, UserError
from striate.tasks.contract import (
    Answered,
    Column,
    Method,
    Output,
    Prediction,
    Predictor,
    Scores,
    Section,
    Task,
    Wanted,
)
from striate.tasks.generation import answers
from striate.tasks.generation.answers import Answer, Made
from striate.tasks.generation.belief import Belief
from striate.tasks.generation.gaussian import Gaussian
from striate.tasks.generation.generator import Generator
from striate.tasks.generation.noise import SUFFIXES
from striate.tasks.generation.sampler import Sampler

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime
    from striate.tasks.generation.exported import ExportedGenerator
    from striate.tasks.generation.scores import Realism

SEED = 3  # of the samples that are scored


class Generation(Task):
    """Noise to pictures like those of a set."""

    name = "generation"
    title = "pictures like those of a set"
    reads = ("unmarked", "labels")
    readers = (UNMARKED,)
    named = True
    score, score_title = "closeness", "Fréchet closeness"
    points = "points of Fréchet closeness"
    columns = (
        Column("distance, of noise's", "of_noise"),
        Column("precision", "precision"),
        Column("recall", "recall"),
        Column("copies", "copies"),
    )
    compared = ("gaussian", "gan", "dcgan")
    default = "dcgan"
    ignores = frozenset(("balance", "augmentation", "kept_rate", "freeze_statistics"))
    prediction = Made
    options: ClassVar[Mapping[str, frozenset[str]]] = {"predict": frozenset({"save"})}
    suffixes = SUFFIXES
    package = "striate.tasks.generation"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.generation.methods import METHODS

        return METHODS

    @property
    def takes(self) -> str:
        """A text with the numbers of a noise."""
        return "text"

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {kind.kind: kind for kind in (Gaussian, Generator, Belief)}

    def answered(self, predictor: Predictor, data: Any, rows: Sequence[int]) -> Answered:
        """As many samples as there are rows: a sample is of none of them."""
        assert isinstance(predictor, Sampler)
        start = time.perf_counter()
        made = predictor.samples(len(rows), seed=SEED)
        return Answered(tuple(rows), made, (time.perf_counter() - start) / max(1, len(rows)))

    def evaluated(
        self, recognizers: Mapping[str, Any], dataset: Dataset[Any], rows: Sequence[int],
        options: Mapping[str, Any], *, batch_size: int = 64,
    ) -> Mapping[str, Scores]:  # fmt: skip
        from striate.data import decode
        from striate.tasks.generation.views import view_of

        readable = decode(dataset.take(rows), [view_of(dataset)]).dataset
        gone = {one.name for one in readable.left_out}
        kept = [row for row in rows if dataset.inputs.name(row) not in gone]
        if not kept:
            raise DataError(f"{dataset.name}: none of its {len(rows)} pictures can be read")
        return {
            name: self.scores(self.answered(one.predictor, dataset, kept), dataset, one.names)
            for name, one in recognizers.items()
        }

    def scores(
        self, answered: Answered, dataset: Dataset[Any], names: tuple[str, ...]
    ) -> "Realism":
        from striate.tasks.generation.scores import scored

        return scored(answered, dataset)

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Made:
        label = None if answer.label is None else names[answer.label]
        return Made(name, answer.pixels, label)

    def filed(self, prediction: Prediction) -> tuple[str, bytes]:
        """The picture as a PNG."""
        assert isinstance(prediction, Made)
        assert prediction.pixels is not None
        return ".png", answers.png(prediction.pixels)

    def samples(
        self, predictor: Predictor, names: tuple[str, ...], count: int, *, seed: int = 0,
        walk: tuple[int, int] | None = None, name: str | None = None,
    ) -> Iterator[NDArray[np.uint8]]:  # fmt: skip
        assert isinstance(predictor, Sampler)
        label = None if name is None else class_of(name, predictor.told)
        some = (
            predictor.sampled(count, seed=seed, label=label) if walk is None
            else predictor.walk(count, *walk, label=label)
        )  # fmt: skip
        return (one.pixels for answers in some for one in answers)

    def response(self, answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        return answers.response(answer, names)

    def outputs(self, names: tuple[str, ...]) -> Sequence[Output]:
        return answers.OUTPUTS

    def exported(
        self, runtime: "Runtime", header: dict[str, Any], names: tuple[str, ...]
    ) -> "ExportedGenerator":
        from striate.tasks.generation.exported import ExportedGenerator

        if header["kind"] != Generator.kind:
            raise ValueError(f"it is a generator of kind {header['kind']!r}")
        return ExportedGenerator(runtime, header, names)

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.generation.sections import sections

        return sections(comparison)

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        from striate.tasks.generation import card

        return card.sections(recognizer.predictor)

    def arrays(self, given: Sequence[Answer], names: tuple[str, ...]) -> Mapping[str, NDArray[Any]]:
        return answers.arrays(given)


def class_of(name: str, told: Sequence[str]) -> int:
    """The number of a class that pictures shall be of.

    Raises:
        UserError: if it cannot be asked for.
    """
    if not told:
        raise UserError(
            f"--class {name}: this generator was told no classes; learn one with "
            "--set conditional=true"
        )
    if name not in told:
        raise UnknownName("class of this generator", name, told)
    return list(told).index(name)
