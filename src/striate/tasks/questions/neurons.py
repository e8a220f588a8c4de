"""Ask Your Neurons with its words, its answers and, where it looks, the network that sees."""

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
from striate.inference.outputs import outputs_of
from striate.inference.program import Graph
from striate.models.ask_your_neurons import AskYourNeurons
from striate.models.pooled_maps import PooledMaps
from striate.models.skeletons import skeleton
from striate.tasks.pictures.predictor import same_kinds, whole
from striate.tasks.questions.choosing import Chooser, chooser_parts
from striate.tasks.questions.inputs import Prepared
from striate.texts import Vocabulary

WORDS, HEAD, EYE = "words.", "head.", "eye."  # before the names of tensors in a file
TOGETHER = 128  # questions that are read at a time
MOST = 100_000  # of any size in a header


@dataclass(eq=False, kw_only=True)
class Neurons(Chooser):
    """A network that answers, and one that sees; None where it is blind."""

    kind: ClassVar[str] = "neurons"
    words: Vocabulary
    head: AskYourNeurons
    eye: PooledMaps | None = None
    seen: Preprocessing | None = None
    size: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.size = None if self.seen is None else self.seen.view.size

    @property
    def preprocessing(self) -> Preprocessing | None:
        return self.seen

    @property
    def parameters(self) -> int:
        nets = [self.head, *([] if self.eye is None else [self.eye])]
        return sum(tensor.numel() for net in nets for tensor in net.state_dict().values())

    def unknown(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word for word in words if word not in self.words.index))

    def logits(self, batch: Sequence[Prepared]) -> Tensor:
        """Each different picture is seen once, however many questions there are about it."""
        features = torch.zeros(len(batch), 0)
        if self.eye is not None and self.seen is not None:
            keys: dict[bytes, int] = {}
            pixels: list[NDArray[np.uint8]] = []
            places = []
            for one in batch:
                assert one.pixels is not None
                place = keys.setdefault(one.pixels.tobytes(), len(pixels))
                if place == len(pixels):
                    pixels.append(one.pixels)
                places.append(place)
            features = outputs_of(self.eye, self.seen, np.stack(pixels), batch_size=32)[places]
        return answered(self.head, features, [self.words.numbered(one.words) for one in batch])

    def to(self, device: str) -> None:
        self.head.to(device)
        if self.eye is not None:
            self.eye.to(device)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.questions.exported import graph_of

        if self.eye is None:
            raise ModelError("a blind network is only there to compare with; export one that looks")
        return graph_of(self, single=single)

    def tensors(self) -> dict[str, Tensor]:
        found = {
            **super().tensors(),
            **{WORDS + name: tensor for name, tensor in self.words.tensors().items()},
            **{HEAD + name: tensor for name, tensor in self.head.state_dict().items()},
        }
        if self.eye is not None:
            found |= {EYE + name: tensor for name, tensor in self.eye.state_dict().items()}
        return found

    def header(self) -> dict[str, Any]:
        about = {
            "size": self.head.vectors.embedding_dim,
            "hidden": self.head.lstm.hidden_size,
        }
        eye = None
        if self.eye is not None and self.seen is not None:
            eye = {
                "network": self.eye.network,
                "grid": self.eye.grid,
                "preprocessing": self.seen.to_json(),
            }
        return {**super().header(), "head": about, "eye": eye}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        parts = chooser_parts(tensors, header)
        words = Vocabulary.restored(_taken(tensors, WORDS))
        eye, seen, about = None, None, header["eye"]
        if about is not None:
            seen = Preprocessing.from_json(about["preprocessing"])
            with skeleton():
                eye = PooledMaps(str(about["network"]), grid=_size(about["grid"], 16))
            state = _taken(tensors, EYE)
            same_kinds(eye.state_dict(), state)
            eye.load_state_dict(state, assign=True)
            eye.eval()
        sizes = {name: _size(header["head"][name], MOST) for name in ("size", "hidden")}
        with skeleton():
            head = AskYourNeurons(
                len(words), len(parts["answers"].words), features=eye.size if eye else 0, **sizes
            )
        state = _taken(tensors, HEAD)
        same_kinds(head.state_dict(), state)
        head.load_state_dict(state, assign=True)
        return cls(**parts, words=words, head=head.eval(), eye=eye, seen=seen)


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


def _taken(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin so, without that; they are taken out."""
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


def _size(value: object, most: int) -> int:
    found = whole(value)
    if not 0 < found <= most:
        raise ValueError(f"it has a size of {found}")
    return found
