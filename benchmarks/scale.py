"""Very many inputs: does `predict` keep the slower of decoding and engine busy, and do time and
memory per image stay the same however many there are?

    python benchmarks/scale.py [--quick] [--json] [--most N] [--only overlap|growth|cluster]

**Overlap.** `striate.recognizing.recognize` beside the slower of its two halves alone; 0.95 is the
target. First with halves that wait and do not compute (as decoding on other cores and an engine on
a GPU do): this measures the pipeline on any machine, however busy. Then with JPEGs and ResNet-18 on
one thread, in turns; the halves have a core each, so two free cores are needed, and on a busy
machine the ratio says little. Last, how much processor time is spent beside the halves.

**Growth.** 1,000, 10,000, ... images (links to the same files) into Parquet, each in a process of
its own: images a second of processor time, and the most memory, beside those of 1,000.

**Cluster.** Two workers of a Ray cluster of this machine's cores beside one, in turns: images a
second once all work, and processor time of an image. Workers that wait measure what Ray adds on any
machine; those that compute need two free cores.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from _rows import Row, absent, compared, in_turns, main, ratio_of
from PIL import Image

from striate.images import View
from striate.inference import Preprocessing
from striate.inference.reading import batches
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.recognizing import Cluster, cluster, given, recognize
from striate.recognizing.cluster import Worker, on_cluster
from striate.recognizing.connecting import started
from striate.tasks.classification.network import Network
from striate.tasks.table import TASKS

TARGET = 0.95  # of the slower half alone
SAME = 0.9  # within 10 %
BATCH, FILES, SIDE = 32, 64, 64
NETWORK = ("resnet18", 64)
WAITING = {  # seconds of a batch in the engine, and of decoding an image on one of all threads
    "the engine is slower": (0.2, 0.001),
    "decoding is slower": (0.04, 0.006),
    "both are as slow": (0.2, 0.00625),
}
PAUSE = 0.2  # seconds of a worker that waits
COUNTS = (1_000, 10_000, 100_000)


def measure(quick: bool, most: int = COUNTS[-1], only: str | None = None) -> Iterator[Row]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        paths = photographs(place / "photographs", 300, 400)
        if only in (None, "overlap"):
            yield from waiting(paths, 4 if quick else 50)
            yield from computing(paths * (1 if quick else 10), 1 if quick else 5)
        if only in (None, "growth"):
            counts = COUNTS[:1] if quick else [count for count in COUNTS if count <= most]
            yield from growth(place, counts)
        if only in (None, "cluster"):
            yield from clustered(place, paths, *((10, 1) if quick else (100, 3)))


def waiting(paths: list[str], count: int) -> Iterator[Row]:
    """Halves that wait: seconds of a batch in the engine, and of decoding it on all threads."""

    class Waiting(Network):
        engine, decoding = 0.0, 0.0

        def prepare(self, item: Any) -> Any:
            time.sleep(self.decoding)
            return item

        def predict(self, batch: Sequence[Any]) -> list[Any]:
            time.sleep(self.engine)
            return [answer] * len(batch)

    first = recognizer("lenet5", 28)
    answer = first.predictor.predict([first.predictor.prepare(paths[0])])[0]
    predictor = Waiting(**vars_of(first.predictor))
    slow = Recognizer(first.task, predictor, first.names)
    items = [paths[n % len(paths)] for n in range(count * BATCH)]
    for case, (engine, decoding) in WAITING.items():
        predictor.engine, predictor.decoding = engine, decoding * threads()
        sides = {
            "ours": lambda: rows_of(slow, items),
            "decoding": lambda: drain(items, predictor.prepare),
            "engine": lambda: answered(predictor, items),
        }
        yield overlap(f"halves that wait: {case}", in_turns(sides, 3), len(items))


def computing(paths: list[str], rounds: int) -> Iterator[Row]:
    """JPEGs of 300 x 400 pixels and a network on one thread."""
    real = recognizer(*NETWORK)
    predictor = real.predictor
    some = [predictor.prepare(path) for path in paths[:BATCH]]

    def engine() -> None:
        for _ in range(len(paths) // BATCH):
            predictor.predict(some)

    def decoding() -> None:
        for path in paths:
            predictor.prepare(path)

    def ours() -> None:
        rows_of(real, paths)

    sides = {"ours": ours, "decoding": decoding, "engine": engine}
    case = f"JPEGs, {NETWORK[0]} at {NETWORK[1]} pixels, a core each"
    yield overlap(case, in_turns(sides, rounds), len(paths))
    spent = {name: [processor(side) for _ in range(rounds)] for name, side in sides.items()}
    halves = [a + b for a, b in zip(spent["decoding"], spent["engine"], strict=True)]
    yield compared(
        "the same, processor time", "s", min(spent["ours"]), "decoding and engine alone",
        min(halves), ratio=ratio_of(spent["ours"], halves), target=0.9,
    )  # fmt: skip


def growth(place: Path, counts: Sequence[int]) -> Iterator[Row]:
    """Each count in a process of its own, which tells its processor time and its most memory."""
    if find_spec("pyarrow") is None:
        yield absent("growth", "img/s", "1,000 images", "pyarrow is not installed")
        return
    small = photographs(place / "small", SIDE, SIDE)
    model = place / "model.safetensors"
    recognizer("lenet5", 28).save(model)
    first: dict[str, float] = {}
    for count in counts:
        folder = linked(place / str(count), small, count)
        found = told(model, folder, place / f"{count}.parquet")
        first = first or found
        rate, start = count / found["processor"], counts[0] / first["processor"]
        peer = f"{counts[0]:,} images"
        yield compared(f"{count:,} images, a second of processor time", "img/s", rate, peer, start,
                       target=SAME)  # fmt: skip
        yield compared(f"{count:,} images, a second on the clock", "img/s", count / found["clock"],
                       peer, counts[0] / first["clock"])  # fmt: skip
        yield compared(f"{count:,} images, most memory", "MiB", found["memory"], peer,
                       first["memory"], less=True, target=SAME)  # fmt: skip


def clustered(place: Path, paths: Sequence[str], count: int, rounds: int) -> Iterator[Row]:
    """So many batches for each worker of a cluster: workers that wait, and that compute."""
    cases = {
        f"workers that wait {PAUSE:g} s a batch": Waiting,
        f"JPEGs, {NETWORK[0]} at {NETWORK[1]} pixels": Worker,
    }
    if find_spec("ray") is None:
        yield from (absent(f"Ray, two workers, {case}", "img/s", "one worker",
                           "ray is not installed", 1.6) for case in cases)  # fmt: skip
        return
    model, listed = place / "cluster.safetensors", place / "list.txt"
    recognizer(*NETWORK).save(model)
    with started(None, 2):
        for case, worker in cases.items():
            cluster.Worker = worker  # type: ignore[misc]
            found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
            for _ in range(rounds):
                for workers, some in found.items():
                    total = workers * count * BATCH
                    listed.write_text("\n".join(paths[n % len(paths)] for n in range(total)))
                    some.append(steady(str(model), str(listed), workers, total))
            yield from beside_one(f"Ray, two workers, {case}", found)
    cluster.Worker = Worker  # type: ignore[misc]


class Waiting(Worker):
    """Does nothing for a while: what is left is the cluster's own."""

    def __call__(self, table: Any) -> dict[str, list[str]]:
        time.sleep(PAUSE)
        return {"rows": [json.dumps([("a.jpg", "{}", True)] * BATCH)]}


