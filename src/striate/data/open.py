"""One word opens anything that can be learned from: `striate.data.open("photos/")`."""

import os
from pathlib import Path

from striate.data import cifar, coco, idx, voc
from striate.data.boxes import BoxedDataset
from striate.data.catalog import CATALOG, open_named
from striate.data.dataset import Dataset
from striate.data.folders import EXPECTED, open_folders
from striate.data.lists import open_list
from striate.errors import DataError, UnknownName
from striate.images import SUFFIXES

LISTS = (".csv", ".tsv", ".txt")
ARCHIVES = (".tar.gz", ".tgz", ".tar")
ENOUGH = "at least 3 (one to learn from, one to choose on, one to score), better 20 and more"


def open(path_or_name: str | os.PathLike[str], *, seed: int = 0) -> Dataset:
    """A set of images from a class folder, a CSV list, IDX files, CIFAR-10, or by its catalog name.

    A PASCAL VOC or COCO folder becomes a `BoxedDataset`.
    A name of the catalog is that set; `./digits` is the folder of the same name. Splits that the
    folder does not have are drawn: a fifth of all images for the test, a fifth of the rest for the
    validation, stratified, the same for the same seed.

    Raises:
        UnknownName: if it is neither a path here nor a name of the catalog.
        DataError: if there is nothing to learn from; it says what is expected.
    """
    word = os.fspath(path_or_name)
    if not word or "\0" in word:
        raise DataError(f"{word!r} is no path; expected a folder, a list or a name")
    path = Path(word).expanduser()
    if isinstance(path_or_name, str) and word in CATALOG:
        data = open_named(word, seed=seed)
    elif path.is_dir():
        data = _open_folder(path, seed)
    elif path.exists():
        data = _open_file(path, seed)
    elif os.sep in word or path.suffix:
        raise DataError(f"{word}: no such folder or file")
    else:
        raise UnknownName("folder or data set", word, CATALOG)
    return _learnable(data, word)


def _open_folder(path: Path, seed: int) -> Dataset:
    try:
        for place in (path, path / "raw", path / "cifar-10-batches-bin"):
            if place.is_dir() and idx.find_idx(place):
                return idx.open_idx(place, seed=seed, name=path.resolve().name)
            if place.is_dir() and cifar.is_cifar(place):
                return cifar.open_cifar(place, seed=seed, name=path.resolve().name)
        if marked := voc.find_voc(path):
            return voc.open_voc(marked, seed=seed, name=path.resolve().name)
        if files := coco.find_coco(path):
            return coco.open_coco(path, files, seed=seed)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    return open_folders(path, seed=seed)


def _open_file(path: Path, seed: int) -> Dataset:
    name = path.name.lower()
    if name.endswith(LISTS):
        return open_list(path, seed=seed)
    if idx.FILE.fullmatch(path.name):
        return idx.open_idx(path.parent, seed=seed, only=path)
    if name.endswith(ARCHIVES) and "cifar" in name:
        return cifar.open_cifar(path, seed=seed)
    if name.endswith((".zip", *ARCHIVES)):
        raise DataError(f"{path}: an archive; unpack it and open the folder")
    if path.suffix.lower() in SUFFIXES:
        raise DataError(f"{path}: one image; expected {EXPECTED}")
    raise DataError(f"{path}: not a folder, a list (.csv) or an IDX file")


def _learnable(data: Dataset, word: str) -> Dataset:
    """The set, if every class has enough images to learn from, choose on and score."""
    if isinstance(data, BoxedDataset):
        return data  # classes are those of objects there, and any number in an image is right
    train, validation, test = data.counts().T
    total = train + validation + test
    if total.max() == 1:
        raise DataError(f"{word}: one image a class; expected {ENOUGH}")
    if data.drawn and not (validation.any() and test.any()):
        raise DataError(f"{word}: {total.min()} images in the smallest class; expected {ENOUGH}")
    if not (alone := [data.classes[row] for row in (total == 1).nonzero()[0]]):
        return data
    names = ", ".join(alone[:6]) + (f" and {len(alone) - 6} more" if len(alone) > 6 else "")
    return data.noted(f"one image only, which is learned from and never tested: {names}")
