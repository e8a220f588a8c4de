"""Approximate search by faiss, and exact cosines of what it proposes.

Vectors are grouped into lists by k-means, and their numbers coded with 4 bits for each two (Jégou,
Douze & Schmid 2011; André, Kermarrec & Le Scouarnec 2015). A query looks into the nearest lists
and takes the best by their codes; of those the cosines with the float16 vectors decide. How many
lists it looks into is measured on the index's own pictures: the fewest that find TARGET of what an
exact search finds. Where nothing lies together those are all lists, and only the codes save time.

It is made once and lies beside the vectors. What is added to the index afterwards is searched
exactly, and what is removed is passed over, until it is made anew.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.errors import DataError, MissingExtra, UserError, one_line
from striate.files import read_bytes, writing
from striate.progress import stage
from striate.retrieval.index import Index, writing_to
from striate.retrieval.searching import Nearest, search

FORMAT = "striate approximate 1"
FILE, HEADER = "approximate.faiss", "approximate.json"
TARGET = 0.95  # of the nearest pictures of an exact search
NEAREST = 10
ASKED = 100  # pictures on which that is measured
PROPOSED = 300  # for each query, at least
EACH = 30  # for each one that is wanted
FEWEST = 256  # pictures
LEARNED = 65_536  # from which lists and codes are learned, at most
PART = 16_384  # rows that are coded at a time
MOST_LISTS = 65_536
MOST_HEADER = 2**16  # bytes
SEED = 0


@dataclass(frozen=True)
class About:
    """What approximate.json holds.

    Attributes:
        generation, rows: of the index when this was made.
        lists, probes: how many there are, and into how many a query looks.
        recall: what was measured with so many.
    """

    generation: int
    rows: int
    lists: int
    probes: int
    recall: float

    @classmethod
    def from_json(cls, values: Any) -> "About":
        """Of the values in the file.

        Raises:
            TypeError, LookupError, ValueError: if they are not of that form.
        """
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise ValueError(f"this striate reads {FORMAT!r}")
        whole = {name: values[name] for name in ("generation", "rows", "lists", "probes")}
        if any(type(one) is not int or one < 0 for one in whole.values()):
            raise TypeError("a number in it is none")
        if not 1 <= whole["probes"] <= whole["lists"] <= MOST_LISTS:
            raise ValueError(f"{whole['probes']:,} of {whole['lists']:,} lists")
        return cls(**whole, recall=float(values["recall"]))


class Approximate:
    """What `build_approximate` made, for searching.

    Raises:
        MissingExtra: if faiss is not installed.
        UserError: if there is none, or the index was written anew since.
        DataError: if it is damaged.
    """

    def __init__(self, index: Index):
        faiss = faiss_module()
        file = index.path / FILE
        if not (index.path / HEADER).is_file():
            raise UserError(
                f"{index.path} has no approximate index; make it with striate index --into "
                f"{index.path} --approximate"
            )
        try:
            self.about = About.from_json(
                json.loads(read_bytes(index.path / HEADER, limit=MOST_HEADER))
            )
            size = file.stat().st_size
            least = self.about.rows * (width_of(index) // 4)
            if not least <= size <= 2 * least + 2**26 + 8 * self.about.lists * width_of(index):
                raise ValueError(f"{FILE} has {size:,} bytes")
            self._faiss = faiss.read_index(str(file))
            if (self._faiss.d, self._faiss.ntotal) != (width_of(index), self.about.rows):
                raise ValueError(f"{self._faiss.ntotal:,} vectors of {self._faiss.d:,} numbers")
            if not isinstance(self._faiss, faiss.IndexIVFPQFastScan):
                raise TypeError(f"{type(self._faiss).__name__} is of another kind")
        except (OSError, LookupError, TypeError, ValueError, RuntimeError, RecursionError) as error:
            raise DataError(
                f"the approximate index of {index.path} is damaged ({one_line(error)}); make it "
                f"anew with striate index --into {index.path} --approximate"
            ) from error
        if self.about.generation != index.header.generation or self.about.rows > index.header.rows:
            raise UserError(
                f"the approximate index of {index.path} is of before pictures were removed; make "
                f"it anew with striate index --into {index.path} --approximate"
            )
        self.index = index
        self._faiss.nprobe = self.about.probes

    def search(self, queries: NDArray[np.float32], top: int) -> Nearest:
        """As `striate.retrieval.search`, nearly."""
        index, made = self.index, self.about.rows
        top = min(top, len(index))
        proposed = propose(self._faiss, queries, max(PROPOSED, EACH * top))
        late = search(
            index.vectors[made:], queries, top,
            removed=index.removed[np.searchsorted(index.removed, made) :] - made,
        )  # fmt: skip
        scores = np.full((len(queries), top), -np.inf, np.float32)
        rows = np.full((len(queries), top), -1, np.int64)
        for one, query in enumerate(queries):
            mine = proposed[one][proposed[one] >= 0]
            mine = np.setdiff1d(mine, index.removed)
            cosines = index.vectors[mine].astype(np.float32) @ query
            cosines = np.concatenate([cosines, late.scores[one]])
            numbers = np.concatenate([mine, late.rows[one] + made])
            order = np.lexsort((numbers, -cosines))[:top]
            scores[one, : len(order)], rows[one, : len(order)] = cosines[order], numbers[order]
        return Nearest(scores, rows)


def build_approximate(path: Path) -> About:
    """Makes the approximate index of an index.

    Raises:
        MissingExtra: if faiss is not installed.
        UserError: if the index has too few pictures to need one.
        DataError, StorageError: as `Index` and `writing_to`.
    """
    faiss = faiss_module()
    index = Index(path)
    if len(index) < FEWEST:
        raise UserError(
            f"{path} has {len(index):,} pictures; below {FEWEST} an exact search is as quick"
        )
    with writing_to(index.path):
        index = Index(path)
        made = learned(faiss, index)
        with stage("code vectors", index.header.rows) as bar:
            for first in range(0, index.header.rows, PART):
                some = padded(index.vectors[first : first + PART])
                made.add(some)
                bar.advance(len(some))
        probes, recall = measured(made, index)
        about = About(index.header.generation, index.header.rows, made.nlist, probes, recall)
        (index.path / HEADER).unlink(missing_ok=True)  # no header beside another's file
        with writing(index.path / FILE) as temporary:
            faiss.write_index(made, str(temporary))
        with writing(index.path / HEADER) as temporary:
            temporary.write_text(json.dumps({"format": FORMAT, **asdict(about)}), encoding="utf-8")
    return about


def learned(faiss: Any, index: Index) -> Any:
    """Lists and codes, learned from vectors that are drawn at random."""
    lists = 2 ** int(math.log2(math.sqrt(len(index))))
    random = np.random.default_rng(SEED)
    rows = random.choice(index.rows, min(len(index), LEARNED), replace=False)
    width = width_of(index)
    made = faiss.index_factory(width, f"IVF{lists},PQ{width // 2}x4fs", faiss.METRIC_INNER_PRODUCT)
    made.cp.min_points_per_centroid = made.pq.cp.min_points_per_centroid = 1
    made.cp.seed = made.pq.cp.seed = SEED + 1
    with stage("learn lists and codes", None):
        made.train(padded(index.vectors[np.sort(rows)]))
    return made


def measured(made: Any, index: Index) -> tuple[int, float]:
    """The fewest lists that find enough of what an exact search finds, and how much that is."""
    rows = np.random.default_rng(SEED).choice(index.rows, min(len(index), ASKED), replace=False)
    queries = index.vectors[np.sort(rows)].astype(np.float32)
    exact = search(index.vectors, queries, NEAREST, removed=index.removed).rows
    probes = 1
    while True:
        made.nprobe = min(probes, made.nlist)
        proposed = propose(made, queries, PROPOSED)
        found = [len(np.intersect1d(a, b)) for a, b in zip(exact, proposed, strict=True)]
        recall = sum(found) / exact.size
        if recall >= TARGET or probes >= made.nlist:
            return made.nprobe, recall
        probes *= 2


def propose(made: Any, queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Rows (Q, count) that may be among the nearest; -1 where there are no more."""
    return made.search(padded(queries), min(count, made.ntotal))[1]


def padded(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """The same in float32, with zeros up to an even number of numbers."""
    even = np.pad(vectors, ((0, 0), (0, vectors.shape[1] % 2)))
    return np.ascontiguousarray(even, np.float32)


def width_of(index: Index) -> int:
    """Numbers of a padded vector."""
    return index.header.dimensions + index.header.dimensions % 2


def faiss_module() -> Any:
    """faiss, with as many threads as torch.

    Raises:
        MissingExtra: if it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingExtra("an approximate search", "retrieval") from error
    faiss.omp_set_num_threads(torch.get_num_threads())
    return faiss
