"""One sentence for every picture: what any other method has to be better than."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor

from striate import images as pictures
from striate.tasks.captions.answers import Answer, Words
from striate.tasks.contract import Input, Predictor
from striate.texts.packing import packed, unpacked


@dataclass(eq=False, kw_only=True)
class Constant(Predictor):
    """A sentence, whatever the picture."""

    kind: ClassVar[str] = "constant_caption"
    words: Words

    @property
    def parameters(self) -> int:
        return 0

    def prepare(self, item: Input) -> None:
        """Nothing of a picture that can be read."""
        if isinstance(item, str | os.PathLike):
            item = pictures.load(item)
        if isinstance(item, bytes):
            pictures.decode(item)
        else:
            pictures.to_rgb(np.asarray(item))

    def predict(self, batch: Sequence[None]) -> list[Answer]:
        return [Answer(self.words)] * len(batch)

    def tensors(self) -> dict[str, Tensor]:
        return {"sentence": packed([" ".join(self.words)])}

    def header(self) -> dict[str, Any]:
        return {}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        (sentence,) = unpacked(tensors["sentence"])
        return cls(words=tuple(sentence.split()))
