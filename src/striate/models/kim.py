"""The sentence ConvNet of Kim (2014, "Convolutional Neural Networks for Sentence Classification").

Word vectors, filters over windows of 3, 4 and 5 words, the rectified maximum of each over time,
dropout, one full connection. Three of its variants differ in where the vectors come from and in
whether they learn; the fourth adds a kept copy to the learned one: "each filter is applied to both
channels and the results are added" (Section 2.1).
"""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.layers.word_convolution import Laid, strongest

Variant = Literal["rand", "static", "non_static", "multichannel"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
WINDOWS, MAPS, KEPT = (3, 4, 5), 100, 0.5
NORM = 3.0  # of a row of the full connection, at most; the optimizer holds to it
SMALL = 0.01  # half the range that filters are drawn from, as in Kim's program


class Kim(nn.Module):
    """Texts, laid one after the other (`striate.layers.word_convolution.laid`), to logits.

    Args:
        vectors: (V, D) of the words; row 0 is padding and zeros.
        variant: "static" keeps the vectors; in "multichannel" `kept` stays and `vectors` learns.

    Attributes:
        longest: words of the longest window.
    """

    longest = max(WINDOWS)

    def __init__(self, vectors: Tensor, variant: Variant, *, classes: int):
        super().__init__()
        self.variant = variant
        kept = vectors.clone() if variant == "multichannel" else None
        self.register_buffer("kept", kept)
        if variant == "static":
            self.register_buffer("vectors", vectors)
        else:
            self.vectors = nn.Parameter(vectors)
        size = vectors.shape[1]
        self.filters = nn.ParameterList(
            torch.empty(MAPS, window, size).uniform_(-SMALL, SMALL) for window in WINDOWS
        )
        self.biases = nn.ParameterList(torch.zeros(MAPS) for _ in WINDOWS)
        self.decision = nn.Linear(MAPS * len(WINDOWS), classes)
        nn.init.zeros_(self.decision.weight)
        nn.init.zeros_(self.decision.bias)

    def embedded(self, words: Tensor) -> Tensor:
        """(U, D) what the filters are given of distinct words (U,); its gradient is sparse."""
        vectors: Tensor = self.vectors
        if not isinstance(vectors, nn.Parameter):
            return vectors[words]
        found = F.embedding(words, vectors, sparse=True)
        kept = self.kept
        return found + kept[words] if isinstance(kept, Tensor) else found

    def features(self, texts: Laid) -> dict[str, Tensor]:
        """`words` (U, D), and `strongest` (B, 300): each filter's rectified maximum over time."""
        words = self.embedded(texts.words)
        maxima = [
            F.relu(strongest(words, weight, texts.places, texts.starts) + bias)
            for weight, bias in zip(self.filters, self.biases, strict=True)
        ]
        return {"words": words, "strongest": torch.cat(maxima, 1)}

    def forward(self, texts: Laid) -> Tensor:
        return self.decided(self.features(texts)["strongest"])

    def decided(self, strongest: Tensor) -> Tensor:
        """(B, classes) of features (B, 300).

        In learning each is dropped with one half; in use all are there and the weights are halved
        (Section 2.1), which is not the same as doubling them before, for their norm is bounded.
        """
        if self.training:
            strongest = strongest * torch.bernoulli(torch.full_like(strongest, KEPT))
        else:
            strongest = strongest * KEPT
        return self.decision(strongest)
