"""A network with its decoder as one graph, from decoded pixels to sentences, and such a graph run.

The search is part of the graph: greedy, or the beam of the recognizer, as many steps as a sentence
has words at most. What the numbers of words are stands in the file's metadata, and in a list of
words beside it, one a line from number 1 on.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from striate.errors import ModelError, WeightsError
from striate.images.decoding import Picture
from striate.inference.conversion import settled
from striate.inference.program import Graph
from striate.inference.viewing import Viewing
from striate.models import folded
from striate.models.word_decoder import beams
from striate.tasks.captions.answers import Answer
from striate.tasks.pictures.exported import ExportedPicture
from striate.tasks.pictures.graph import ABOUT as ABOUT_PICTURES
from striate.tasks.pictures.graph import WHOLE

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime
    from striate.tasks.captions.describer import Describer

ABOUT = {
    "words": "(N, L) int64, numbers of words, 0 behind the end",
    "score": "(N,) float32, the logarithm of the sentence's probability",
}
BESIDE = ".words.txt"


class Whole(nn.Module):
    """Pictures (N, H, W, 3) RGB uint8 and the box they show to the words of a sentence each."""

    def __init__(self, predictor: "Describer", *, single: bool):
        super().__init__()
        self.preprocessing, self.search = predictor.preprocessing, predictor.search
        view = predictor.preprocessing.view
        self.viewing = Viewing(view, single=single)
        example = torch.zeros(1, view.channels, view.size, view.size)
        self.network = settled(folded(predictor.lower).cpu().eval(), example)
        self.teller = predictor.teller

    def forward(self, image: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.network(self.preprocessing(self.viewing(image, box)))
        decoder, search = self.teller.decoder, self.search
        beam = search.how == "beam"
        numbers, scores = beams(
            decoder.step, decoder.begin(self.teller.features(maps)), mark=decoder.mark,
            longest=search.longest, width=search.width if beam else 1,
            power=search.power if beam else 0.0, traced=True,
        )  # fmt: skip
        words = numbers[:, 0]
        return torch.where(words == decoder.mark, 0, words), scores[:, 0].float()


def graph_of(predictor: "Describer", *, single: bool = False) -> Graph:
    """The graph, and what other runtimes need to know of it.

    Raises:
        ModelError: if sentences are drawn by chance.
    """
    if predictor.search.how == "sample":
        raise ModelError("sentences that are drawn by chance are no graph; take greedy or a beam")
    known = predictor.vocabulary.words
    return Graph(
        Whole(predictor, single=single).eval(),
        examples=(torch.zeros(2, 300, 400, 3, dtype=torch.uint8), WHOLE),
        shapes={"image": {0: "N", 1: "H", 2: "W"}, "box": {}},
        outputs=tuple(ABOUT),
        defaults={"box": WHOLE},
        about={**ABOUT_PICTURES, **ABOUT},
        metadata={"words": list(known)},
        beside={BESIDE: "".join(f"{word}\n" for word in known)},
        formats=("onnx",),
    )


class ExportedDescriber(ExportedPicture):
    """The graph in an exported file."""

    def __init__(self, runtime: "Runtime", about: Mapping[str, Any]):
        from striate.inference.runtimes import Port

        outputs = {"words": Port("int64", (None, None)), "score": Port("float32", (None,))}
        super().__init__(runtime, about, (), outputs)
        self.words = tuple(map(str, about["words"]))

    def predict(self, batch: Sequence[Picture]) -> list[Answer]:
        """One by one, for each has a size of its own.

        Raises:
            WeightsError: if the graph fails, or gives words that there are not.
        """
        return [self._answer(picture) for picture in batch]

    def _answer(self, picture: Picture) -> Answer:
        found = self.runtime.run(self.inputs(picture))
        numbers = [number for number in found["words"][0].tolist() if number]
        if not all(0 < number <= len(self.words) for number in numbers):
            raise WeightsError(f"{self.runtime.path} answers with words that it does not have")
        words = tuple(self.words[number - 1] for number in numbers)
        return Answer(words, float(found["score"][0]))
