"""So many images a day: what one core does, what saturates first, and how many cores, servers and
dollars a day that is.

    python benchmarks/plan.py [--quick] [--json] [--images-per-day 1e9] [--draw FILE.svg] [--check]

**Measured**, each on one core, in processor time: reading and decoding a JPEG of 500 x 375; making
a batch's array of what was decoded; inference at batches of 1, 8, 32 and 128 (EfficientNet-Lite0
and ResNet-50 in OpenVINO, random weights: their values do not matter to the time). A call of the
service costs more than these; how much is measured at a server that 64 clients keep busy.

**Planned** of these numbers (`_planning.py`): a server is a process on one core; the peak is
`--peak` times the mean; one of `--zones` zones may be lost at the peak; servers die and come back.
The highest rate of a server at which 99 % of calls are answered within `--target` seconds is found
by simulation (`_simulation.py`), and so is what a lost zone does. `--price` of a core for an hour
is an assumption, not an offer. There is no GPU in this plan; `--gpu IMAGES` takes the images a
second of one that was measured elsewhere, and says how many it takes and how many cores decode for
them.

**Checked** with `--check`, calls at random at 30, 60 and 80 % of what is possible, beside the
simulation of the same: the service's own queue with work that only waits, on any machine; and two
servers, for which two free cores are needed.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _load import busiest, checked, waiting
from _planning import Plan, Work, drawing, planned
from _rows import Row, alone, main

from serving import SIZE, pictures

NETWORKS = {"efficientnet_lite0": 224, "resnet50": 224}
BATCHES = (1, 8, 32, 128)
ENGINE = "openvino"
BUSY = 32  # images of a batch where 64 clients call


def measure(
    quick: bool, plan: Plan | None = None, draw: str | None = None, check: bool = False
) -> Iterator[Row]:
    plan = plan or Plan()
    torch.set_num_threads(1)
    rounds, seconds, calls = (1, 3.0, 200) if quick else (5, 15.0, 20_000)
    files = pictures()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        works: list[Work] = []
        for network, side in NETWORKS.items():
            rows, work = measured(network, side, files, folder, rounds)
            yield from rows
            if not works:  # a call costs the same whatever the network
                path = folder / f"{network}.safetensors"
                _, spent = busiest(path, ENGINE, files, seconds, folder)
                call = max(0.0, spent - work.decode - work.each - work.batch / BUSY)
                yield alone(
                    "a call of the service, beside decoding and inference", "ms", 1000 * call
                )
            work = replace(work, call=call)
            works.append(work)
        for work in works:
            yield from planned(work, plan, calls)
        if draw:
            Path(draw).write_text(drawing(works, plan, calls), "utf-8")
        if check:
            path = folder / f"{works[0].name}.safetensors"
            inference = works[0].batch, works[0].each
            yield from waiting(2 * seconds)
            yield from checked(path, files, ENGINE, inference, 2 * seconds, folder)


def measured(
    network: str, side: int, files: Sequence[bytes], folder: Path, rounds: int
) -> tuple[list[Row], Work]:
    """Rows of what one core does, and the same as numbers of a plan."""
    predictor = predictor_of(network, side, folder)
    paths = []
    for number, data in enumerate(files):
        paths.append(folder / f"{number}.jpg")
        paths[-1].write_bytes(data)
    decoding = median([spent(lambda: [predictor.prepare(p) for p in paths]) for _ in range(rounds)])
    decoding /= len(paths)
    reading = median([spent(lambda: [p.read_bytes() for p in paths]) for _ in range(rounds)])
    some = [predictor.prepare(path) for path in paths]
    pixels = sum(one.nbytes for one in some) / len(some)
    copying = median([spent(lambda: np.stack(some).transpose(0, 3, 1, 2).astype(np.float32))
                      for _ in range(rounds)]) / len(some)  # fmt: skip
    size = statistics.fmean(map(len, files))
    rows = [
        alone(f"read, {size / 1000:.0f} kB a file, in the cache", "img/s", len(paths) / reading),
        alone(f"decode {SIZE[0]}x{SIZE[1]} to {side}", "img/s", 1 / decoding),
        alone(f"array of a batch, {4 * pixels / 1000:.0f} kB an image", "img/s", 1 / copying),
    ]
    took = {}
    for batch in BATCHES:
        inputs = [some[n % len(some)] for n in range(batch)]
        predictor.predict(inputs)  # what it compiles is not timed
        repeat = max(1, 32 // batch)
        compute = partial(predictor.predict, inputs)
        times = [spent(compute, repeat) for _ in range(rounds)]
        took[batch] = median(times)
        rows.append(alone(f"{network}, {ENGINE}, batch {batch}", "img/s", batch / took[batch]))
    start, each = line(took)
    return rows, Work(network, decoding, 0.0, start, each, size, 4 * pixels)


def line(took: dict[int, float]) -> tuple[float, float]:
    """The least squares of seconds by images of a batch, both not below 0, each point weighed by
    its own size: a batch, and an image of it.

    >>> line({1: 3.0, 8: 10.0, 32: 34.0})
    (2.0, 1.0)
    """
    sizes, seconds = np.array(list(took), float), np.array(list(took.values()))
    columns = np.stack([np.ones_like(sizes), sizes], 1) / seconds[:, None]
    start, each = np.linalg.lstsq(columns, np.ones_like(sizes), rcond=None)[0]
    if start < 0:
        start, each = 0.0, statistics.fmean(seconds / sizes)
    return round(float(start), 9), round(float(each), 9)


def predictor_of(network: str, side: int, folder: Path) -> Any:
    """A recognizer's, computed by the engine of this benchmark."""
    from striate.images import View
    from striate.inference import Preprocessing
    from striate.models import create, entry
    from striate.recognizer import Recognizer, load
    from striate.tasks.classification.network import Network
    from striate.tasks.table import TASKS

    made = Network(
        model=create(network).eval(), architecture={"name": network, "options": {}}, classes=1000,
        preprocessing=Preprocessing(View(side), entry(network).normalization),
    )  # fmt: skip
    path = folder / f"{network}.safetensors"
    names = tuple(f"class {k}" for k in range(1000))
    Recognizer(TASKS["classification"], made, names).save(path)
    return load(path, engine=ENGINE, device="cpu").predictor


