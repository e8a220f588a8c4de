"""From picture files to batches, beside torch's DataLoader and beside one tensor that is indexed.

    python benchmarks/input.py [--quick] [--json]

Photographs of data/clothing in STRIATE_SHARED, or JPEGs made here where there are none,
as 224 px squares in shuffled batches of 64. The first epoch is from files, with nothing kept; later
epochs have what the first one kept. Two threads decode here, as do two workers of the DataLoader;
where a case says "one core", both sides have one.
"""

import contextlib
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
import torch
from _rows import Row, absent, compared, in_turns, main, paired, ratio_of
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from striate import images
from striate.data.batches import Batches
from striate.data.kept import pixels_of_files
from striate.images import View

SHARED = Path(os.environ.get("STRIATE_SHARED", Path(__file__).parents[1].parent / "shared"))
VIEW = View(224)
BATCH = 64
MADE = 400  # photographs, where there are none
LARGE = (3024, 4032)


class Folder(Dataset[tuple[Tensor, int]]):
    """What people write: Pillow opens, resizes and crops a file each time it is asked for."""

    def __init__(self, paths: list[str]):
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        with Image.open(self.paths[row]) as file:
            image = file.convert("RGB")
        scale = 256 / min(image.size)
        width, height = (round(side * scale) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        left, top = (width - 224) // 2, (height - 224) // 2
        pixels = np.array(image.crop((left, top, left + 224, top + 224)))
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), 0


def measure(quick: bool) -> Iterator[Row]:
    """First and later epochs, the second start, memory, and decoding at scales."""
    torch.set_num_threads(1)
    rounds = 1 if quick else 5
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        paths = photographs(place)[: 128 if quick else None]
        loaders = {
            f"DataLoader, {workers} workers": DataLoader(
                Folder(paths), BATCH, shuffle=True, num_workers=workers, persistent_workers=False
            )
            for workers in (0, 2)
        }
        for peer, loader in loaders.items():
            yield speed("first epoch, from files", len(paths), lambda: first(paths), peer,
                        lambda loader=loader: drain(loader), rounds)  # fmt: skip
        yield from formats(paths, place, rounds)
        with cache(place / "kept"):
            pixels = pixels_of_files(paths, [VIEW])[0][VIEW]
            for peer, loader in loaders.items():
                yield speed("later epochs", len(paths), lambda: epoch(pixels), peer,
                            lambda loader=loader: drain(loader), rounds)  # fmt: skip
            tensor = torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())
            yield speed("later epochs", len(paths), lambda: epoch(pixels),
                        "one (N, C, H, W) tensor, indexed", lambda: indexed(tensor),
                        3 * rounds)  # fmt: skip
            yield paired("second start", lambda: pixels_of_files(paths, [VIEW]),
                         lambda: first(paths), peer="all decoded again", rounds=rounds)  # fmt: skip
            yield memory(pixels, loaders["DataLoader, 2 workers"])
        yield from scales(paths, place, rounds)


