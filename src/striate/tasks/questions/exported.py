"""What answers questions as one graph, from decoded pixels and numbers of words to answers, and
such a graph run here.

What the numbers are stands in the file's metadata, and in lists beside it, one a line from number 1
on (of a bag of words: from number 0).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import WeightsError
from striate.handcrafted.bag_of_words import ngrams
from striate.images.decoding import Picture
from striate.inference import Preprocessing
from striate.inference.conversion import settled
from striate.inference.program import Graph
from striate.inference.viewing import Viewing
from striate.models import word_decoder
from striate.models.word_decoder import State, WordDecoder, beams
from striate.tasks.contract import ExportedPredictor
from striate.tasks.pictures.exported import decoded
from striate.tasks.pictures.graph import ABOUT as ABOUT_PICTURES
from striate.tasks.pictures.graph import WHOLE
from striate.tasks.questions.answers import Answer
from striate.tasks.questions.bag import seen
from striate.tasks.questions.choosing import BLANK, TOP, best
from striate.tasks.questions.eyes import Eye
from striate.tasks.questions.inputs import parted
from striate.tasks.questions.operators import read_through, translations
from striate.tasks.questions.several import LONGEST, said
from striate.texts import Tokenizer

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime
    from striate.tasks.questions.bag import Bag
    from striate.tasks.questions.neurons import Neurons
    from striate.tasks.questions.several import Several

NUMBERS = "(N, L) int64, numbers of the question's {}, -1 behind the end"
CHOSEN = {"probabilities": "(N, answers) float32, calibrated"}
GIVEN = {
    "answer": "(N, K, L) int64, the K best answers, numbers of their words, 0 behind the end",
    "score": "(N, K) float32, the logarithm of the probability of each",
}
NOTHING = -1  # behind the end of a question


class Whole(nn.Module):
    """Numbers (N, L), pictures (N, H, W, 3) RGB uint8 and the box they show to answers.

    Args:
        head: numbers (N, L) and features (N, F) to what is answered.
        eye: None where no picture is looked at; then the numbers are all that is taken.
        single: for a runtime that knows no double precision, OpenVINO.
    """

    def __init__(self, head: nn.Module, eye: Eye | None, *, single: bool):
        super().__init__()
        self.head, self.preprocessing = head, None
        if eye is not None:
            self.preprocessing = eye.preprocessing
            view = eye.preprocessing.view
            self.viewing = Viewing(view, single=single)
            example = torch.zeros(1, view.channels, view.size, view.size)
            self.network = settled(eye.network.cpu().eval(), example)

    def forward(
        self, numbers: Tensor, image: Tensor | None = None, box: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        if self.preprocessing is None:
            features = torch.zeros(numbers.shape[0], 0)
        else:
            features = self.network(self.preprocessing(self.viewing(image, box)))
        found: tuple[Tensor, ...] = self.head(numbers, features)
        return found


class Numbered(NamedTuple):
    """Numbers (N, L) that can be looked up, how many of them count (N,), and which (N, L)."""

    numbers: Tensor
    lengths: Tensor
    there: Tensor


def words_in(numbers: Tensor) -> Numbered:
    """Those in front of the end."""
    there = numbers != NOTHING
    return Numbered(numbers.clamp(min=0), there.sum(1), there)


class Choice(nn.Module):
    """Ask Your Neurons, to probabilities (N, answers)."""

    def __init__(self, neurons: "Neurons"):
        super().__init__()
        self.head, self.calibration = neurons.head.cpu(), neurons.calibration

    def forward(self, numbers: Tensor, features: Tensor) -> tuple[Tensor]:
        words, head = words_in(numbers), self.head
        state, _ = through(head.lstm, "_l0", head.read(features, words.numbers), words.lengths)
        summed = head.sum_of(words.numbers, words.there)
        return (self.calibration(head.decided(state, summed)),)


class Counting(nn.Module):
    """A bag of words, to probabilities (N, answers); the counts of terms are never written out."""

    weights: Tensor
    words: Tensor
    seen: Tensor
    bias: Tensor
    axes: Tensor

    def __init__(self, bag: "Bag"):
        super().__init__()
        terms = len(bag.bag.terms)
        self.register_buffer("weights", torch.from_numpy(bag.bag.weights))
        self.register_buffer("words", bag.weight[:, :terms].T.contiguous())
        self.register_buffer("seen", bag.weight[:, terms:].T.contiguous())
        self.register_buffer("bias", bag.bias)
        self.register_buffer("axes", bag.axes)
        self.share, self.calibration = bag.share, bag.calibration

    def forward(self, numbers: Tensor, features: Tensor) -> tuple[Tensor]:
        words = words_in(numbers)
        weights = self.weights[words.numbers] * words.there
        # A term that is there n times has n times its weight, in each of its n places.
        same = (words.numbers[:, :, None] == words.numbers[:, None, :]).float()
        lengths = (weights[:, :, None] * same * weights[:, None, :]).sum((1, 2)).sqrt()
        logits = (self.words[words.numbers] * weights[:, :, None]).sum(1)
        logits = logits / lengths.clamp(min=1e-12)[:, None] + self.bias
        if len(self.axes):
            logits = logits + seen(features, self.axes, self.share) @ self.seen
        return (self.calibration(logits),)


class Telling(nn.Module):
    """Ask Your Neurons word by word, to the words and scores of a beam."""

    def __init__(self, decoder: WordDecoder):
        super().__init__()
        self.decoder = decoder.cpu()

    def forward(self, numbers: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        words, decoder = words_in(numbers), self.decoder
        begun = decoder.begin(features)
        beside = begun.image[:, None].expand(-1, words.numbers.shape[1], -1)
        read = torch.cat([decoder.vectors(words.numbers), beside], 2)
        hidden, cell = through(decoder.lstm, "", read, words.lengths)
        found, scores = beams(
            decoder.step, State(hidden, cell, begun.image), mark=decoder.mark, longest=LONGEST,
            width=TOP, power=0.0, traced=True,
        )  # fmt: skip
        return torch.where(found == decoder.mark, 0, found), scores.float()


def through(
    lstm: nn.LSTM | nn.LSTMCell, ending: str, read: Tensor, lengths: Tensor
) -> tuple[Tensor, Tensor]:
    """States of an LSTM behind the end of what is read (N, T, I).

    Args:
        ending: of the names of its weights.
    """
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = (lstm.get_parameter(name + ending) for name in names)
    found: tuple[Tensor, Tensor] = read_through(read, lengths, *weights, lstm.hidden_size)
    return found


def graph_of(
    predictor: "Neurons | Bag | Several", head: nn.Module, *, called: str,
    lists: Mapping[str, Sequence[str]], formats: tuple[str, ...], single: bool,
) -> Graph:  # fmt: skip
    """The graph, and what other runtimes need to know of it.

    Args:
        head: numbers and features to what is answered.
        called: what the numbers are of: "words" or "terms".
        lists: names by the endings of the files that tell them.
    """
    looks = predictor.eye is not None
    about = {called: NUMBERS.format("words" if called == "words" else "words and runs of words")}
    outputs = GIVEN if isinstance(head, Telling) else CHOSEN
    numbers = torch.tensor([[1, 1, NOTHING], [1, 1, 1]])
    picture = torch.zeros(2, 300, 400, 3, dtype=torch.uint8)
    shapes: dict[str, dict[int, str]] = {called: {0: "N", 1: "L"}}
    if looks:
        shapes |= {"image": {0: "N", 1: "H", 2: "W"}, "box": {}}
    return Graph(
        Whole(head, predictor.eye, single=single).eval(),
        examples=(numbers, picture, WHOLE) if looks else (numbers,),
        shapes=shapes,
        outputs=tuple(outputs),
        defaults={"box": WHOLE} if looks else {},
        about={**about, **(ABOUT_PICTURES if looks else {}), **outputs},
        translations=translations,
        metadata={"called": called, **{name: list(some) for name, some in lists.items()}},
        beside={f".{name}.txt": "".join(f"{one}\n" for one in some)
                for name, some in lists.items()},
        formats=formats,
    )  # fmt: skip


@dataclass(frozen=True)
class Decoded:
    """A question, its words, and the picture as the graph takes it."""

    question: str
    words: tuple[str, ...]
    picture: Picture | None


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
        self.called = str(about["called"])
        self.known = tuple(map(str, about[self.called]))
        self.longest = int(about["longest"]) if self.called == "terms" else 1
        start = 0 if self.called == "terms" else 1
        self.index = {word: number for number, word in enumerate(self.known, start)}
        eye = about["eye"]
        self.preprocessing = None if eye is None else Preprocessing.from_json(eye["preprocessing"])
        self.size = None if self.preprocessing is None else self.preprocessing.view.size
        taken = {self.called: Port("int64", (None, None))}
        if self.preprocessing is not None:
            taken |= {"image": Port("uint8", (None, None, None, 3)), "box": Port("float32", (4,))}
        self.answers = tuple(map(str, about.get("answers", ())))
        if self.answers:
            given = {"probabilities": Port("float32", (None, len(self.answers)))}
        else:
            given = {
                "answer": Port("int64", (None, None, None)),
                "score": Port("float32", (None, None)),
            }
        runtime.require(taken, given)

    def rehearsed(self, times: int = 1) -> Decoded:
        return self.prepare((self.blank(times), BLANK))

    def prepare(self, item: Any) -> Decoded:
        picture, question, words = parted(item, self.tokenizer)
        view = None if self.preprocessing is None else self.preprocessing.view
        return Decoded(question, words, None if view is None else decoded(picture, view))

    def inputs(self, prepared: Decoded) -> dict[str, NDArray[Any]]:
        if self.called == "terms":
            known = [self.index[t] for t in ngrams(prepared.words, self.longest) if t in self.index]
        else:
            known = [self.index.get(word, 0) for word in prepared.words]
        numbers = np.array([known or [NOTHING]], np.int64)
        if prepared.picture is None:
            return {self.called: numbers}
        box = np.array(prepared.picture.box, np.float32)
        return {self.called: numbers, "image": prepared.picture.pixels[None], "box": box}

    def predict(self, batch: Sequence[Decoded]) -> list[Answer]:
        """One by one, for each has sizes of its own.

        Raises:
            WeightsError: if the graph fails, or gives words that there are not.
        """
        return [self._answer(one) for one in batch]

    def _answer(self, one: Decoded) -> Answer:
        found = self.runtime.run(self.inputs(one))
        if self.answers:
            some = best(torch.from_numpy(found["probabilities"]), self.answers)[0]
        else:
            rows = [
                word_decoder.Words(tuple(k for k in row if k), score)
                for row, score in zip(
                    found["answer"][0].tolist(), found["score"][0].tolist(), strict=True
                )
                if score > -np.inf
            ]
            if not all(0 < k <= len(self.known) for row in rows for k in row.numbers):
                raise WeightsError(f"{self.runtime.path} answers with words that it does not have")
            some = said(rows, self.known)
        strange = tuple(dict.fromkeys(word for word in one.words if word not in self.index))
        return Answer(one.question, some, self.preprocessing is not None, strange)
