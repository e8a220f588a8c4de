"""Accuracy on Kim's sentence sets: ten folds of MR and Subj, the given test of TREC and SST-2.

    python benchmarks/text_sets.py SHARED --sets mr,trec --methods bow,cnn-static --out rows.jsonl

Each line of the file is one fold, or one seed where the test is given, as soon as it is known; what
stands there already is not learned again. Without --out the table alone is printed.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from striate import data
from striate.data.folding import folds
from striate.tasks.contract import Ask, asked
from striate.tasks.table import TASKS

FILES = {
    "mr": "mr.tsv", "subj": "subj.tsv", "trec": "trec_train.tsv", "sst2": "sst2_train.tsv",
}  # fmt: skip
FOLDED = ("mr", "subj")
PAPER = {  # Kim (2014), table 2: 300-dimensional word2vec; Wang & Manning (2012), table 2
    "mr": {"bow": 79.4, "cnn-rand": 76.1, "cnn-static": 81.0, "cnn-non-static": 81.5,
           "cnn-multichannel": 81.1},
    "subj": {"bow": 93.6, "cnn-rand": 89.6, "cnn-static": 93.0, "cnn-non-static": 93.4,
             "cnn-multichannel": 93.2},
    "trec": {"cnn-rand": 91.2, "cnn-static": 92.8, "cnn-non-static": 93.6,
             "cnn-multichannel": 92.2},
    "sst2": {"cnn-rand": 82.7, "cnn-static": 86.8, "cnn-non-static": 87.2,
             "cnn-multichannel": 88.1},
}  # fmt: skip


def parts(name: str, shared: Path, seeds: int):
    """The set once for each fold, or for each seed where the test is given."""
    whole = data.open(shared / "data/text" / FILES[name])
    if name in FOLDED:
        return folds(whole)
    return [whole.redraw(seed) for seed in range(seeds)]


def score(method: str, part, number: int, vectors: Path) -> dict:
    """One run: the test accuracy, and how long it took to learn."""
    task = TASKS["text"]
    torch.set_num_threads(1)
    weights = vectors if task.method(method).networks else "published"
    start = time.perf_counter()
    learned = task.method(method).learn(data.read_texts(part), Ask(weights=weights, seed=number))
    seconds = time.perf_counter() - start
    rows = np.flatnonzero(part.split == 2).tolist()
    found = task.scores(asked(learned.predictor, part, rows), part, part.classes)
    return {"score": found.value, "seconds": round(seconds, 1), "notes": list(learned.notes)}


def table(rows: list[dict]) -> None:
    """Means and spreads beside the paper's figures."""
    print(f"{'set':6}{'method':18}{'ours':>7}{'spread':>8}{'paper':>7}{'runs':>6}{'seconds':>9}")
    keys = dict.fromkeys((row["set"], row["method"]) for row in rows)
    for name, method in keys:
        some = [row for row in rows if (row["set"], row["method"]) == (name, method)]
        scores = [100 * row["score"] for row in some]
        spread = np.std(scores, ddof=1) if len(scores) > 1 else float("nan")
        paper = PAPER[name].get(method, "")
        seconds = np.mean([row["seconds"] for row in some])
        print(f"{name:6}{method:18}{np.mean(scores):7.1f}{spread:8.1f}{paper!s:>7}"
              f"{len(some):6}{seconds:9.1f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--sets", default="mr,subj,trec,sst2")
    parser.add_argument("--methods", default="bow,cnn-static,cnn-rand,cnn-non-static")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    known = []
    if given.out is not None and given.out.exists():
        known = [json.loads(line) for line in given.out.read_text().splitlines()]
    done = {(row["set"], row["method"], row["part"]) for row in known}
    vectors = given.shared / "weights/glove100"
    for name in given.sets.split(","):
        some = parts(name, given.shared, given.seeds)
        for method in given.methods.split(","):
            for number, part in enumerate(some):
                if (name, method, number) in done:
                    continue
                row = {"set": name, "method": method, "part": number,
                       **score(method, part, number, vectors)}  # fmt: skip
                known.append(row)
                print(json.dumps(row), file=sys.stderr)
                if given.out is not None:
                    with given.out.open("a") as file:
                        file.write(json.dumps(row) + "\n")
    table(known)


if __name__ == "__main__":
    main()
