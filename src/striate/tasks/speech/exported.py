"""A graph that was exported, run by another runtime; the words are searched for here."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.audio.features import too_short
from striate.errors import AudioError
from striate.tasks.contract import ExportedPredictor, Input
from striate.tasks.speech.answers import Answer
from striate.tasks.speech.features import samples
from striate.tasks.speech.graph import tensors_of
from striate.tasks.speech.predictors import language_of

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime


class ExportedSpeech(ExportedPredictor):
    """The graph in an exported file.

    Raises:
        WeightsError, LookupError, TypeError, ValueError: if the graph is of another form, or does
            not belong to these metadata.
    """

    largest_batch = 32

    def __init__(self, runtime: "Runtime", about: Mapping[str, Any]):
        from striate.inference.runtimes import Port

        super().__init__(runtime)
        self.filters, self.language = language_of(tensors_of(dict(about)), dict(about))
        states = self.language.lexicon.pdfs
        runtime.require(
            {"samples": Port("float32", (None,))},
            {"scores": Port("float32", (None, states)), "loudness": Port("float32", (None,))},
        )

    def blank(self, times: int = 1) -> NDArray[np.float32]:
        return np.zeros(times * self.filters.rate, np.float32)

    def prepare(self, item: Input) -> NDArray[np.float32]:
        found = samples(item, self.filters.rate)
        if len(found) < self.filters.window:
            raise AudioError(too_short(len(found), self.filters))
        return found

    def inputs(self, prepared: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        return {"samples": prepared}

    def predict(self, batch: Sequence[NDArray[np.float32]]) -> list[Answer]:
        """Scores one by one, for each recording has a length of its own."""
        found = [self.runtime.run(self.inputs(one)) for one in batch]
        return self.language.decode(
            [one["scores"] for one in found], [one["loudness"] for one in found]
        )
