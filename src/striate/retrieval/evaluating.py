"""How good an index is at finding what belongs together: mean average precision."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate import images
from striate.errors import DataError, ImageError
from striate.evaluation.resampling import bootstrap, bootstrap_mean
from striate.evaluation.retrieval import average_precision_of
from striate.progress import stage
from striate.retrieval.expansion import Expansion
from striate.retrieval.index import Index
from striate.retrieval.searcher import Searcher
from striate.retrieval.searching import Nearest, products
from striate.retrieval.truth import Truth, Wanted, read_truth
from striate.retrieval.whitening import finished

MOST = 5000  # queries; of more, so many are drawn
SEED = 0
TOGETHER = 2**26  # cosines that are in memory at a time


@dataclass(frozen=True, eq=False)
class Retrieved:
    """How well each query was answered.

    Attributes:
        names: of the queries.
        precision: the average precision of each (Q,).
        first: whether the first picture was right (Q,).
        notes: what a person should know of the numbers.
    """

    names: tuple[str, ...]
    precision: NDArray[np.float64]
    first: NDArray[np.bool_]
    notes: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """The mean average precision."""
        return float(self.precision.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """In which it lies with 95 %, on other queries of the same kind."""
        return bootstrap_mean(self.precision)

    def lead(self, other: "Retrieved") -> tuple[float, tuple[float, float]]:
        """How far it is ahead, on the same queries, with the interval.

        Raises:
            DataError: if those are not the same.
        """
        if self.names != other.names:
            raise DataError("the indexes were asked for different pictures")
        off = self.precision - other.precision
        return float(off.mean()), bootstrap(lambda rows: off[rows].mean(1), len(off))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "mean_average_precision": self.value, "interval": list(self.interval),
            "first_right": float(self.first.mean()), "queries": len(self.names),
            "notes": list(self.notes),
        }  # fmt: skip


def evaluate(
    index: Index,
    truth: str | Truth,
    *,
    expansion: Expansion | None = None,
    model: str | None = None,
    device: str = "auto",
) -> Retrieved:
    """Asks an index for its own pictures, or for parts of them where the truth has boxes.

    What was learned from pictures without marks, the whitening, has seen the queries too.

    Args:
        truth: as `read_truth` takes it.
        expansion: of queries, by what is found beside the picture itself.
        model, device: as `Searcher` takes them, for parts of pictures.

    Raises:
        DataError: if the truth does not fit the index, or a query's picture cannot be read.
    """
    known = read_truth(truth, index) if isinstance(truth, str) else truth
    queries, notes = drawn(known.queries)
    vectors = np.asarray(index.vectors[[one.row for one in queries]], np.float32)
    if any(one.box for one in queries):
        vectors = parts_of(Searcher(index, model=model, device=device), queries)
    precision, first = [], []
    with stage("evaluate", len(queries)) as bar:
        for some, scores in all_scores(index, queries, vectors, expansion):
            for one, row in zip(some, scores, strict=True):
                order = np.argsort(-row, kind="stable")
                order = order[row[order] > -np.inf]
                right = np.isin(order, list(one.positives))
                precision.append(average_precision_of(right, len(one.positives), area=known.area))
                first.append(bool(len(right) and right[0]))
            bar.advance(len(some))
    names = tuple(one.name for one in queries)
    return Retrieved(names, np.array(precision), np.array(first), notes)


def drawn(queries: Sequence[Wanted]) -> tuple[Sequence[Wanted], tuple[str, ...]]:
    """At most MOST of them, and a note where there were more."""
    if len(queries) <= MOST:
        return queries, ()
    rows = np.random.default_rng(SEED).choice(len(queries), MOST, replace=False)
    note = f"{MOST:,} of {len(queries):,} pictures were asked for, drawn at random"
    return [queries[row] for row in np.sort(rows).tolist()], (note,)


def all_scores(
    index: Index,
    queries: Sequence[Wanted],
    vectors: NDArray[np.float32],
    expansion: Expansion | None,
) -> Iterator[tuple[Sequence[Wanted], NDArray[np.float32]]]:
    """Some queries at a time, and their cosines (Q, N) with everything; -inf for rows that are not
    there and for junk."""
    size = max(1, TOGETHER // index.header.rows)
    for start in range(0, len(queries), size):
        some, own = queries[start : start + size], vectors[start : start + size]
        if expansion:
            own = expanded(index, some, own, expansion)
        scores = products(index.vectors, own)
        scores[:, index.removed] = -np.inf
        for one, row in zip(some, scores, strict=True):
            row[list(one.junk)] = -np.inf
        yield some, scores


def expanded(
    index: Index, queries: Sequence[Wanted], vectors: NDArray[np.float32], expansion: Expansion
) -> NDArray[np.float32]:
    """Queries of the second search: nothing is added that is the picture itself."""
    scores = products(index.vectors, vectors)
    scores[:, index.removed] = -np.inf
    scores[np.arange(len(queries)), [one.row for one in queries]] = -np.inf
    rows = np.argsort(-scores, 1, kind="stable")[:, : expansion.pictures]
    return expansion.expanded(
        index.vectors, vectors, Nearest(np.take_along_axis(scores, rows, 1), rows)
    )


def parts_of(searcher: Searcher, queries: Sequence[Wanted]) -> NDArray[np.float32]:
    """The vectors of the parts that are asked for (Q, D).

    Raises:
        DataError: if a picture is not there any more, or a box leaves nothing of it.
    """
    found = []
    for one in queries:
        path = searcher.index.place(one.row)
        try:
            pixels = images.read(path, at_least=None)
        except ImageError as error:
            raise DataError(f"{path}: {error}; it is needed for the query {one.name}") from error
        height, width = pixels.shape[:2]
        left, top, right, bottom = one.box or (0, 0, width, height)
        rows = slice(max(0, round(top)), max(0, round(bottom)))
        part = pixels[rows, max(0, round(left)) : max(0, round(right))]
        if not part.size:
            raise DataError(f"{one.name}: its box leaves nothing of {path}")
        prepared = [searcher.describer.prepare(part)]
        vectors = searcher.describer.vectors(prepared)
        found.append(finished(vectors, searcher.index.whitening).numpy()[0])
    return np.stack(found)


def compared(results: Mapping[str, Retrieved]) -> dict[str, tuple[float, tuple[float, float]]]:
    """How far each is behind the best, paired over the queries; 0 for that one."""
    best = max(results.values(), key=lambda one: one.value)
    return {name: best.lead(one) for name, one in results.items()}
