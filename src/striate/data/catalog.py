"""The public sets that have a name here: what they are, where they come from, how they are opened.

A set is looked for in the folder that STRIATE_DATA names, then where the system has it, then among
the downloads; only then is it fetched, and what came is checked against the published checksum.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from striate import progress
from striate.data import cifar, idx
from striate.data.dataset import TRAIN, Array, Dataset
from striate.data.targets import Labels
from striate.errors import DataError, UnknownName, one_line
from striate.files import cache_folder

MNIST_CLASSES = tuple("0123456789")
FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One public set.

    Attributes:
        form: how its files are read; `sklearn` needs none.
        images: of all splits together.
        address: the folder on the net, ending in a slash.
        files: name and published MD5 of each.
        places: folders where a system package puts them.
    """

    title: str
    form: Literal["sklearn", "idx", "cifar"]
    images: int
    size: int
    classes: tuple[str, ...]
    licence: str
    source: str
    address: str = ""
    files: tuple[tuple[str, str], ...] = ()
    places: tuple[str, ...] = ()


CATALOG = {
    "digits": Entry(
        title="handwritten digits, 8 x 8, inside scikit-learn",
        form="sklearn",
        images=1_797,
        size=8,
        classes=MNIST_CLASSES,
        licence="CC BY 4.0",
        source="Alpaydin and Kaynak 1998, UCI: the test part of optdigits",
    ),
    "mnist": Entry(
        title="handwritten digits, 28 x 28",
        form="idx",
        images=70_000,
        size=28,
        classes=MNIST_CLASSES,
        licence="CC BY-SA 3.0",
        source="LeCun, Cortes and Burges 1998",
        address="https://ossci-datasets.s3.amazonaws.com/mnist/",
        files=(
            ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
            ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
            ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
    ),
    "fashion-mnist": Entry(
        title="articles of clothing, 28 x 28",
        form="idx",
        images=70_000,
        size=28,
        classes=FASHION_CLASSES,
        licence="MIT",
        source="Xiao, Rasul and Vollgraf 2017 (arXiv:1708.07747)",
        address="https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        files=(
            ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
            ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
            ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
        places=("/usr/share/datasets/fashion-mnist",),  # Debian's package of that name
    ),
    "cifar10": Entry(
        title="photographs of animals and vehicles, 32 x 32",
        form="cifar",
        images=60_000,
        size=32,
        classes=cifar.CLASSES,
        licence="none stated; cite the report",
        source="Krizhevsky 2009, Learning multiple layers of features from tiny images",
        address="https://www.cs.toronto.edu/~kriz/",
        files=(("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),),
    ),
}


def open_named(name: str, *, seed: int) -> Dataset[Labels]:
    """A set of the catalog; fetched if it is nowhere here.

    Raises:
        UnknownName: if the catalog has no such name.
        DataError: if it is not here and cannot be fetched; it says where to put the files.
    """
    if name not in CATALOG:
        raise UnknownName("data set", name, CATALOG)
    entry = CATALOG[name]
    if entry.form == "sklearn":
        return _digits(name, entry, seed)
    place = here(name) or fetch(name)
    if entry.form == "idx":
        return idx.open_idx(place, seed=seed, name=name, classes=entry.classes)
    return cifar.open_cifar(place, seed=seed, name=name)


def here(name: str) -> Path | None:
    """The folder (or archive) of a set that is on this machine already, or None.

    `digits` is in scikit-learn: its place is None, too.
    """
    entry = CATALOG[name]
    for folder in _folders(name, entry):
        for place in (folder, folder / "raw", folder / "cifar-10-batches-bin"):
            if place.is_dir() and _complete(place, entry):
                return place
        for file, _ in entry.files:
            if entry.form == "cifar" and (folder / file).is_file():
                return folder / file
    return None


def fetch(name: str) -> Path:
    """Downloads a set into the cache, checked against its published checksums; where it lies."""
    import pooch

    entry = CATALOG[name]
    folder = cache_folder() / "datasets" / name
    pooch.get_logger().setLevel("ERROR")  # the progress bar says all there is to say
    for file, checksum in entry.files:
        try:
            with progress.stage(f"fetch {file}") as stage:
                pooch.retrieve(
                    entry.address + file,
                    f"md5:{checksum}",
                    fname=file,
                    path=folder,
                    downloader=pooch.HTTPDownloader(progressbar=_Bar(stage), timeout=30),
                )
        except (OSError, ValueError) as error:  # no network or disk; a wrong checksum
            reason = one_line(error, 120)
            names = ", ".join(file for file, _ in entry.files)
            raise DataError(
                f"{name} is not on this machine and cannot be fetched ({type(error).__name__}: "
                f"{reason}); put {names} in a folder {name}/ and set STRIATE_DATA to the folder "
                "around it"
            ) from error
    return folder / entry.files[0][0] if entry.form == "cifar" else folder


class _Bar:
    """What pooch takes for a progress bar, in terms of a stage of ours: MiB."""

    def __init__(self, stage: progress.Stage):
        self.total = 0
        self._stage = stage
        self._bytes = 0

    def update(self, count: int) -> None:
        before, self._bytes = self._bytes >> 20, self._bytes + count
        self._stage.advance((self._bytes >> 20) - before, note=f"{self._bytes / 2**20:.0f} MiB")

    def reset(self) -> None:
        self._bytes = 0

    def close(self) -> None:
        return None


def _folders(name: str, entry: Entry) -> Sequence[Path]:
    """Where a set may lie, best first: below STRIATE_DATA, or that folder if it has the name."""
    folders = _system(entry)
    if root := os.environ.get("STRIATE_DATA"):
        own = Path(root).expanduser()
        folders = [own / name, *([own] if own.resolve().name == name else []), *folders]
    return [*folders, cache_folder() / "datasets" / name]


def _system(entry: Entry) -> list[Path]:
    return [Path(place) for place in entry.places]


def _complete(place: Path, entry: Entry) -> bool:
    if entry.form == "cifar":
        return cifar.is_cifar(place)
    return len(idx.find_idx(place)) >= 2


def _digits(name: str, entry: Entry, seed: int) -> Dataset[Labels]:
    from sklearn.datasets import load_digits

    values, targets = load_digits(return_X_y=True)
    pixels = np.rint(values * (255 / 16)).astype(np.uint8).reshape(-1, entry.size, entry.size)
    data = Dataset(
        name=name,
        inputs=Array(pixels, "digits"),
        targets=Labels(entry.classes, targets.astype(np.int64)),
        split=np.full(len(targets), TRAIN, dtype=np.int8),
    )
    return data.complete(seed)
