"""Kim's ConvNet as a graph for other runtimes, and such a graph run here.

The graph takes numbers of words. What those are stands in the file's metadata, and in a list of
words beside it, one a line from number 1 on.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.inference.program import Graph
from striate.models.kim import KEPT
from striate.tasks.contract import ExportedPredictor, Input
from striate.tasks.labels.answers import Answer
from striate.tasks.text.reading import words_of
from striate.texts import Tokenizer

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime
    from striate.tasks.text.network import Network

ABOUT = {
    "words": "(N, L) int64, numbers of words; 0 behind the end of a text, and for unknown words",
    "probabilities": "(N, classes) float32, calibrated",
    "label": "(N,) int64, the number of the most probable class",
    "known": '(N,) bool, False for "none of these"',
}
BESIDE = ".words.txt"


class Whole(nn.Module):
    """Numbers of words (N, L) to probabilities, label and whether it is known: plain convolutions,
    which every runtime has."""

    vectors: Tensor

    def __init__(self, network: "Network"):
        super().__init__()
        model = network.model
        vectors = model.vectors.detach().cpu()
        if isinstance(model.kept, Tensor):
            vectors = vectors + model.kept.cpu()
        self.register_buffer("vectors", vectors)
        self.filters = nn.ParameterList(each.detach().transpose(1, 2) for each in model.filters)
        self.biases = nn.ParameterList(each.detach() for each in model.biases)
        self.decision, self.calibration = model.decision, network.calibration
        self.pad = model.longest - 1

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # One zero more than windows reach: a window of padding alone counts for every text.
        x = F.pad(F.embedding(words, self.vectors).transpose(1, 2), (self.pad, self.pad + 1))
        maxima = [
            F.relu(F.conv1d(x, weight, bias).amax(2))
            for weight, bias in zip(self.filters, self.biases, strict=True)
        ]
        probabilities = self.calibration(self.decision(KEPT * torch.cat(maxima, 1)))
        return (
            probabilities,
            probabilities.argmax(1),
            probabilities.amax(1) >= self.calibration.threshold,
        )


def graph_of(network: "Network") -> Graph:
    """The graph, and what other runtimes need to know of it."""
    return Graph(
        Whole(network).eval(),
        examples=(torch.zeros(2, 7, dtype=torch.int64),),
        shapes={"words": {0: "N", 1: "L"}},
        outputs=("probabilities", "label", "known"),
        about=ABOUT,
        metadata={"words": list(network.words)},
        beside={BESIDE: "".join(f"{word}\n" for word in network.words)},
    )


class ExportedText(ExportedPredictor):
    """The graph in an exported file.

    Raises:
        WeightsError, LookupError, TypeError, ValueError: if the graph is of another form, or does
            not belong to these metadata.
    """

    def __init__(self, runtime: "Runtime", about: Mapping[str, Any], names: tuple[str, ...]):
        from striate.inference.runtimes import Port

        super().__init__(runtime)
        self.tokenizer = Tokenizer.from_json(about["tokenizer"])
        self.index = {str(word): number for number, word in enumerate(about["words"], 1)}
        runtime.require(
            {"words": Port("int64", (None, None))},
            {"probabilities": Port("float32", (None, len(names))), "known": Port("bool", (None,))},
        )

    def blank(self, times: int = 1) -> str:
        return "a " * 256 * times

    def prepare(self, item: Input) -> NDArray[np.int64]:
        index = self.index
        return np.array([index.get(w, 0) for w in words_of(item, self.tokenizer)], np.int64)

    def inputs(self, prepared: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        return {"words": prepared[None] if len(prepared) else np.zeros((1, 1), np.int64)}

    def predict(self, batch: Sequence[NDArray[np.int64]]) -> list[Answer]:
        """One by one, for each has a length of its own."""
        found = [self.runtime.run(self.inputs(one)) for one in batch]
        return [Answer(one["probabilities"][0], bool(one["known"][0])) for one in found]