def spent(work: Any, times: int = 1) -> float:
    """Seconds of processor time that a piece of work takes."""
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


# Two zones at least, for one of them may be lost.
LEAST = {"images_per_day": 1, "peak": 1, "target": 0.001, "zones": 2, "price": 0, "gpu": 1}


def options(parser: argparse.ArgumentParser) -> None:
    default = Plan()
    parser.add_argument("--images-per-day", type=float, default=default.images_per_day)
    parser.add_argument("--peak", type=float, default=default.peak, help="times the mean")
    parser.add_argument("--target", type=float, default=default.target, help="seconds of 99 %%")
    parser.add_argument("--zones", type=int, default=default.zones)
    parser.add_argument("--price", type=float, default=default.price, help="of a core for an hour")
    parser.add_argument("--gpu", type=float, metavar="IMAGES", help="that a GPU does a second")
    parser.add_argument("--draw", metavar="FILE.svg", help="latency against load")
    parser.add_argument("--check", action="store_true", help="two servers under load")


def from_options(quick: bool, **given: Any) -> Iterator[Row]:
    for name, least in LEAST.items():
        value = given[name]
        if value is not None and not value >= least:
            raise SystemExit(f"--{name.replace('_', '-')} must be {least:g} or more, not {value:g}")
    own = {name: given.pop(name) for name in ("draw", "check")}
    return measure(quick, Plan(**given), **own)


if __name__ == "__main__":
    main(from_options, __doc__, options)
