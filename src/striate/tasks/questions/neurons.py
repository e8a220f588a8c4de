"""Ask Your Neurons with its words, its answers and, where it looks, what it sees by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.inference import evaluating
from striate.inference.devices import device_of
from striate.inference.program import Graph
from striate.models.ask_your_neurons import AskYourNeurons
from striate.models.skeletons import skeleton
from striate.tasks.pictures.predictor import same_kinds
from striate.tasks.questions.choosing import Chooser, chooser_parts
from striate.tasks.questions.eyes import below, size_of, under
from striate.tasks.questions.inputs import Prepared
from striate.texts import Vocabulary

WORDS, HEAD = "words.", "head."  # before the names of tensors in a file
TOGETHER = 128  # questions that are read at a time
MOST = 100_000  # of any size in a header


@dataclass(eq=False, kw_only=True)
class Neurons(Chooser):
    """A network that answers, and what it sees by; None where it is blind."""

    kind: ClassVar[str] = "neurons"
    words: Vocabulary
    head: AskYourNeurons

    @property
    def decisive(self) -> int:
        return sum(tensor.numel() for tensor in self.head.state_dict().values())

    def unknown(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word for word in words if word not in self.words.index))

    def logits(self, batch: Sequence[Prepared]) -> Tensor:
        features = torch.zeros(len(batch), 0) if self.eye is None else self.eye(batch)
        return answered(self.head, features, [self.words.numbered(one.words) for one in batch])

    def decision(self, words: Sequence[str]) -> nn.Module:
        return About(self.head, torch.from_numpy(self.words.numbered(words)))

    def to(self, device: str) -> None:
        super().to(device)
        self.head.to(device)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.questions.exported import Choice, graph_of

        return graph_of(
            self, Choice(self), called="words", single=single, formats=("onnx", "openvino"),
            lists={"words": self.words.words, "answers": self.answers.words},
        )  # fmt: skip

    def tensors(self) -> dict[str, Tensor]:
        return {
            **super().tensors(),
            **under(self.words.tensors(), WORDS),
            **under(self.head.state_dict(), HEAD),
        }

    def header(self) -> dict[str, Any]:
        sizes = {
            "size": self.head.vectors.embedding_dim,
            "hidden": self.head.lstm.hidden_size,
        }
        return {**super().header(), "head": sizes}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        parts = chooser_parts(tensors, header)
        words = Vocabulary.restored(below(tensors, WORDS))
        sizes = {name: size_of(header["head"][name], MOST) for name in ("size", "hidden")}
        features = 0 if parts["eye"] is None else parts["eye"].network.size
        with skeleton():
            head = AskYourNeurons(
                len(words), len(parts["answers"].words), features=features, **sizes
            )
        state = below(tensors, HEAD)
        same_kinds(head.state_dict(), state)
        head.load_state_dict(state, assign=True)
        return cls(**parts, words=words, head=head.eval())


class About(nn.Module):
    """What is seen (N, F) to logits (N, answers) of one question, numbers of words (L,)."""

    words: Tensor

    def __init__(self, head: AskYourNeurons, words: Tensor):
        super().__init__()
        self.head = head
        self.register_buffer("words", words[None])

    def forward(self, features: Tensor) -> Tensor:
        return self.head.about(features, self.words)


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
