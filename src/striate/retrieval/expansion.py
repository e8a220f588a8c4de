"""Query expansion: a second search, for the sum of the query and what was found first."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from striate.retrieval.searching import Nearest, search

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Expansion:
    """Average query expansion (Chum et al. 2007) and its weighted form (Radenovic et al. 2018,
    Section 5.2).

    Attributes:
        pictures: found first, that are added to the query.
        alpha: each with its cosine to that power; 0 adds all alike.

    Raises:
        ValueError: if there are none, or alpha is negative.
    """

    pictures: int = 5
    alpha: float = 3.0

    def __post_init__(self) -> None:
        if self.pictures < 1:
            raise ValueError(f"pictures must be 1 or more, not {self.pictures}")
        if not 0 <= self.alpha <= 100:
            raise ValueError(f"alpha must be in [0, 100], not {self.alpha}")

    def __call__(
        self,
        vectors: NDArray[np.float16],
        queries: Vectors,
        *,
        removed: NDArray[np.int64] | None = None,
    ) -> Vectors:
        """The queries (Q, D) of the second search, of length 1."""
        return self.expanded(
            vectors, queries, search(vectors, queries, self.pictures, removed=removed)
        )

    def expanded(self, vectors: NDArray[np.float16], queries: Vectors, first: Nearest) -> Vectors:
        """The same, from what the first search found (Q, at least `pictures`)."""
        scores, rows = first.scores[:, : self.pictures], first.rows[:, : self.pictures]
        weights = np.maximum(scores, 0) ** np.float32(self.alpha)
        added = np.einsum("qk,qkd->qd", weights, vectors[rows].astype(np.float32))
        total = queries + added
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
