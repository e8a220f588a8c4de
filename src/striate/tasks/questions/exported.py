"""Ask Your Neurons as one graph for other runtimes, and such a graph run here.

The graph takes a picture as it was decoded and the numbers of the question's words; what those and
the answers are stands in the file's metadata.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate import images as pictures
from striate.images.decoding import Picture, decode_at, header
from striate.inference import Preprocessing
from striate.inference.conversion import settled
from striate.inference.program import Graph
from striate.inference.viewing import Viewing
from striate.tasks.contract import ExportedPredictor
from striate.tasks.pictures.graph import ABOUT as OF_PICTURES
from striate.tasks.pictures.graph import WHOLE
from striate.tasks.questions.answers import Answer, Said
from striate.tasks.questions.choosing import BLANK, TOP
from striate.tasks.questions.inputs import prepared
from striate.texts import Tokenizer

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime
    from striate.tasks.questions.eyes import Eye
    from striate.tasks.questions.neurons import Neurons

ABOUT = {
    "image": OF_PICTURES["image"].replace("(N,", "(1,"),
    "box": OF_PICTURES["box"],
    "words": "(1, L) int64, numbers of the question's words; 0 for those that are not known",
    "probabilities": "(1, answers) float32, calibrated",
}
ANSWERS, WORDS = ".answers.txt", ".words.txt"


class Whole(nn.Module):
    """A picture (1, H, W, 3) RGB uint8, the box of it that is meant, and words (1, L), to
    probabilities."""

    def __init__(self, neurons: "Neurons", eye: "Eye", *, single: bool = False):
        super().__init__()
        view = eye.preprocessing.view
        self.viewing, self.seen = Viewing(view, single=single), eye.preprocessing
        example = torch.zeros(1, view.channels, view.size, view.size)
        self.eye = settled(eye.network.cpu().eval(), example)
        self.head, self.calibration = neurons.head.cpu().eval(), neurons.calibration

    def forward(self, image: Tensor, box: Tensor, words: Tensor) -> Tensor:
        features = self.eye(self.seen(self.viewing(image, box)))
        return self.calibration(self.head.about(features, words))


def graph_of(neurons: "Neurons", eye: "Eye", *, single: bool = False) -> Graph:
    """The graph, and what other runtimes need to know of it."""
    words, answers = neurons.words.words, neurons.answers.words
    return Graph(
        Whole(neurons, eye, single=single).eval(),
        examples=(
            torch.zeros(1, 300, 400, 3, dtype=torch.uint8),
            WHOLE,
            torch.zeros(1, 7, dtype=torch.int64),
        ),
        shapes={"image": {1: "H", 2: "W"}, "box": {}, "words": {1: "L"}},
        outputs=("probabilities",),
        defaults={"box": WHOLE},
        about=ABOUT,
        metadata={"words": list(words), "answers": list(answers)},
        beside={
            WORDS: "".join(f"{word}\n" for word in words),
            ANSWERS: "".join(f"{answer}\n" for answer in answers),
        },
    )


class ExportedQuestions(ExportedPredictor):
    """The graph in an exported file.

    Raises:
        WeightsError, LookupError, TypeError, ValueError: if the graph is of another form, or does
            not belong to these metadata.
    """

    def __init__(self, runtime: "Runtime", about: Mapping[str, Any]):
        from striate.inference.runtimes import Port

        super().__init__(runtime)
        self.tokenizer = Tokenizer.from_json(about["tokenizer"])
        self.index = {str(word): number for number, word in enumerate(about["words"], 1)}
        self.answers = tuple(map(str, about["answers"]))
        self.seen = Preprocessing.from_json(about["eye"]["preprocessing"])
        self.size = self.seen.view.size
        runtime.require(
            {
                "image": Port("uint8", (None, None, None, 3)),
                "box": Port("float32", (4,)),
                "words": Port("int64", (None, None)),
            },
            {"probabilities": Port("float32", (None, len(self.answers)))},
        )

    def rehearsed(self, times: int = 1) -> Any:
        return self.prepare((self.blank(times), BLANK))

    def prepare(self, item: Any) -> tuple[str, tuple[str, ...], Picture]:
        """The question, its words, and the picture's pixels with the box of them that is meant."""
        one = prepared(item, self.tokenizer, None)
        picture, view = item[0], self.seen.view
        if not isinstance(picture, np.ndarray):
            data = picture if isinstance(picture, bytes) else pictures.load(picture)
            return (
                one.question,
                one.words,
                decode_at(data, view.scale(header(data)), bits=view.bits),
            )
        pixels = pictures.to_rgb(picture)
        whole = Picture(pixels, (0, 0, pixels.shape[1], pixels.shape[0]))
        return one.question, one.words, whole

    def inputs(self, prepared: Any) -> dict[str, NDArray[Any]]:
        _, words, picture = prepared
        return {
            "image": picture.pixels[None],
            "box": np.array(picture.box, np.float32),
            "words": np.array([[self.index.get(word, 0) for word in words]], np.int64),
        }

    def predict(self, batch: Sequence[Any]) -> list[Answer]:
        """One by one, for each has a size of its own."""
        return [self._answer(one) for one in batch]

    def _answer(self, one: Any) -> Answer:
        values = self.runtime.run(self.inputs(one))["probabilities"][0]
        best = np.argsort(-values, kind="stable")[:TOP].tolist()
        unknown = tuple(dict.fromkeys(word for word in one[1] if word not in self.index))
        return Answer(
            one[0], tuple(Said(self.answers[k], float(values[k])) for k in best), True, unknown
        )