def beside_one(case: str, found: dict[int, list[tuple[float, float]]]) -> Iterator[Row]:
    """Images a second and processor time of an image, of rounds with one worker and two."""
    rate, spent = ([[one[n] for one in found[workers]] for workers in (2, 1)] for n in (0, 1))
    middle = [[statistics.median(side) for side in sides] for sides in (rate, spent)]
    yield compared(case, "img/s", middle[0][0], "one worker", middle[0][1],
                   ratio=ratio_of(rate[1], rate[0]), target=1.6)  # fmt: skip
    yield compared(f"{case}, processor time of an image", "ms", 1000 * middle[1][0], "one worker",
                   1000 * middle[1][1], ratio=ratio_of(*spent), target=0.9)  # fmt: skip


def steady(model: str, listed: str, workers: int, count: int) -> tuple[float, float]:
    """Images a second, and seconds of the workers' processor time an image, from a fifth of the
    rows on: all workers have the model by then."""
    inputs = given(TASKS["classification"], [listed])
    clock = processor = 0.0
    rows = on_cluster(Cluster(model, workers=workers), inputs, 0, BATCH, 5)
    with closing(rows):
        for number, _ in enumerate(rows, 1):
            if number == count // 5:
                clock, processor = time.perf_counter(), busy()
        clock, processor = time.perf_counter() - clock, busy() - processor
    return 0.8 * count / clock, processor / (0.8 * count)


