"""A bag of words and a linear classifier: what `bow` deploys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from striate.handcrafted.bag_of_words import BagOfWords
from striate.tasks.contract import Input, Predictor
from striate.tasks.labels.answers import Answer
from striate.tasks.labels.calibration import Calibration
from striate.tasks.text.reading import words_of
from striate.texts import Tokenizer
from striate.texts.packing import packed, unpacked


@dataclass(eq=False, kw_only=True)
class Bag(Predictor):
    """Texts to calibrated probabilities.

    Attributes:
        weight, bias: (classes, V) and (classes,), float32.
    """

    kind: ClassVar[str] = "bag_of_words"
    tokenizer: Tokenizer
    bag: BagOfWords
    weight: Tensor
    bias: Tensor
    calibration: Calibration = field(default_factory=Calibration)

    @property
    def parameters(self) -> int:
        return self.weight.numel() + self.bias.numel()

    def blank(self, times: int = 1) -> str:
        return "a " * 256 * times

    def prepare(self, item: Input) -> list[str]:
        return words_of(item, self.tokenizer)

    def logits(self, batch: Sequence[Sequence[str]]) -> Tensor:
        """(N, classes) of the words of N texts."""
        rows = self.bag(batch)
        return torch.from_numpy(rows @ self.weight.T.numpy()) + self.bias

    def predict(self, batch: Sequence[Sequence[str]]) -> list[Answer]:
        probabilities = self.calibration(self.logits(batch)).numpy()
        return [Answer(row, bool(row.max() >= self.calibration.threshold)) for row in probabilities]

    def tensors(self) -> dict[str, Tensor]:
        return {
            "weight": self.weight,
            "bias": self.bias,
            "weights of terms": torch.from_numpy(self.bag.weights),
            "terms": packed(self.bag.terms),
        }

    def header(self) -> dict[str, Any]:
        return {
            "tokenizer": self.tokenizer.to_json(),
            "longest": self.bag.longest,
            "weighing": self.bag.weighing,
            "temperature": self.calibration.temperature,
            "threshold": self.calibration.threshold,
        }

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        weight, bias = tensors["weight"], tensors["bias"]
        terms, weights = unpacked(tensors["terms"]), tensors["weights of terms"]
        if weight.shape != (len(names), len(terms)) or bias.shape != (len(names),):
            raise ValueError(f"its weights are {tuple(weight.shape)} for {len(terms)} terms")
        if not all(bool(each.isfinite().all()) for each in (weight, bias, weights)):
            raise ValueError("its weights are not finite")
        longest, weighing = header["longest"], header["weighing"]
        if type(longest) is not int or not 0 < longest < 10:
            raise ValueError(f"its n-grams have {longest!r} words")
        if weighing not in ("presence", "tfidf", "nb"):
            raise ValueError(f"its terms are weighed by {weighing!r}")
        return cls(
            tokenizer=Tokenizer.from_json(header["tokenizer"]),
            bag=BagOfWords(terms, longest, weighing, weights.float().numpy().astype(np.float32)),
            weight=weight.float(),
            bias=bias.float(),
            calibration=Calibration(float(header["temperature"]), float(header["threshold"])),
        )
