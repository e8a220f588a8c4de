"""A sentence about a picture."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset, Reader
from striate.data.caption_files import is_captioned, open_captioned
from striate.errors import UserError
from striate.tasks.captions import card
from striate.tasks.captions.answers import Answer, Caption
from striate.tasks.captions.constant import Constant
from striate.tasks.captions.describer import Describer, searched
from striate.tasks.captions.neighbors import Neighbors
from striate.tasks.captions.scores import Told, scored
from striate.tasks.contract import (
    Answered,
    Column,
    ExportedPredictor,
    Method,
    Prediction,
    Predictor,
    Section,
    Task,
    Wanted,
)
from striate.texts.caption_words import sentence_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from striate.inference.runtimes import Runtime
    from striate.tasks.captions.exported import ExportedDescriber
    from striate.visualize.explaining import Explanation

OPTIONS = {"search": "how", "width": "width", "temperature": "temperature"}  # of `predict`


class Captions(Task):
    """Pictures to sentences."""

    name = "captions"
    title = "what a picture shows, in a sentence"
    reads = ("captions",)
    readers = (
        Reader("pictures with captions (.tsv, .csv, .token.txt, .json)", "captions",
               is_captioned, open_captioned),
    )  # fmt: skip
    score, score_title = "bleu4", "BLEU-4"
    points = "points of BLEU-4"
    columns = (
        Column("BLEU-1", "bleu1"),
        Column("BLEU-2", "bleu2"),
        Column("BLEU-3", "bleu3"),
        Column("different", "different"),
    )
    compared = (
        "constant", "hog_neighbors", "deep_neighbors", "show_and_tell", "attend", "tuned",
    )  # fmt: skip
    default = "show_and_tell"
    ignores = frozenset(("balance", "augmentation"))
    prediction = Caption
    options: ClassVar[Mapping[str, frozenset[str]]] = {"predict": frozenset({"draw", *OPTIONS})}
    top = 1
    package = "striate.tasks.captions"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.captions.methods import METHODS

        return METHODS

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {kind.kind: kind for kind in (Constant, Neighbors, Describer)}

    def scores(self, answered: Answered, dataset: Dataset[Any], names: tuple[str, ...]) -> Told:
        return scored(answered, dataset)

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Caption:
        return Caption(name, answer)

    def answering(self, predictor: Predictor, options: Mapping[str, Any]) -> Predictor:
        asked = {field: options[name] for name, field in OPTIONS.items() if name in options}
        if not asked:
            return predictor
        if not isinstance(predictor, Describer):
            named = next(name for name in OPTIONS if name in options)
            why = (
                "how an export searches is part of its graph"
                if isinstance(predictor, ExportedPredictor)
                else f"{predictor.kind} finds no words by itself"
            )
            raise UserError(f"--{named}: {why}; leave it out")
        if "width" in asked:
            asked.setdefault("how", "beam")
        if "temperature" in asked:
            asked.setdefault("how", "sample")
        for field, how in (("width", "beam"), ("temperature", "sample")):
            if field in asked and asked["how"] != how:
                raise UserError(f"--{field}: only with --search {how}; leave it out")
        return predictor.searching(searched(asked, predictor.search))

    def draw(
        self, pixels: NDArray[np.uint8], prediction: Prediction, names: tuple[str, ...]
    ) -> "Image":
        """The picture with its sentence below, and where there are any a map for each word."""
        from striate.tasks.captions.drawing import drawn

        assert isinstance(prediction, Caption)
        return drawn(pixels, prediction)

    @property
    def marks(self) -> "Callable[[Dataset[Any], int, Any], Image | None]":
        from striate.tasks.captions.drawing import marked

        return marked

    def response(self, answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        """The sentence as Clarifai has it, `{"text": {"raw": ...}}`; with others, where more than
        one is wanted, beside it."""
        others = [sentence_of(list(words)) for words, _ in answer.others[: wanted.most - 1]]
        return {"text": {"raw": sentence_of(list(answer.words))}, "others": others}

    def explanation(
        self, predictor: Predictor, names: tuple[str, ...], item: str, name: str | None,
        method: str, at: tuple[float, ...] = (),
    ) -> "Explanation | None":  # fmt: skip
        from striate.tasks.captions.explaining import explanation

        self.no_place(at)
        return explanation(predictor, item, name, method)

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.captions.sections import sections

        return sections(comparison)

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        return card.sections(recognizer.predictor)

    def exported(
        self, runtime: "Runtime", header: dict[str, Any], names: tuple[str, ...]
    ) -> "ExportedDescriber":
        from striate.tasks.captions.exported import ExportedDescriber

        return ExportedDescriber(runtime, header)
