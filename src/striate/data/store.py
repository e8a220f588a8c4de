"""Decoded pixels that stay: a folder of plain files for each list of pictures and each view.

    CACHE/pixels/VIEW/KEY/       complete; the key is a hash of what the files hold, in their order
        pixels                   (M, S, S, C) uint8: the pictures that could be read
        index.npz                of all N: contents, stamps, sums; of the broken: the reasons
    CACHE/pixels/VIEW/KEY.part/  under construction; whoever holds KEY.lock goes on with it

A part becomes complete by being renamed, after all of it has reached the disk.
"""

import hashlib
import json
import mmap
import os
import shutil
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate import progress
from striate.data.contents import Marks
from striate.errors import StorageError
from striate.files import Lock, cache_folder, writing
from striate.images import RULE, View

BOUND = 10 * 2**30  # bytes of all stores together; one that is larger stands alone
SHARE = 0.5  # of the room there would be without stores: they never take more, all together
SAMPLED = 16  # rows whose checksums are looked at when a store is opened
SUM = np.dtype("<u4")
NO_RESERVE = 0x4000  # MAP_NORESERVE of Linux, which Python does not name before 3.13


@dataclass(frozen=True, eq=False)
class Store:
    """Complete pixels of a list of files in one view.

    Attributes:
        pixels: (M, S, S, C) uint8, mapped; row for row the files that are not broken.
        contents: (N, 16) hashes of the files' bytes.
        stamps: (N, 16) of the files when they were hashed.
        sums: (N,) checksums of the rows; 0 where broken.
        broken: reasons by row of N.
    """

    folder: Path
    pixels: NDArray[np.uint8]
    contents: Marks
    stamps: Marks
    sums: NDArray[np.uint32]
    broken: Mapping[int, str]

    def places(self) -> NDArray[np.int64]:
        """(N,) where the pixels of each file lie among the M; nothing of use for the broken."""
        return np.cumsum(self.sums != 0) - 1


def shelf(view: View) -> Path:
    """The folder of all stores of a view, as this version of striate and of Pillow decodes it."""
    import PIL

    rule = json.dumps([RULE, PIL.__version__, asdict(view)], sort_keys=True)
    name = f"{view.size}-{view.fit}-{hashlib.sha256(rule.encode()).hexdigest()[:12]}"
    return cache_folder() / "pixels" / name


def key_of(contents: Marks) -> str:
    """Names these contents in this order."""
    return hashlib.sha256(contents.tobytes()).hexdigest()[:32]


def open_store(folder: Path, view: View) -> Store | None:
    """The store in a folder; None if there is none, or one that was cut short or damaged."""
    shape = view.size, view.size, view.channels
    try:
        with (folder / "index.npz").open("rb") as file, np.load(file) as index:
            contents, stamps, sums = (index[name] for name in ("contents", "stamps", "sums"))
            broken = {int(row): str(why) for row, why in json.loads(bytes(index["broken"])).items()}
        pixels = _mapped(folder / "pixels", (int((sums != 0).sum()), *shape))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    some = np.linspace(0, len(pixels) - 1, min(len(pixels), SAMPLED)).astype(int)
    if any(checksum(pixels[row]) != sums[sums != 0][row] for row in some):
        return None
    return Store(folder, pixels, contents, stamps, sums, broken)


def stores(view: View) -> Iterator[Store]:
    """All sound stores of a view."""
    place = shelf(view)
    for folder in sorted(place.iterdir()) if place.is_dir() else ():
        if "." not in folder.name and (store := open_store(folder, view)):
            yield store


def used(store: Store, stamps: Marks) -> None:
    """Notes that a store is used now, by files of these stamps, whose contents are the same."""
    with suppress(OSError, StorageError):  # a cache that may only be read serves as well
        if not np.array_equal(stamps, store.stamps):
            write_index(store.folder, store.contents, stamps, store.sums, store.broken)
        os.utime(store.folder)


def write_index(
    folder: Path,
    contents: Marks,
    stamps: Marks,
    sums: NDArray[np.uint32],
    broken: Mapping[int, str],
) -> None:
    """Writes what a store knows beside its pixels, atomically."""
    reasons = np.frombuffer(json.dumps({str(k): v for k, v in broken.items()}).encode(), np.uint8)
    with writing(folder / "index.npz") as path, path.open("wb") as file:
        np.savez(file, contents=contents, stamps=stamps, sums=sums, broken=reasons)


def checksum(row: NDArray[np.uint8]) -> int:
    """CRC-32 of a row; never 0, which says that there is none."""
    return zlib.crc32(row.data) or 1


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Inside the block no other process builds that store; waits for one that does."""
    with Lock(folder.with_name(f"{folder.name}.lock")) as lock:
        if not lock.acquire():
            with progress.stage("wait for another process that decodes the same pictures"):
                while not lock.acquire():
                    time.sleep(0.05)
        yield


def make_room(needed: int, *, keep: set[Path]) -> None:
    """Removes the stores used longest ago until `needed` bytes more respect BOUND and SHARE.

    Raises:
        StorageError: if the disk has not as much room.
    """
    root = cache_folder() / "pixels"
    root.mkdir(parents=True, exist_ok=True)
    held = sorted(_held(root))
    total = sum(size for _, size, _ in held)
    bound = min(BOUND, SHARE * (shutil.disk_usage(root).free + total))
    for _, size, folder in held:
        if total + needed <= bound:
            break
        if folder in keep:
            continue
        with Lock(folder.with_name(f"{folder.stem}.lock")) as lock:
            if lock.acquire():  # nobody is building it
                shutil.rmtree(folder, ignore_errors=True)
                total -= size
    room = shutil.disk_usage(root).free
    if needed > room:
        raise StorageError(
            f"the pixels need {needed / 2**20:,.0f} MiB, {root} has {room / 2**20:,.0f}; set "
            "STRIATE_CACHE to a folder with more room"
        )


def _held(root: Path) -> Iterator[tuple[float, int, Path]]:
    """When it was used last, bytes and folder of every store and part."""
    for folder in root.glob("*/*"):
        try:
            if folder.is_dir():
                yield (
                    folder.stat().st_mtime,
                    sum(f.stat().st_size for f in folder.iterdir()),
                    folder,
                )
        except OSError:  # another process has just removed it
            continue


def _mapped(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A file as an array. Who writes to it changes their own memory and not the file."""
    if path.stat().st_size != prod(shape):
        raise ValueError(f"{path} has not the {prod(shape):,} bytes it should have")
    if not prod(shape):
        return np.empty(shape, np.uint8)
    with path.open("rb") as file:
        if sys.platform == "linux":  # without room being set aside for writes that nobody does
            flags, both = mmap.MAP_PRIVATE | NO_RESERVE, mmap.PROT_READ | mmap.PROT_WRITE
            view = mmap.mmap(file.fileno(), 0, flags=flags, prot=both)
        else:
            view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return np.frombuffer(view, np.uint8).reshape(shape)
