"""Nearest vectors by cosine: every vector is compared, none is skipped.

Vectors lie on disk as float16. For a few queries the time goes into reading them, which is half of
what float32 would take; for many it goes into the product, which is one of float32 in blocks that
stay in the processor's cache after they were converted.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.progress import stage

BLOCK = 512  # rows that are converted at a time: 2.6 MB of float32 at 1,280 dimensions
PANEL = 32_768  # rows whose scores are kept until they are looked through
FEW = 2  # queries, up to which the product in half precision is the quicker way
QUERIES = 256  # that go through the vectors together
LENGTH = 1.01  # of a vector, at most
HALF = 2.0**-11  # relative error of a number that was rounded to float16
SINGLE = 2.0**-23


class Nearest(NamedTuple):
    """Cosines (Q, K) float32, largest first, and their rows (Q, K); of equal ones the first row."""

    scores: NDArray[np.float32]
    rows: NDArray[np.int64]


def search(
    vectors: NDArray[np.float16],
    queries: NDArray[np.float32],
    top: int,
    *,
    removed: NDArray[np.int64] | None = None,
) -> Nearest:
    """The nearest of vectors (N, D) to queries (Q, D): the `top` largest products of each.

    Args:
        vectors: of length 1, as an index holds them; mapped or in memory.
        removed: rows in order, which are passed over.

    Raises:
        ValueError: if shapes do not fit.
    """
    if vectors.ndim != 2 or queries.ndim != 2 or vectors.shape[1] != queries.shape[1]:
        raise ValueError(f"queries {queries.shape} for vectors {vectors.shape}")
    gone = np.empty(0, np.int64) if removed is None else removed
    top = min(top, len(vectors) - len(gone))
    if top < 1 or not len(queries):
        empty = (len(queries), max(0, top))
        return Nearest(np.empty(empty, np.float32), np.empty(empty, np.int64))
    rows, wanted = torch.from_numpy(vectors), torch.from_numpy(np.ascontiguousarray(queries))
    parts = []
    with stage("search", len(queries)) as bar:
        for first in range(0, len(wanted), QUERIES):
            some = wanted[first : first + QUERIES]
            if len(some) <= FEW:
                parts += [_by_half(rows, one, top, gone) for one in some]
            else:
                parts.append(_by_blocks(rows, some, top, gone))
            bar.advance(len(some))
    return Nearest(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def search_plainly(
    vectors: NDArray[np.float16],
    queries: NDArray[np.float32],
    top: int,
    *,
    removed: NDArray[np.int64] | None = None,
) -> Nearest:
    """The same in three lines, which take all memory: what `search` is tested against."""
    scores = queries @ vectors.astype(np.float32).T
    if removed is not None:
        scores[:, removed] = -np.inf
    top = min(top, len(vectors) - (0 if removed is None else len(removed)))
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :top]
    return Nearest(np.take_along_axis(scores, rows, 1), rows)


def products(vectors: NDArray[np.float16], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """All cosines (Q, N) of queries (Q, D) with vectors (N, D)."""
    rows, columns = torch.from_numpy(vectors), torch.from_numpy(np.ascontiguousarray(queries)).T
    found = torch.empty(len(rows), columns.shape[1])
    for start in range(0, len(rows), BLOCK):
        end = start + BLOCK
        torch.mm(rows[start:end].float(), columns, out=found[start:end])
    return np.ascontiguousarray(found.numpy().T)


def _by_half(rows: Tensor, query: Tensor, top: int, gone: NDArray[np.int64]) -> Nearest:
    """Of one query: products in half precision bound the exact ones, and only those that may be
    among the largest are computed."""
    rounded = query.half()
    rough = torch.mv(rows, rounded).float()
    if len(gone):
        rough[torch.from_numpy(gone)] = -torch.inf
    # |exact - rough|: the query was rounded, sums were made in float32, the result was rounded
    off = LENGTH * float(torch.linalg.vector_norm(query - rounded.float()))
    off += SINGLE * len(query) * LENGTH * float(torch.linalg.vector_norm(query))
    off += HALF * float(rough[rough.isfinite()].abs().max()) + 2.0**-24
    least = torch.topk(rough, top).values[-1] - 2 * off
    near = (rough >= least).nonzero()[:, 0]
    found = _best(rows[near].float() @ query, near, top)
    return Nearest(found[0][None].numpy(), found[1][None].numpy())


def _by_blocks(rows: Tensor, queries: Tensor, top: int, gone: NDArray[np.int64]) -> Nearest:
    """Of several queries: a product of float32 for each block, and of a panel only what is larger
    than the least that is kept so far."""
    count, width = rows.shape
    block = torch.empty(BLOCK, width)
    panel = torch.empty(min(PANEL, count), len(queries))
    columns = queries.T.contiguous()
    scores = torch.full((len(queries), top), -torch.inf)
    numbers = torch.full((len(queries), top), count)
    for first in range(0, count, PANEL):
        size = min(PANEL, count - first)
        for start in range(0, size, BLOCK):
            end = min(start + BLOCK, size)
            some = block[: end - start]
            some.copy_(rows[first + start : first + end])
            torch.mm(some, columns, out=panel[start:end])
        seen = panel[:size]
        low, high = np.searchsorted(gone, (first, first + size))
        if low < high:
            seen[torch.from_numpy(gone[low:high] - first)] = -torch.inf
        if first == 0 and size > 4 * top:
            better = seen >= torch.topk(seen, top, 0).values[-1]
        else:
            better = seen > scores[:, -1]
        row, query = better.nonzero(as_tuple=True)
        order = query.argsort(stable=True)
        row, query = row[order], query[order]
        values = seen[row, query]
        for one, some_rows in enumerate(row.split(query.bincount(minlength=len(queries)).tolist())):
            if len(some_rows):
                last = values[: len(some_rows)]
                values = values[len(some_rows) :]
                scores[one], numbers[one] = _best(
                    torch.cat([scores[one], last]),
                    torch.cat([numbers[one], some_rows + first]),
                    top,
                )
    return Nearest(scores.numpy(), numbers.numpy())


def _best(scores: Tensor, rows: Tensor, top: int) -> tuple[Tensor, Tensor]:
    """The largest scores with their rows; of equal ones the first rows, which come in order."""
    order = torch.sort(scores, descending=True, stable=True).indices[:top]
    return scores[order], rows[order]
