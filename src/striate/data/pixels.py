"""Every picture decoded once, every view made of it; what is broken is left out by name."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate import progress
from striate.data.dataset import Array, Dataset, Files, Inputs
from striate.data.kept import pixels_of_files
from striate.data.narrowing import narrowed
from striate.data.part import allocate
from striate.data.prepared import Prepared
from striate.data.threads import each
from striate.errors import ImageError, StorageError
from striate.files import cache_folder
from striate.images import View
from striate.images.frames import is_deep

DEEP = (
    "images of more than 8 bits a pixel: of each the upper 8 are read, counted from the bit depth "
    "that its brightest pixel implies, here and in use"
)
SAMPLE = 24  # files of which that is asked
IN_MEMORY = 2**30  # bytes; more than this is kept in a mapped file


@dataclass(frozen=True, eq=False)
class Decoded(Prepared):
    """A set and its pixels.

    Attributes:
        pixels: for each view, (N, S, S, C) uint8, row for row the images of `dataset`.
    """

    pixels: Mapping[View, NDArray[np.uint8]]


def decode(dataset: Dataset, views: Sequence[View]) -> Decoded:
    """Decodes each image once and makes all views of it.

    Pixels of files are kept in the cache folder; the next time, only what changed is decoded.

    Raises:
        DataError: if what can be read is not enough to learn from.
        StorageError: if there is no room for the pixels.
    """
    views = tuple(dict.fromkeys(views))
    if isinstance(dataset.inputs, Files):
        paths = [str(dataset.inputs.path(row)) for row in range(len(dataset))]
        pixels, broken = pixels_of_files(paths, views)
        unknown = dataset.inputs.bits is None and any(view.bits is None for view in views)
        if unknown and DEEP not in dataset.notes and _some_are_deep(paths):
            dataset = dataset.noted(DEEP)
    else:
        pixels, broken = _pixels_in_memory(dataset.inputs, views)
    if broken:
        good = np.setdiff1d(np.arange(len(dataset)), list(broken))
        dataset, rows = narrowed(dataset, broken)
        if len(rows) < len(good):
            kept = np.flatnonzero(np.isin(good, rows))
            pixels = {view: _taken(every, kept) for view, every in pixels.items()}
    return Decoded(dataset, pixels)


def _some_are_deep(paths: Sequence[str]) -> bool:
    """Whether some pictures have more than 8 bits a pixel, as far as a sample tells."""
    places = np.linspace(0, len(paths) - 1, min(len(paths), SAMPLE)).astype(int)
    return any(is_deep(paths[place]) for place in places)


def _pixels_in_memory(
    images: Inputs, views: Sequence[View]
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
    images: Inputs, rooms: Mapping[View, NDArray[np.uint8]]
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


def _decode_each(images: Inputs, rooms: Mapping[View, NDArray[np.uint8]]) -> dict[int, str]:
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

    with progress.stage("read pictures", len(images)) as stage:
        for done in each(range(len(images)), work):
            stage.advance(done, note=f"{len(broken)} broken" if broken else "")
    return broken


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
