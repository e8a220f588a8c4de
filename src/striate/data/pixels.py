"""Every file decoded once, every view made of it, on all cores; what is broken is left out."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate import progress
from striate.data.dataset import SPLITS, TRAIN, Array, Dataset, Images
from striate.errors import DataError, ImageError, StorageError
from striate.files import cache_folder
from striate.images import View

IN_MEMORY = 2**30  # bytes; more than this is kept in a mapped file
CHUNK = 32  # images that a thread takes at a time


@dataclass(frozen=True, eq=False)
class Decoded:
    """A set and its pixels.

    Attributes:
        dataset: without the images that could not be read; they are in its `left_out`.
        pixels: for each view, (N, S, S, C) uint8, row for row the images of `dataset`.
    """

    dataset: Dataset
    pixels: Mapping[View, NDArray[np.uint8]]


def decode(dataset: Dataset, views: Sequence[View]) -> Decoded:
    """Decodes each image once and makes all views of it.

    Raises:
        DataError: if what can be read is not enough to learn from.
        StorageError: if the pixels fit neither in memory nor in the cache folder.
    """
    views = tuple(dict.fromkeys(views))
    stores = dict(zip(views, _stores([_shape(len(dataset), view) for view in views]), strict=True))
    rest = _plain_views(dataset.images, stores)
    broken = _decode_each(dataset.images, rest) if rest else {}
    if broken:
        good = np.setdiff1d(np.arange(len(dataset)), np.fromiter(broken, np.int64, len(broken)))
        stores = {view: _compact(store, good) for view, store in stores.items()}
        return _learnable(dataset, dataset.without(broken), stores)
    return Decoded(dataset, stores)


def _plain_views(
    images: Images, stores: Mapping[View, NDArray[np.uint8]]
) -> dict[View, NDArray[np.uint8]]:
    """Fills, in one go, views that leave pixels in memory as they are; returns the others."""
    if not isinstance(images, Array):
        return dict(stores)
    height, width = images.array.shape[1:3]
    rest = {}
    for view, store in stores.items():
        if view.keeps(height, width) and (view.channels == 3 or images.array.ndim == 3):
            pixels = images.array[images.rows]
            store[:] = pixels if pixels.ndim == 4 else pixels[..., None]
        else:
            rest[view] = store
    return rest


def _decode_each(images: Images, stores: Mapping[View, NDArray[np.uint8]]) -> dict[int, str]:
    """Fills all stores; the rows that could not be read, with the reasons."""
    broken: dict[int, str] = {}

    def work(rows: range) -> int:
        for row in rows:
            try:
                image = images[row]
            except ImageError as error:
                broken[row] = str(error)
                continue
            for view, store in stores.items():
                store[row] = pictures.apply(image, view)
        return len(rows)

    count = len(images)
    chunks = [range(first, min(first + CHUNK, count)) for first in range(0, count, CHUNK)]
    # Threads, not processes: Pillow lets go of the interpreter while it decodes and resizes.
    pool = ThreadPoolExecutor(max_workers=_cores())
    try:
        with progress.stage("decode", count) as stage:
            for done in as_completed([pool.submit(work, rows) for rows in chunks]):
                stage.advance(done.result(), note=f"{len(broken)} broken" if broken else "")
    finally:
        pool.shutdown(cancel_futures=True)
    return broken


def _learnable(
    before: Dataset, dataset: Dataset, stores: Mapping[View, NDArray[np.uint8]]
) -> Decoded:
    """Takes out classes whose every training image was broken, and refuses what then is no set."""
    learned = dataset.counts()[:, TRAIN] > 0
    lost = np.flatnonzero((before.counts()[:, TRAIN] > 0) & ~learned)
    emptied = [
        part
        for number, part in enumerate(SPLITS)
        if (before.split == number).any() and not (dataset.split == number).any()
    ]
    words = ", ".join(repr(dataset.classes[index]) for index in lost[:6])
    if emptied or (len(lost) and learned.sum() < 2):
        last = dataset.left_out[-1]
        missing = f" of {words}" if len(lost) else ""
        raise DataError(
            f"{dataset.name}: nothing left to learn from: no readable "
            f"{emptied[0] if emptied else 'train'} image{missing} ({last.name}: {last.reason})"
        )
    if not len(lost):
        return Decoded(dataset, stores)
    orphan = np.isin(dataset.targets, lost)
    stores = {view: _compact(store, np.flatnonzero(~orphan)) for view, store in stores.items()}
    reason = "no training image of its class can be read"
    data = dataset.without(dict.fromkeys(np.flatnonzero(orphan).tolist(), reason))
    kept = np.setdiff1d(np.arange(len(dataset.classes)), lost)
    data = replace(
        data,
        classes=tuple(dataset.classes[index] for index in kept),
        targets=np.searchsorted(kept, data.targets).astype(np.int64),
    )
    return Decoded(data.noted(f"classes left out, no training image can be read: {words}"), stores)


def _compact(store: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Those rows (ascending) moved to the front of the store, which is not copied."""
    for place, row in enumerate(rows):
        if place != row:
            store[place] = store[row]
    return store[: len(rows)]


def _shape(count: int, view: View) -> tuple[int, int, int, int]:
    return count, view.size, view.size, view.channels


def _stores(shapes: Sequence[tuple[int, ...]]) -> Iterator[NDArray[np.uint8]]:
    """Room for pixels: in memory, or all of it in mapped files where it is more than IN_MEMORY."""
    total = sum(prod(shape) for shape in shapes)
    for shape in shapes:
        yield np.empty(shape, np.uint8) if total <= IN_MEMORY else _mapped(shape, total)


def _mapped(shape: tuple[int, ...], total: int) -> NDArray[np.uint8]:
    """Room in a file that is gone when the process ends, however it ends."""
    folder = cache_folder() / "pixels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if total > free:
            raise StorageError(
                f"the pixels need {total / 2**30:.1f} GiB, {folder} has {free / 2**30:.1f}; set "
                "STRIATE_CACHE to a folder with more room"
            )
        # The file has no name (or loses it when closed, on Windows): nothing is left to clean up.
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):  # a full disk shows now, and not as a crash later
                os.posix_fallocate(file.fileno(), 0, prod(shape))
            mapped = np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)
    except OSError as error:
        raise StorageError(f"cannot keep pixels in {folder}: {error.strerror or error}") from error
    return np.asarray(mapped)


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
