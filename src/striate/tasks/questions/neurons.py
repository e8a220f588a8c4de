"""Ask Your Neurons with its words, its answers and, where it looks, what it sees by."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import ModelError
from striate.inference import Preprocessing, evaluating
from striate.inference.devices import device_of
from striate.inference.program import Graph
from striate.models.ask_your_neurons import AskYourNeurons
from striate.models.skeletons import skeleton
from striate.tasks.pictures.predictor import same_kinds
from striate.tasks.questions.choosing import Chooser, chooser_parts
from striate.tasks.questions.eyes import Eye, below, size_of, under
from striate.tasks.questions.inputs import Prepared
from striate.texts import Vocabulary

WORDS, HEAD, EYE = "words.", "head.", "eye."  # before the names of tensors in a file
TOGETHER = 128  # questions that are read at a time
MOST = 100_000  # of any size in a header


@dataclass(eq=False, kw_only=True)
class Neurons(Chooser):
    """A network that answers, and what it sees by; None where it is blind."""

    kind: ClassVar[str] = "neurons"
    words: Vocabulary
    head: AskYourNeurons
    eye: Eye | None = None
    size: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.size = None if self.eye is None else self.eye.preprocessing.view.size

    @property
    def preprocessing(self) -> Preprocessing | None:
        return None if self.eye is None else self.eye.preprocessing

    @property
    def parameters(self) -> int:
        own = sum(tensor.numel() for tensor in self.head.state_dict().values())
        return own + (0 if self.eye is None else self.eye.parameters)

    def unknown(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word for word in words if word not in self.words.index))

    def logits(self, batch: Sequence[Prepared]) -> Tensor:
        features = torch.zeros(len(batch), 0) if self.eye is None else self.eye(batch)
        return answered(self.head, features, [self.words.numbered(one.words) for one in batch])

    def to(self, device: str) -> None:
        self.head.to(device)
        if self.eye is not None:
            self.eye.network.to(device)

    def graph(self, *, single: bool = False) -> Graph:
        raise ModelError(
            "its LSTM reads questions of any length, and torch's exporter would fix one; copy the "
            "recognizer's file, which needs nothing else"
        )

    def tensors(self) -> dict[str, Tensor]:
        eye = {} if self.eye is None else self.eye.network.state_dict()
        return {
            **super().tensors(),
            **under(self.words.tensors(), WORDS),
            **under(self.head.state_dict(), HEAD),
            **under(eye, EYE),
        }

    def header(self) -> dict[str, Any]:
        sizes = {
            "size": self.head.vectors.embedding_dim,
            "hidden": self.head.lstm.hidden_size,
        }
        eye = None if self.eye is None else self.eye.header()
        return {**super().header(), "head": sizes, "eye": eye}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        parts = chooser_parts(tensors, header)
        words = Vocabulary.restored(below(tensors, WORDS))
        about = header["eye"]
        eye = None if about is None else Eye.restored(below(tensors, EYE), about)
        sizes = {name: size_of(header["head"][name], MOST) for name in ("size", "hidden")}
        features = 0 if eye is None else eye.network.size
        with skeleton():
            head = AskYourNeurons(
                len(words), len(parts["answers"].words), features=features, **sizes
            )
        state = below(tensors, HEAD)
        same_kinds(head.state_dict(), state)
        head.load_state_dict(state, assign=True)
        return cls(**parts, words=words, head=head.eval(), eye=eye)


def answered(
    head: AskYourNeurons, features: Tensor, questions: Sequence[NDArray[np.int64]]
) -> Tensor:
    """(N, answers) of features (N, F) and the words of N questions, on the CPU."""
    device, parts = device_of(head), []
    with evaluating(head):
        for first in range(0, len(questions), TOGETHER):
            words, lengths = laid(questions[first : first + TOGETHER])
            some = features[first : first + TOGETHER]
            parts.append(head(some.to(device), words.to(device), lengths.to(device)).float().cpu())
    return torch.cat(parts)


def laid(questions: Sequence[NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
    """Words (N, T), zeros behind the end, and how many each question has (N,)."""
    lengths = torch.tensor([len(one) for one in questions])
    words = torch.zeros(len(questions), int(lengths.max()), dtype=torch.int64)
    for row, one in enumerate(questions):
        words[row, : len(one)] = torch.from_numpy(one)
    return words, lengths
