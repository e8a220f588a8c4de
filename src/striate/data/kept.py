"""The pixels of files: out of their stores, which are built where they are missing."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate import progress
from striate.data.contents import UNKNOWN, Marks, content_of, contents_of, stamps_of
from striate.data.part import Part
from striate.data.store import (
    Store,
    alone,
    key_of,
    make_room,
    open_store,
    shelf,
    stores,
    used,
)
from striate.data.threads import each
from striate.errors import ImageError, StorageError
from striate.images import View


def pixels_of_files(
    paths: Sequence[str], views: Sequence[View]
) -> tuple[dict[View, NDArray[np.uint8]], dict[int, str]]:
    """Every view of the pictures that can be read, row for row; why the others cannot, by row.

    Raises:
        StorageError: if the pixels cannot be kept in the cache folder.
    """
    stamps = stamps_of(paths)
    contents, broken = contents_of(paths, stamps, _known(views))
    rows = np.flatnonzero(contents.any(axis=1))  # the others' bytes could not be had this time
    contents, stamps, key = contents[rows], stamps[rows], key_of(contents[rows])
    found = {}
    for view in views:
        if (store := _open(view, key, contents)) is not None:
            found[view] = store
    rest = [view for view in views if view not in found]
    if rest:
        found |= _build(rest, key, [paths[row] for row in rows.tolist()], contents, stamps)
    lost: dict[int, str] = {}
    for store in found.values():
        used(store, stamps)
        lost |= store.broken
    pixels = {}
    for view, store in found.items():
        odd = sorted(set(lost) - set(store.broken))  # what another view's store cannot show
        pixels[view] = np.delete(store.pixels, store.places()[odd], 0) if odd else store.pixels
    return {view: pixels[view] for view in views}, broken | {
        int(rows[row]): reason for row, reason in lost.items()
    }


def _known(views: Sequence[View]) -> dict[bytes, bytes]:
    """What files of a stamp hold, as far as stores of these views know."""
    known: dict[bytes, bytes] = {}
    for view in views:
        for store in stores(view):
            known.update(zip(map(bytes, store.stamps), map(bytes, store.contents), strict=True))
    known.pop(UNKNOWN, None)
    return known


def _open(view: View, key: str, contents: Marks) -> Store | None:
    store = open_store(shelf(view) / key, view)
    return store if store and np.array_equal(store.contents, contents) else None


def _build(
    views: Sequence[View], key: str, paths: Sequence[str], contents: Marks, stamps: Marks
) -> dict[View, Store]:
    """The stores of these views; files are read once for all of them."""
    found: dict[View, Store] = {}
    with ExitStack() as held:
        for view in sorted(views, key=shelf):  # in one order, so that no two wait for each other
            held.enter_context(alone(shelf(view) / key))
            if store := _open(view, key, contents):  # another process was faster
                found[view] = store
        rest = [view for view in views if view not in found]
        places = {view: shelf(view) / f"{key}.part" for view in rest}
        parts: dict[View, Part] = {}
        try:
            donors = {view: _likest(view, contents) for view in rest}
            _make_room(places, len(paths), [store.folder for store in donors.values() if store])
            for view, place in places.items():
                parts[view] = part = Part(place, view, contents, stamps)
                held.callback(part.close)
                if donor := donors[view]:
                    part.copy(donor)
            _fill(parts, paths)
            for view, part in parts.items():
                part.finish(shelf(view) / key)
                found[view] = _finished(shelf(view) / key, view)
        except (OSError, StorageError) as error:  # no half store is left to fill the disk
            for place in places.values():
                shutil.rmtree(place, ignore_errors=True)
            if isinstance(error, StorageError):
                raise
            raise StorageError(
                f"cannot keep pixels in {shelf(rest[0]).parent}: {error.strerror or error}; set "
                "STRIATE_CACHE to a folder with more room"
            ) from error
    return found


def _likest(view: View, contents: Marks) -> Store | None:
    """The store that has most of these contents; None if none has any."""
    wanted = {content.tobytes() for content in contents}
    count, best = 0, None
    for store in stores(view):
        common = sum(content.tobytes() in wanted for content in store.contents)
        if common > count:
            count, best = common, store
    return best


def _make_room(places: Mapping[View, Path], count: int, keep: Sequence[Path]) -> None:
    sizes = {
        view: count * view.size * view.size * view.channels
        for view, place in places.items()
        if not place.exists()  # one that is gone on with has its room already
    }
    make_room(sum(sizes.values()), keep={*keep, *places.values()})


def _finished(folder: Path, view: View) -> Store:
    store = open_store(folder, view)
    if store is None:
        raise StorageError(f"the pixels just written to {folder} cannot be read back")
    return store


def _fill(parts: Mapping[View, Part], paths: Sequence[str]) -> None:
    """Decodes what is missing in any part."""
    missing = {view: set(part.missing()) for view, part in parts.items()}
    rows = sorted(set().union(*missing.values()))
    if not rows:
        return

    def work(row: int) -> None:
        views = [view for view in parts if row in missing[view]]
        content = UNKNOWN
        try:
            data = pictures.load(paths[row])
            content = content_of(data)
            rendered = pictures.render(data, views)
        except ImageError as error:
            if isinstance(error.__cause__, MemoryError):  # says nothing of the file
                content = UNKNOWN
            for view in views:
                parts[view].fail(row, str(error), content)
            return
        for view, pixels in zip(views, rendered, strict=True):
            parts[view].put(row, pixels, content)

    first = next(iter(parts.values()))
    with progress.stage("read pictures", len(paths)) as bar:
        bar.advance(len(paths) - len(rows))
        for done in each(rows, work):
            bar.advance(done, note=f"{len(first.broken)} broken" if first.broken else "")
