"""The engine that striate chooses beside every other that is installed, at batch 1 and 32.

    python benchmarks/inference.py [--quick] [--json] [--only NETWORK]

One thread. `engine="auto"` is measured against each engine, in turns; the target is 0.95 of the
best one. Weights are random, for their values do not matter to the time.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial

import torch
from torch import Tensor

from striate.models import NETWORKS, create, folded
from striate.ops.memory import channels_last
from striate.recognizer.engines import Engines, installed

TARGET = 0.95
CASES = ("alexnet_single", "vgg16", "googlenet_bn", "resnet50", "efficientnet_lite0")


@dataclass(frozen=True)
class Row:
    """Milliseconds of the chosen engine and of each; `share` is the best one's over the chosen."""

    network: str
    batch: int
    chosen: str
    ours: float
    share: float
    engines: dict[str, float]
    target: float = TARGET


def measure(quick: bool, only: str | None) -> Iterator[Row]:
    torch.set_num_threads(1)
    for name in [only] if only else CASES:
        entry = NETWORKS[name]
        shape = entry.channels, entry.image_size, entry.image_size
        plain = create(name).eval()
        engines = Engines(channels_last(folded(plain)), shape, "auto")
        chosen = engines.choice
        for batch in (1,) if quick else (1, 32):
            images = torch.randn(batch, *shape).contiguous(memory_format=torch.channels_last)
            sides = sides_of(engines, plain, images)
            seconds = in_turns(sides, rounds=3 if quick else 11 if batch == 1 else 5)
            medians = {side: 1000 * statistics.median(times) for side, times in seconds.items()}
            best = min((s for s in sides if s != "auto"), key=medians.__getitem__)
            ratios = [b / a for a, b in zip(seconds["auto"], seconds[best], strict=True)]
            ours = medians.pop("auto")
            share = statistics.median(ratios)
            yield Row(name, batch, chosen[str(batch)], ours, share, medians)


def sides_of(
    engines: Engines, plain: torch.nn.Module, images: Tensor
) -> dict[str, Callable[[], Tensor]]:
    """What is timed, by name; an engine that cannot compute the network is left out."""
    sides: dict[str, Callable[[], Tensor]] = {"auto": lambda: engines(images)}
    for name in installed():
        try:
            engines.engine(name)(images)
        except Exception as error:
            print(f"{name} left out: {str(error)[:90]!r}")
            continue
        sides[name] = partial(engines.engine(name), images)
    plain_images = images.contiguous()

    def as_written() -> Tensor:
        with torch.inference_mode():
            return plain(plain_images)

    sides["torch, as written"] = as_written
    return sides


def in_turns(sides: dict[str, Callable[[], Tensor]], *, rounds: int) -> dict[str, list[float]]:
    """Seconds of every side, all run once unmeasured and then in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for run in sides.values():
        run()
    for _ in range(rounds):
        for name, run in sides.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="batch 1, few rounds")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--only", choices=CASES, help="one network")
    options = parser.parse_args()
    for row in measure(options.quick, options.only):
        if options.json:
            print(json.dumps(asdict(row)), flush=True)
            continue
        others = ", ".join(f"{name} {ms:.1f}" for name, ms in row.engines.items())
        print(
            f"{row.network:20} batch {row.batch:2}: {row.chosen} {row.ours:.1f} ms, "
            f"{row.share:.2f} of the best (>= {row.target}); {others}",
            flush=True,
        )


if __name__ == "__main__":
    main()
