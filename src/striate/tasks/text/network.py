"""Kim's ConvNet with its words: what the `cnn` methods deploy."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.inference.program import Graph
from striate.models.kim import VARIANTS, Kim
from striate.models.skeletons import skeleton
from striate.tasks.contract import Input, Pool, Predictor
from striate.tasks.labels.answers import Answer
from striate.tasks.labels.calibration import Calibration
from striate.tasks.text.batches import in_parts, logits_of, on
from striate.tasks.text.reading import words_of
from striate.texts import Tokenizer
from striate.texts.packing import packed, unpacked

Numbers = NDArray[np.int64]
Neighbors = tuple[str, tuple[str, ...], tuple[str, ...]]  # a word; its nearest before and after
MOST = 1000  # of those in a file


@dataclass(eq=False, kw_only=True)
class Network(Predictor):
    """Texts to calibrated probabilities.

    Attributes:
        words: (V - 1,) in the order of the network's vectors; vector 0 is of no word.
        neighbors: the nearest words of some, before and after the vectors learned.
    """

    kind: ClassVar[str] = "kim"
    tokenizer: Tokenizer
    words: tuple[str, ...]
    model: Kim
    calibration: Calibration = field(default_factory=Calibration)
    neighbors: tuple[Neighbors, ...] = ()

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each word, from 1."""
        return {word: number for number, word in enumerate(self.words, 1)}

    @property
    def parameters(self) -> int:
        return sum(tensor.numel() for tensor in self.model.state_dict().values())

    def numbered(self, words: Sequence[str]) -> Numbers:
        """The numbers of words (n,); a word that is not known is 0, and speaks for nothing."""
        index = self.index
        return np.array([index.get(word, 0) for word in words], np.int64)

    def blank(self, times: int = 1) -> str:
        return "a " * 256 * times

    def prepare(self, item: Input) -> Numbers:
        return self.numbered(words_of(item, self.tokenizer))

    def predict(self, batch: Sequence[Numbers]) -> list[Answer]:
        probabilities = self.calibration(logits_of(self.model, batch)).numpy()
        least = self.calibration.threshold
        return [Answer(row, bool(row.max() >= least)) for row in probabilities]

    def features(
        self, batch: Sequence[Numbers], *, layer: str | None = None, pool: Pool = "none"
    ) -> NDArray[np.float32]:
        """(N, 300) each filter's rectified maximum over time."""
        from striate.errors import UnknownName
        from striate.inference import evaluating
        from striate.inference.devices import device_of
        from striate.layers.word_convolution import laid

        if layer not in (None, "", "strongest"):
            raise UnknownName("layer", str(layer), ["strongest"])
        found = []
        with evaluating(self.model):
            for some in in_parts(batch):
                texts = on(laid(some, Kim.longest - 1), device_of(self.model))
                found.append(self.model.features(texts)["strongest"].float().cpu())
        return torch.cat(found).numpy()

    def to(self, device: str) -> None:
        self.model.to(device)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.text.exported import graph_of

        return graph_of(self)

    def tensors(self) -> dict[str, Tensor]:
        state = {name: tensor.cpu() for name, tensor in self.model.state_dict().items()}
        return {**state, "words": packed(self.words)}

    def header(self) -> dict[str, Any]:
        return {
            "variant": self.model.variant,
            "tokenizer": self.tokenizer.to_json(),
            "temperature": self.calibration.temperature,
            "threshold": self.calibration.threshold,
            "neighbors": self.neighbors,
        }

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        state = dict(tensors)
        words = unpacked(state.pop("words"))
        vectors = state["vectors"]
        if header["variant"] not in VARIANTS:
            raise ValueError(f"it is a variant {header['variant']!r}")
        if vectors.ndim != 2 or len(vectors) != len(words) + 1:
            raise ValueError(f"it has vectors {tuple(vectors.shape)} for {len(words)} words")
        if not all(bool(each.isfinite().all()) for each in state.values()):
            raise ValueError("its weights are not finite")
        with skeleton():
            model = Kim(torch.empty(vectors.shape), header["variant"], classes=len(names))
        model.load_state_dict(state, assign=True)
        return cls(
            tokenizer=Tokenizer.from_json(header["tokenizer"]),
            words=words,
            model=model.eval(),
            calibration=Calibration(float(header["temperature"]), float(header["threshold"])),
            neighbors=tuple(
                (str(word), tuple(map(str, before)), tuple(map(str, after)))
                for word, before, after in header["neighbors"][:MOST]
            ),
        )
