"""Style: a photograph painted by a network that has learned one painting's style."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, Decoded, Reader
from striate.data.unmarked import open_unmarked
from striate.errors import DataError, ImageError, UserError
from striate.images import SUFFIXES, apply
from striate.progress import track
from striate.tasks.contract import (
    Answered,
    Column,
    Method,
    Output,
    Plan,
    Prediction,
    Predictor,
    Scores,
    Section,
    Task,
    Wanted,
)
from striate.tasks.style import answers, card
from striate.tasks.style.answers import Answer, Painted, Pixels
from striate.tasks.style.exported import ExportedPainter
from striate.tasks.style.judging import VIEW, Judge, judge_again, judge_of
from striate.tasks.style.painter import Painter
from striate.tasks.style.scores import StyleScores, scored, spread

if TYPE_CHECKING:
    from PIL.Image import Image

    from striate.inference.runtimes import Runtime
    from striate.tasks.style.problem import Photographs

SCORED = 64  # photographs at most, for judging one takes as long as learning from one


def pictured(path: Path) -> bool:
    """Whether there may be pictures, whatever the folders in it are called."""
    return path.is_dir() or path.suffix.lower() in SUFFIXES


class Style(Task):
    """Photographs in the style of one painting."""

    name: ClassVar[str] = "style"
    title: ClassVar[str] = "how a picture looks in the style of a painting"
    reads: ClassVar[tuple[str, ...]] = ("unmarked",)
    readers: ClassVar[tuple[Reader, ...]] = (
        Reader("pictures in a folder", "unmarked", pictured, open_unmarked, fallback=True),
    )
    named: ClassVar[bool] = True
    score: ClassVar[str] = "removed"
    score_title: ClassVar[str] = "loss removed"
    points: ClassVar[str] = "points of the photograph's loss removed"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("style left", "style_left"),
        Column("content lost", "content_lost"),
    )
    compared: ClassVar[tuple[str, ...]] = ("colors", "feedforward")
    default: ClassVar[str] = "feedforward"
    ignores: ClassVar[frozenset[str]] = frozenset(
        ("balance", "label_smoothing", "kept_rate", "freeze_statistics")
    )
    prediction: ClassVar[type[Painted]] = Painted
    options: ClassVar[Mapping[str, frozenset[str]]] = {
        "train": frozenset({"painting"}),
        "predict": frozenset({"draw", "save"}),
        "evaluate": frozenset({"weights"}),
    }
    package: ClassVar[str] = "striate.tasks.style"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.style.methods import METHODS

        return METHODS

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {Painter.kind: Painter}

    def prepare(self, dataset: Dataset[Any], plans: Sequence[Plan]) -> "Photographs":
        from striate.tasks.style.problem import Photographs

        decoded = super().prepare(dataset, plans)
        assert isinstance(decoded, Decoded)
        judge = judge_of(plans[0].ask) if plans else None
        return Photographs(decoded.dataset, decoded.pixels, judge)

    def answered(self, predictor: Predictor, data: Any, rows: Sequence[int]) -> Answered:
        """Squares of photographs, painted and judged; of many, SCORED."""
        return judged(predictor, data.judge, spread(rows, SCORED), data.squares.__getitem__)

    def scores(
        self, answered: Answered, dataset: Dataset[Any], names: tuple[str, ...]
    ) -> StyleScores:
        return scored(answered)

    def evaluated(
        self,
        recognizers: Mapping[str, Any],
        dataset: Dataset[Any],
        rows: Sequence[int],
        options: Mapping[str, Any],
        *,
        batch_size: int = 64,
    ) -> Mapping[str, Scores]:
        """Each painter judged as it was when it learned."""
        rows, found = spread(rows, SCORED), {}
        for name, one in recognizers.items():
            painter = one.predictor
            if not isinstance(painter, Painter):
                raise UserError(f"{name} does not hold its painting; evaluate what it was made of")
            judge = judge_again(painter.judging, painter.painting, options.get("weights"))
            answered = judged(painter, judge, rows, lambda row: apply(dataset.inputs[row], VIEW),
                              dataset.inputs.name)  # fmt: skip
            if not answered.rows:
                why = answered.broken[0][1] if answered.broken else "there is none"
                raise DataError(f"{dataset.name}: no picture can be read: {why}")
            found[name] = scored(answered)
        return found

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Painted:
        return Painted(name, answer.pixels)

    def draw(
        self, pixels: NDArray[np.uint8], prediction: Prediction, names: tuple[str, ...]
    ) -> "Image":
        """The picture with its painted form beside it."""
        from PIL import Image

        assert isinstance(prediction, Painted)
        assert prediction.pixels is not None
        return Image.fromarray(np.concatenate([pixels, prediction.pixels], 1))

    def filed(self, prediction: Prediction) -> tuple[str, bytes]:
        """The painted picture."""
        assert isinstance(prediction, Painted)
        assert prediction.pixels is not None
        return ".png", answers.as_png(prediction.pixels)

    def response(self, answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        return answers.response(answer)

    def outputs(self, names: tuple[str, ...]) -> Sequence[Output]:
        return answers.OUTPUTS

    def arrays(
        self, answers_: Sequence[Answer], names: tuple[str, ...]
    ) -> Mapping[str, NDArray[Any]]:
        return answers.arrays(answers_)

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.style.sections import sections

        return sections(comparison)

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        return card.sections(recognizer.predictor)

    def exported(
        self, runtime: "Runtime", header: dict[str, Any], names: tuple[str, ...]
    ) -> ExportedPainter:
        return ExportedPainter(runtime)


def judged(
    predictor: Predictor,
    judge: Judge,
    rows: Sequence[int],
    photo: Callable[[int], Pixels],
    name: Callable[[int], str] = str,
) -> Answered:
    """What a painter makes of squares of photographs, and their losses; what cannot be read is left
    out by name."""
    read, answers_, broken, seconds = [], [], [], 0.0
    for row in track(rows, "paint and judge"):
        try:
            before = photo(row)
        except ImageError as error:
            broken.append((name(row), str(error)))
            continue
        start = time.perf_counter()
        (answer,) = predictor.predict([before])
        seconds += time.perf_counter() - start
        read.append(row)
        answers_.append(answer._replace(judged=judge(before, answer.pixels)))
    each = seconds / max(1, len(read))
    return Answered(tuple(read), tuple(answers_), each, tuple(broken))
