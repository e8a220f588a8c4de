"""An index of random vectors beside faiss: how long building and searching take, and the recall of
the approximate index.

One thread: `python benchmarks/retrieval.py [--quick] [--json] [--rows 1000000] [--folder FOLDER]`.
A million vectors of 1,280 numbers are 2.6 GB of float16 on the disk and 5.1 GB of float32 for
faiss' flat index. Random vectors lie nowhere together: for an approximate search that is the worst
there is, and the share of them that is looked into says so.

What a search cannot go below: one query reads 2 bytes for each number of the index and multiplies
and adds once with it; so many queries as are looked up together share the reading, and the products
are what remains.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from _rows import Row, absent, alone, compared, in_turns, main, peer_module, ratio_of

from striate.retrieval import Approximate, Description, Index, build_approximate, search
from striate.retrieval.index import Header, create

WIDTH = 1280
PART = 16_384
TOP = 10
QUERIES = (1, 64)
ASKED = 100
QUICK = 4000


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--exact", action="store_true", help="leave the approximate index out")
    parser.add_argument("--folder", type=Path, help="where the index is made and removed again")


def unit(random: np.random.Generator, count: int) -> np.ndarray:
    rows = random.standard_normal((count, WIDTH), np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def measure(quick: bool, rows: int, rounds: int, exact: bool, folder: Path | None) -> Iterator[Row]:
    torch.set_num_threads(1)
    count = min(rows, QUICK) if quick else rows
    with tempfile.TemporaryDirectory(dir=folder) as place:
        yield from measured(Path(place), count, 2 if quick else rounds, exact)


def measured(place: Path, count: int, rounds: int, only_exact: bool) -> Iterator[Row]:
    random = np.random.default_rng(0)
    try:
        faiss = peer_module("faiss")
        faiss.omp_set_num_threads(1)
        flat = faiss.IndexFlatIP(WIDTH)
    except ImportError as error:
        faiss, flat = error, None
    index = create(
        place,
        Header(
            model="", content=None, description=Description(), folder="/", whitened=False,
            pictures=count, dimensions=WIDTH,
        ),
        None,
    )  # fmt: skip
    ours = theirs = 0.0
    for first in range(0, count, PART):
        some = unit(random, min(PART, count - first))
        names = [f"{row}.jpg" for row in range(first, first + len(some))]
        start = time.process_time()
        index.add(names, [(0, 0)] * len(some), some)
        ours += time.process_time() - start
        if flat is not None:
            start = time.process_time()
            flat.add(some)
            theirs += time.process_time() - start
    case = f"{count:,} vectors added, processor time (ours to the disk)"
    if flat is None:
        yield absent(case, "s", "faiss flat", faiss, ours=ours)
    else:
        yield compared(case, "s", ours, "faiss flat", theirs, less=True)
    index = Index(place)
    queries = unit(random, max(*QUERIES, ASKED))
    for number in QUERIES:
        some = queries[:number]
        case = f"{count:,}: exact, {number} together, each"
        sides = {"ours": lambda some=some: search(index.vectors, some, TOP)}
        if flat is not None:
            sides["theirs"] = lambda some=some: flat.search(some, TOP)
        times = in_turns(sides, rounds)
        mine = 1000 * statistics.median(times["ours"]) / number
        if flat is None:
            yield absent(case, "ms", "faiss flat", faiss, 1.0, ours=mine)
            continue
        yield compared(
            case, "ms", mine, "faiss flat", 1000 * statistics.median(times["theirs"]) / number,
            target=1.0, ratio=ratio_of(times["ours"], times["theirs"]),
        )  # fmt: skip
    if flat is None:
        return
    exact = search(index.vectors, queries[:ASKED], TOP)
    same = np.mean(exact.rows == flat.search(queries[:ASKED], TOP)[1])
    yield alone(f"{count:,}: places of {TOP} as faiss flat has them", "share", float(same))
    flat.reset()  # five gigabytes
    if not only_exact:
        yield from approximate(index, queries[:ASKED], exact.rows, rounds)


def approximate(index: Index, queries: np.ndarray, exact: np.ndarray, rounds: int) -> Iterator[Row]:
    """Build, recall and time of the approximate index beside our exact search."""
    count = len(index)
    start = time.process_time()
    about = build_approximate(index.path)
    case = f"{count:,}: approximate index made, processor time"
    yield alone(case, "s", time.process_time() - start)
    made = Approximate(index)
    found = made.search(queries, TOP).rows
    recall = np.mean([len(np.intersect1d(a, b)) / TOP for a, b in zip(found, exact, strict=True)])
    case = f"{count:,}: recall of {TOP}, {about.probes} of {about.lists} lists"
    yield alone(case, "share", float(recall))
    one = queries[:1]
    times = in_turns(
        {
            "ours": lambda: made.search(one, TOP),
            "theirs": lambda: search(index.vectors, one, TOP),
        },
        rounds,
    )
    yield compared(
        f"{count:,}: approximate, one query", "ms", 1000 * statistics.median(times["ours"]),
        "our exact search", 1000 * statistics.median(times["theirs"]),
        ratio=ratio_of(times["ours"], times["theirs"]),
    )  # fmt: skip


if __name__ == "__main__":
    main(measure, __doc__, options)
