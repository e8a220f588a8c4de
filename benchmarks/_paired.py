"""Two ways to do one thing, run in turns: what disturbs the machine then disturbs both alike."""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One case: medians in `unit`, and how many times better ours is (above 1 is ahead)."""

    case: str
    unit: str
    ours: float
    peer: str
    theirs: float
    ratio: float
    target: float | None


def paired(
    case: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    peer: str,
    target: float | None = None,
    rounds: int = 11,
) -> Row:
    """Runs both once unmeasured, then in turns; the ratio is the median of the rounds' ratios."""
    ours(), theirs()
    times = [(milliseconds(ours), milliseconds(theirs)) for _ in range(rounds)]
    mine, others = zip(*times, strict=True)
    return Row(
        case=case,
        unit="ms",
        ours=round(statistics.median(mine), 3),
        peer=peer,
        theirs=round(statistics.median(others), 3),
        ratio=round(statistics.median(b / a for a, b in times), 2),
        target=target,
    )


def milliseconds(work: Callable[[], object]) -> float:
    """How long one run takes, the release of what it returns left out."""
    start = time.perf_counter()
    kept = work()
    seconds = time.perf_counter() - start
    del kept
    return 1000 * seconds


def main(measure: Callable[[bool], Iterable[Row]], description: str | None) -> None:
    """The command line of a benchmark: `measure(quick)` yields rows, printed as they come."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    if not options.json:
        print(f"{'case':44} {'ours':>11} {'theirs':>11} {'ratio':>7} {'target':>7}  peer")
    for row in measure(options.quick):
        if options.json:
            print(json.dumps(asdict(row)), flush=True)
            continue
        target = "" if row.target is None else f"{row.target:g}"
        print(
            f"{row.case:44} {row.ours:8.1f} {row.unit} {row.theirs:8.1f} {row.unit} "
            f"{row.ratio:7.2f} {target:>7}  {row.peer}",
            flush=True,
        )
