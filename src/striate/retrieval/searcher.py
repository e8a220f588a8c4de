"""Pictures in, what is like them out: an index and the network it was made with."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.inference.reading import Input, Named
from striate.retrieval.approximate import Approximate
from striate.retrieval.building import recognizer_of
from striate.retrieval.describing import Describer
from striate.retrieval.expansion import Expansion
from striate.retrieval.index import Index
from striate.retrieval.searching import Nearest, search
from striate.retrieval.whitening import finished


class Hit(NamedTuple):
    """A picture of the index."""

    name: str
    path: str
    score: float  # the cosine


@dataclass(frozen=True)
class Hits:
    """What was found for one picture, most alike first, or why it could not be read."""

    name: str
    found: tuple[Hit, ...] = ()
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """`{"path", "found": [{"name", "path", "score"}]}`, or `{"path", "error"}`."""
        if self.error is not None:
            return {"path": self.name, "error": self.error}
        return {"path": self.name, "found": [hit._asdict() for hit in self.found]}


class Searcher:
    """Searches an index by picture.

    Args:
        model: where the network's file is now, if it was moved.
        expansion: of queries; None for none.
        approximate: whether faiss proposes what is compared (`Approximate`).

    Raises:
        UserError: if the network is not to be had, or has changed.
    """

    def __init__(
        self,
        index: Index,
        *,
        model: str | None = None,
        expansion: Expansion | None = None,
        approximate: bool = False,
        device: str = "auto",
    ):
        self.index, self.expansion = index, expansion
        self.approximate = Approximate(index) if approximate else None
        self.recognizer = recognizer_of(index.header, model=model, device=device)
        self.describer = Describer(self.recognizer, index.header.description)

    def search(
        self, inputs: Iterable[Input | Named], *, top: int = 10, batch_size: int = 32
    ) -> Iterator[Hits]:
        """What is like each of them, in order of the batches; what cannot be read is named."""
        for names, vectors, broken in self.describer.each(inputs, batch_size=batch_size):
            for name, error in broken:
                yield Hits(name, error=str(error))
            if names:
                queries = finished(vectors, self.index.whitening).numpy()
                yield from self.hits(names, self.nearest(queries, top))

    def nearest(
        self,
        queries: NDArray[np.float32],
        top: int,
        *,
        index: Index | None = None,
        expansion: Expansion | None = None,
    ) -> Nearest:
        """Rows of the index for vectors (Q, D) of length 1, expanded where that was asked.

        Args:
            index: another state of the same one.
            expansion: instead of the searcher's.
        """
        index, expansion = index or self.index, expansion or self.expansion
        if expansion:
            first = self._search(index, queries, expansion.pictures)
            queries = expansion.expanded(index.vectors, queries, first)
        return self._search(index, queries, top)

    def _search(self, index: Index, queries: NDArray[np.float32], top: int) -> Nearest:
        if self.approximate:
            return self.approximate.search(queries, top)
        return search(index.vectors, queries, top, removed=index.removed)

    def hits(
        self, names: Iterable[str], nearest: Nearest, *, index: Index | None = None
    ) -> Iterator[Hits]:
        """Rows with their names; those of an approximate search that found fewer are left out."""
        index = index or self.index
        for name, scores, rows in zip(names, *nearest, strict=True):
            found = tuple(
                Hit(index.names[row], str(index.place(row)), float(score))
                for row, score in zip(rows.tolist(), scores, strict=True)
                if row >= 0
            )
            yield Hits(name, found)
