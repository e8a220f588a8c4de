"""Seconds of each stage of the main job: decode, deep features, then each approach, one seed each.

    python benchmarks/compare.py --quick              # the digits inside scikit-learn
    python benchmarks/compare.py photos/ [--json]     # any folder, list or catalog name

There is no peer: no other tool does the same job, so `peer`, `theirs` and `ratio` are empty.
"""

import argparse
import json
import time
from collections.abc import Iterator

from striate.approaches import APPROACHES, Ask, run_approach, view_of
from striate.approaches.transfer import PRETRAINED, deep_features, preprocessing_of
from striate.data import decode
from striate.data import open as open_data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", nargs="?", default="digits", metavar="DATA")
    parser.add_argument("--quick", action="store_true", help="the digits, whatever DATA is")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    for case, seconds, note in measure("digits" if options.quick else options.data):
        if options.json:
            row = {"case": case, "unit": "s", "ours": round(seconds, 2)}
            row |= dict.fromkeys(("peer", "theirs", "ratio", "target"))
            print(json.dumps(row), flush=True)
        else:
            print(f"{case:44}{seconds:9.2f} s  {note}", flush=True)


def measure(name: str) -> Iterator[tuple[str, float, str]]:
    """A case, its seconds and a remark, as each is done; an approach's row leaves features out."""
    start = time.perf_counter()
    dataset = open_data(name)
    yield f"{name}: open", time.perf_counter() - start, f"{len(dataset)} images"
    start = time.perf_counter()
    data = decode(dataset, [view_of(approach, dataset) for approach in APPROACHES])
    views = ", ".join(f"{view.size} px" for view in data.pixels)
    yield f"{name}: decode", time.perf_counter() - start, views
    preprocessing = preprocessing_of(PRETRAINED, view_of("transfer", dataset))
    _, seconds = deep_features(data, PRETRAINED, preprocessing)
    yield f"{name}: features", seconds, PRETRAINED
    for approach in APPROACHES:
        outcome = run_approach(approach, data, Ask(seed=0))
        spent = {stage: s for stage, s in outcome.seconds.items() if stage != "features"}
        note = ", ".join(f"{stage} {s:.1f}" for stage, s in spent.items())
        yield f"{name}: {approach}", sum(spent.values()), f"top-1 {outcome.top1:.3f} ({note})"


if __name__ == "__main__":
    main()
