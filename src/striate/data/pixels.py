"""Every picture decoded once, every view made of it; what is broken is left out by name."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate import progress
from striate.data.dataset import SPLITS, TRAIN, Array, Dataset, Files, Images
from striate.data.kept import pixels_of_files
from striate.data.part import allocate
from striate.data.threads import each
from striate.errors import DataError, ImageError, StorageError
from striate.files import cache_folder
from striate.images import View

IN_MEMORY = 2**30  # bytes; more than this is kept in a mapped file


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

    Pixels of files are kept in the cache folder; the next time, only what changed is decoded.

    Raises:
        DataError: if what can be read is not enough to learn from.
        StorageError: if there is no room for the pixels.
    """
    views = tuple(dict.fromkeys(views))
    if isinstance(dataset.images, Files):
        paths = [str(dataset.images.path(row)) for row in range(len(dataset))]
        pixels, broken = pixels_of_files(paths, views)
    else:
        pixels, broken = _pixels_in_memory(dataset.images, views)
    if broken:
        return _learnable(dataset, dataset.without(broken), pixels)
    return Decoded(dataset, pixels)


def _pixels_in_memory(
    images: Images, views: Sequence[View]
) -> tuple[dict[View, NDArray[np.uint8]], dict[int, str]]:
    """Every view of what is no file, without the broken ones; those, with the reasons."""
    rooms = dict(zip(views, _rooms([_shape(len(images), view) for view in views]), strict=True))
    rest = _plain_views(images, rooms)
    broken = _decode_each(images, rest) if rest else {}
    if broken:
        good = np.setdiff1d(np.arange(len(images)), list(broken))
        rooms = {view: _taken(room, good) for view, room in rooms.items()}
    return rooms, broken


def _plain_views(
    images: Images, rooms: Mapping[View, NDArray[np.uint8]]
) -> dict[View, NDArray[np.uint8]]:
    """Fills, in one go, views that leave pixels in memory as they are; returns the others."""
    if not isinstance(images, Array):
        return dict(rooms)
    height, width = images.array.shape[1:3]
    rest = {}
    for view, room in rooms.items():
        if view.keeps(height, width) and (view.channels == 3 or images.array.ndim == 3):
            plain = images.array[images.rows]
            room[:] = plain if plain.ndim == 4 else plain[..., None]
        else:
            rest[view] = room
    return rest


def _decode_each(images: Images, rooms: Mapping[View, NDArray[np.uint8]]) -> dict[int, str]:
    """Fills all rooms; the rows that could not be read, with the reasons."""
    broken: dict[int, str] = {}

    def work(row: int) -> None:
        try:
            image = images[row]
        except ImageError as error:
            broken[row] = str(error)
            return
        for view, room in rooms.items():
            room[row] = pictures.apply(image, view)

    with progress.stage("decode", len(images)) as stage:
        for done in each(range(len(images)), work):
            stage.advance(done, note=f"{len(broken)} broken" if broken else "")
    return broken


def _learnable(
    before: Dataset, dataset: Dataset, pixels: Mapping[View, NDArray[np.uint8]]
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
        return Decoded(dataset, pixels)
    orphan = np.isin(dataset.targets, lost)
    pixels = {view: _taken(every, np.flatnonzero(~orphan)) for view, every in pixels.items()}
    reason = "no training image of its class can be read"
    data = dataset.without(dict.fromkeys(np.flatnonzero(orphan).tolist(), reason))
    kept = np.setdiff1d(np.arange(len(dataset.classes)), lost)
    data = replace(
        data,
        classes=tuple(dataset.classes[index] for index in kept),
        targets=np.searchsorted(kept, data.targets).astype(np.int64),
    )
    return Decoded(data.noted(f"classes left out, no training image can be read: {words}"), pixels)


def _taken(pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Those rows."""
    (room,) = _rooms([(len(rows), *pixels.shape[1:])])
    for place, row in enumerate(rows):
        room[place] = pixels[row]
    return room


def _shape(count: int, view: View) -> tuple[int, int, int, int]:
    return count, view.size, view.size, view.channels


def _rooms(shapes: Sequence[tuple[int, ...]]) -> Iterator[NDArray[np.uint8]]:
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
                f"the pixels need {total / 2**20:,.0f} MiB, {folder} has {free / 2**20:,.0f}; set "
                "STRIATE_CACHE to a folder with more room"
            )
        # The file has no name (or loses it when closed, on Windows): nothing is left to clean up.
        with tempfile.TemporaryFile(dir=folder) as file:
            allocate(file.fileno(), prod(shape))
            mapped = np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)
    except OSError as error:
        raise StorageError(f"cannot keep pixels in {folder}: {error.strerror or error}") from error
    return np.asarray(mapped)
