"""Pictures of an index that are the same or nearly so."""

from collections.abc import Iterator
from typing import NamedTuple

import torch

from striate.progress import stage
from striate.retrieval.index import Index

TILE = 2048  # rows that are compared with as many others at a time


class Pair(NamedTuple):
    """Two pictures and the cosine of their vectors."""

    score: float
    first: str
    second: str


def duplicates(index: Index, cosine: float) -> Iterator[Pair]:
    """Every pair whose cosine is at least `cosine`, as they are found.

    All are compared with all: time grows with the square of their number, memory does not.
    """
    rows = index.rows
    vectors = torch.from_numpy(index.vectors)
    tiles = [torch.from_numpy(rows[start : start + TILE]) for start in range(0, len(rows), TILE)]
    with stage("compare all with all", len(tiles) * (len(tiles) + 1) // 2) as bar:
        for number, mine in enumerate(tiles):
            ours = vectors[mine].float()
            for other in tiles[number:]:
                same = other is mine
                scores = ours @ (ours if same else vectors[other].float()).T
                near = scores >= cosine
                if same:
                    near = near.triu(1)
                for one, two in near.nonzero().tolist():
                    yield Pair(
                        float(scores[one, two]),
                        index.names[int(mine[one])],
                        index.names[int(other[two])],
                    )
                bar.advance()