def formats(paths: list[str], place: Path, rounds: int) -> Iterator[Row]:
    """The first epoch on one core, from files of several formats and sizes."""
    peer = "DataLoader, 0 workers"
    if not hasattr(os, "sched_setaffinity"):
        reason = "this system does not keep a process on one core"
        yield absent("first epoch, one core", "img/s", peer, reason)
        return
    some = [Image.open(path).convert("RGB") for path in paths[:: max(1, len(paths) // 64)][:64]]
    with one_core():
        yield first_beside("one core, JPEG", paths[:256], peer, rounds)
        for kind, side in (("png", None), ("webp", None), ("jpg", 1024)):
            files = []
            for number, image in enumerate(some[: None if side is None else 16]):
                if side is not None:
                    scale = side / min(image.size)
                    image = image.resize([round(scale * length) for length in image.size])
                files.append(str(place / f"{number}-{side}.{kind}"))
                image.save(files[-1], quality=90)
            name = f"{kind.upper()}, {side} px" if side else kind.upper()
            yield first_beside(f"one core, {name}", files, peer, rounds)


def first_beside(case: str, paths: list[str], peer: str, rounds: int) -> Row:
    loader = DataLoader(Folder(paths), BATCH, shuffle=True)
    return speed(f"first epoch, {case}", len(paths), lambda: first(paths), peer,
                 lambda: drain(loader), rounds)  # fmt: skip


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Threads that are started inside the block share one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def speed(
    case: str,
    count: int,
    ours: Callable[[], object],
    peer: str,
    theirs: Callable[[], object],
    rounds: int,
) -> Row:
    """Images a second, from runs in turns."""
    times = in_turns({"ours": ours, "theirs": theirs}, rounds)
    mine, others = (count / statistics.median(times[side]) for side in ("ours", "theirs"))
    ratio = ratio_of(times["ours"], times["theirs"])
    return compared(case, "img/s", mine, peer, others, ratio=ratio)


def first(paths: list[str]) -> None:
    """An epoch with an empty cache."""
    with tempfile.TemporaryDirectory() as folder, cache(Path(folder)):
        epoch(pixels_of_files(paths, [VIEW])[0][VIEW])


def epoch(pixels: np.ndarray) -> None:
    batches = Batches(pixels, np.zeros(len(pixels), np.int64), size=BATCH, seed=0)
    for _ in islice(batches, batches.steps_per_epoch):
        pass


def drain(loader: DataLoader[tuple[Tensor, int]]) -> None:
    for _ in loader:
        pass


def indexed(tensor: Tensor) -> None:
    for rows in torch.randperm(len(tensor)).split(BATCH):
        tensor[rows]


def memory(pixels: np.ndarray, loader: DataLoader[tuple[Tensor, int]]) -> Row:
    """What an epoch adds to the private memory of this process and its workers at most."""
    mine = peak(islice(Batches(pixels, np.zeros(len(pixels)), size=BATCH, seed=0), 20))
    others = peak(islice(loader, 20))
    case, peer = "memory added by an epoch", "DataLoader, 2 workers"
    return compared(case, "MiB", mine, peer, others, ratio=others / max(mine, 1.0))


def peak(batches: Iterator[object]) -> float:
    start, most = private(), 0.0
    for _ in batches:
        most = max(most, private() - start)
    return round(most, 1)


def private() -> float:
    """MiB that this process and its children share with nobody."""
    process, total = psutil.Process(), 0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += each.memory_full_info().uss
    return total / 2**20


def scales(paths: list[str], place: Path, rounds: int) -> Iterator[Row]:
    """Decoding at the JPEG scale that suffices, and all of it; the case names the difference."""
    some = [Path(path).read_bytes() for path in paths[:64]]
    large = [jpeg(place / "large.jpg", *LARGE, 0).read_bytes()]
    for case, files, view in (
        ("400 px photographs to 96 px", some, View(96, fraction=1.0)),
        ("12 megapixels to 224 px", large, VIEW),
    ):
        scaled = [images.render(data, [view])[0] for data in files]
        whole = [images.apply(images.decode(data, at_least=None), view) for data in files]
        difference = statistics.mean(
            float(np.abs(a.astype(int) - b).mean()) for a, b in zip(scaled, whole, strict=True)
        )
        yield paired(
            f"{case}, {difference:.2f} levels apart",
            lambda files=files, view=view: [images.render(data, [view]) for data in files],
            lambda files=files, view=view: [
                images.apply(images.decode(data, at_least=None), view) for data in files
            ],
            peer="every pixel decoded",
            rounds=3 * rounds,
        )


@contextlib.contextmanager
def cache(folder: Path) -> Iterator[None]:
    """Stores are kept in that folder inside the block."""
    before = os.environ.get("STRIATE_CACHE")
    os.environ["STRIATE_CACHE"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("STRIATE_CACHE")
        if before is not None:
            os.environ["STRIATE_CACHE"] = before


def photographs(place: Path) -> list[str]:
    """The paths of real photographs, or of made ones."""
    found = sorted(str(path) for path in (SHARED / "data" / "clothing").rglob("*.jpg"))
    return found or [str(jpeg(place / f"{n}.jpg", 400, 533, n)) for n in range(MADE)]


def jpeg(path: Path, width: int, height: int, seed: int) -> Path:
    """A made photograph: smooth colors, with grain."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (12, 9, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    grain = random.integers(-12, 13, smooth.shape, dtype=np.int16)
    Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)
    return path


if __name__ == "__main__":
    main(measure, __doc__)
