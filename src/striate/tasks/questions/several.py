"""Ask Your Neurons with answers of several words, one after another (Malinowski et al. 2015,
Section 3.1): one LSTM reads the question and then gives the answer, shown the picture throughout.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.questions import SEPARATOR
from striate.inference import Preprocessing, evaluating
from striate.inference.devices import device_of
from striate.inference.program import Graph
from striate.models.skeletons import skeleton
from striate.models.word_decoder import State, WordDecoder, Words, beam
from striate.tasks.contract import Predictor
from striate.tasks.pictures.predictor import same_kinds
from striate.tasks.questions.answers import Answer, Said
from striate.tasks.questions.choosing import BLANK, EYE, TOP
from striate.tasks.questions.eyes import Eye, below, size_of, under
from striate.tasks.questions.inputs import Prepared, prepared
from striate.tasks.questions.neurons import HEAD, MOST, WORDS, laid
from striate.texts import Tokenizer, Vocabulary

LONGEST = 7  # words of an answer; DAQUAR's longest
TOGETHER = 64  # questions that are answered at a time


@dataclass(eq=False, kw_only=True)
class Several(Predictor):
    """Words of questions and of answers are of one vocabulary."""

    kind: ClassVar[str] = "several"
    tokenizer: Tokenizer
    words: Vocabulary
    decoder: WordDecoder
    eye: Eye
    size: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.size = self.eye.preprocessing.view.size

    @property
    def preprocessing(self) -> Preprocessing:
        """Of the picture."""
        return self.eye.preprocessing

    @property
    def parameters(self) -> int:
        own = sum(tensor.numel() for tensor in self.decoder.state_dict().values())
        return own + self.eye.parameters

    def rehearsed(self, times: int = 1) -> Prepared:
        return self.prepare((self.blank(times), BLANK))

    def prepare(self, item: Any) -> Prepared:
        return prepared(item, self.tokenizer, self.preprocessing)

    def predict(self, batch: Sequence[Prepared]) -> list[Answer]:
        questions = [self.words.numbered(one.words) for one in batch]
        found = told(self.decoder, self.eye(batch), questions)
        return [
            Answer(
                one.question,
                said(some, self.words.words),
                True,
                tuple(dict.fromkeys(w for w in one.words if w not in self.words.index)),
            )
            for one, some in zip(batch, found, strict=True)
        ]

    def to(self, device: str) -> None:
        self.decoder.to(device)
        self.eye.network.to(device)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.questions.exported import Telling, graph_of

        return graph_of(
            self, Telling(self.decoder), called="words", lists={"words": self.words.words},
            formats=("onnx",), single=single,
        )  # fmt: skip

    def tensors(self) -> dict[str, Tensor]:
        return {
            **under(self.words.tensors(), WORDS),
            **under(self.decoder.state_dict(), HEAD),
            **under(self.eye.network.state_dict(), EYE),
        }

    def header(self) -> dict[str, Any]:
        return {
            "tokenizer": self.tokenizer.to_json(),
            "size": self.decoder.vectors.embedding_dim,
            "hidden": self.decoder.hidden,
            "eye": self.eye.header(),
        }

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        words = Vocabulary.restored(below(tensors, WORDS))
        eye = Eye.restored(below(tensors, EYE), header["eye"])
        size, hidden = (size_of(header[name], MOST) for name in ("size", "hidden"))
        with skeleton():
            decoder = WordDecoder(
                len(words), eye.network.size, image="every", size=size, hidden=hidden
            )
        state = below(tensors, HEAD)
        same_kinds(decoder.state_dict(), state)
        decoder.load_state_dict(state, assign=True)
        tokenizer = Tokenizer.from_json(header["tokenizer"])
        return cls(tokenizer=tokenizer, words=words, decoder=decoder.eval(), eye=eye)


def said(found: Sequence[Words], words: Sequence[str]) -> tuple[Said, ...]:
    """Sentences of a beam as answers: their words as a set; answers that are the same are one. That
    without a word is none, unless there is no other."""
    sums: dict[str, float] = {}
    for one in found:
        items = sorted({words[number - 1] for number in one.numbers if number})
        text = SEPARATOR.join(items)
        sums[text] = sums.get(text, 0.0) + math.exp(one.score)
    some = sorted(sums.items(), key=lambda pair: (not pair[0], -pair[1]))[:TOP]
    return tuple(Said(text, min(1.0, share)) for text, share in some)


def told(
    decoder: WordDecoder, features: Tensor, questions: Sequence[NDArray[np.int64]],
    *, width: int = TOP,
) -> list[list[Words]]:  # fmt: skip
    """What is answered to N questions about features (N, F): a few answers each, the best first.

    Args:
        width: of the beam.
    """
    found: list[list[Words]] = []
    device = device_of(decoder)
    with evaluating(decoder):
        for first in range(0, len(questions), TOGETHER):
            words, lengths = (each.to(device) for each in laid(questions[first : first + TOGETHER]))
            state = decoder.begin(features[first : first + TOGETHER].to(device))
            for place in range(words.shape[1]):
                after = decoder.read(words[:, place], state)
                here = (place < lengths)[:, None]
                state = State(
                    torch.where(here, after.hidden, state.hidden),
                    torch.where(here, after.cell, state.cell),
                    state.image,
                )
            found += beam(decoder.step, state, mark=decoder.mark, longest=LONGEST, width=width)
    return found