def busy() -> float:
    """Seconds of processor time that this process and those below it have taken."""
    own = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in [own, *own.children(recursive=True)])


def told(model: Path, folder: Path, out: Path) -> dict[str, float]:
    """Seconds and MiB of a process that recognizes a folder."""
    command = [sys.executable, "-c", PROGRAM, str(model), str(folder), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


PROGRAM = """
import json, resource, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from striate.recognizer import load
from striate.recognizing import given, recognize
model, folder, out = sys.argv[1:]
recognizer = load(model)
some = given(recognizer.task, [folder])
def run(inputs):
    recognize(recognizer, inputs, out, top=5)
    Path(out).unlink()
run([one for one, _ in zip(some, range(256))])
clock, processor = time.perf_counter(), time.process_time()
run(given(recognizer.task, [folder]))
print(json.dumps({
    "clock": time.perf_counter() - clock,
    "processor": time.process_time() - processor,
    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def overlap(case: str, times: dict[str, list[float]], count: int) -> Row:
    """Ours beside the slower of its halves, by rounds."""
    halves = [max(pair) for pair in zip(times["decoding"], times["engine"], strict=True)]
    ours = times["ours"]
    middle = sorted(zip(ours, halves, strict=True), key=lambda pair: pair[1] / pair[0])
    mine, theirs = (count / seconds for seconds in middle[len(middle) // 2])
    return compared(case, "img/s", mine, "the slower half alone", theirs,
                    ratio=ratio_of(ours, halves), target=TARGET)  # fmt: skip


def rows_of(one: Recognizer, items: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        recognize(one, items, Path(folder) / "rows.jsonl", top=5, batch_size=BATCH)


def drain(items: Sequence[str], read: Callable[[Any], Any]) -> None:
    for _ in batches(items, read, BATCH):
        pass


def answered(predictor: Any, items: Sequence[str]) -> None:
    for first in range(0, len(items), BATCH):
        predictor.predict(items[first : first + BATCH])


def processor(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def threads() -> int:
    from striate.data.threads import cores

    return cores()


def recognizer(name: str, side: int) -> Recognizer:
    """Random weights: their values do not matter to the time."""
    options = {"channels": 3} if name == "lenet5" else {}
    predictor = Network(
        model=create(name, classes=10, **options).eval(),
        architecture={"name": name, "options": options},
        preprocessing=Preprocessing(
            View(side, channels=3, fit="squash"), Normalization((127.5,) * 3, (127.5,) * 3)
        ),
        classes=10,
    )
    return Recognizer(TASKS["classification"], predictor, tuple(f"class {n}" for n in range(10)))


def vars_of(predictor: Network) -> dict[str, Any]:
    """What it was made with."""
    names = ("model", "architecture", "preprocessing", "classes")
    return {name: getattr(predictor, name) for name in names}


def photographs(place: Path, height: int, width: int) -> list[str]:
    """Made ones: smooth colors, with grain."""
    place.mkdir()
    random, found = np.random.default_rng(0), []
    for number in range(FILES):
        coarse = Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int16)
        grain = random.integers(-12, 13, smooth.shape, dtype=np.int16)
        path = place / f"{number}.jpg"
        Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)
        found.append(str(path))
    return found


def linked(place: Path, paths: Sequence[str], count: int) -> Path:
    """A folder of folders of a thousand links."""
    for number in range(count):
        folder = place / f"{number // 1000:04}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number:07}.jpg").symlink_to(paths[number % len(paths)])
    return place


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=("overlap", "growth", "cluster"))
    parser.add_argument("--most", type=int, default=COUNTS[-1], help="images of the last run")


if __name__ == "__main__":
    main(measure, __doc__, options)
