"""Files here and in object stores, by fsspec: only where a person names such an address."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, BinaryIO

from striate.errors import InputError, MissingExtra, UserError, one_line
from striate.files import open_regular
from striate.images.decoding import unread
from striate.inference.reading import Deferred
from striate.inference.walking import is_clutter

STORES = frozenset(
    ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci", "hdfs", "webhdfs", "hf",
     "memory")
)  # fmt: skip
LARGEST = 256 * 2**20  # bytes of one input, checked before it is read


def is_address(place: str) -> bool:
    """Whether it is one of an object store.

    >>> is_address("s3://bucket/a.jpg"), is_address("photos/a.jpg"), is_address("https://a.b/c")
    (True, False, False)
    """
    scheme, colon, _ = place.partition("://")
    return bool(colon) and scheme.lower() in STORES


def store_of(address: str) -> tuple[Any, str]:
    """fsspec's file system of an address, and the path in it.

    Raises:
        MissingExtra: if fsspec is not installed.
        UserError: if what it needs for such addresses is not, or they cannot be used.
    """
    if find_spec("fsspec") is None:
        raise MissingExtra("an object store", "cluster")
    from fsspec.core import url_to_fs

    try:
        store, path = url_to_fs(address)
    except ImportError as error:  # its one line names the package: s3fs, gcsfs, adlfs
        raise UserError(f"{address}: {one_line(error)}") from error
    except Exception as error:  # keys or addresses that a store's own library does not like
        raise UserError(f"{address}: cannot be opened: {one_line(error)}") from error
    return store, path


def opened(place: str) -> BinaryIO:
    """A file, to be read as a stream.

    Raises:
        InputError: if it cannot be opened; the text is the reason.
    """
    try:
        if not is_address(place):
            return open_regular(place)
        store, path = store_of(place)
        file: BinaryIO = store.open(path, "rb")
        return file
    except (OSError, ValueError) as error:
        raise InputError(unread(error)) from error
    except UserError:
        raise
    except Exception as error:  # what a store's own library raises
        raise InputError(f"cannot be read: {one_line(error)}") from error


@dataclass(frozen=True)
class Stored(Deferred):
    """A file in an object store."""

    address: str

    def fetch(self) -> bytes:
        """All of it, if it is not larger than LARGEST."""
        with opened(self.address) as file:
            try:
                data = file.read(LARGEST + 1)
            except Exception as error:  # what a store's own library raises
                raise InputError(f"cannot be read: {one_line(error)}") from error
        if len(data) > LARGEST:
            raise InputError(f"has more bytes than the limit of {LARGEST:,}")
        return data


def below(address: str, suffixes: Collection[str]) -> Iterator[str]:
    """The addresses that one stands for: itself, what a pattern (`*.jpg`) matches, or of a folder
    every file with one of these suffixes, in order.

    Raises:
        UserError: if there is none, or the store cannot be listed.
    """
    store, path = store_of(address)
    try:
        if any(sign in path for sign in "*?["):
            found = sorted(store.glob(path))
            if not found:
                raise UserError(f"{address}: no file matches this pattern")
            yield from (addressed(address, path, store, one) for one in found)
        elif not store.isdir(path):
            yield address
        else:
            for one in walked(store, path, suffixes):
                yield addressed(address, path, store, one)
    except UserError:
        raise
    except Exception as error:  # what a store's own library raises
        raise UserError(f"{address}: cannot be listed: {one_line(error)}") from error


def addressed(address: str, path: str, store: Any, found: str) -> str:
    """The address of what was found in a store, in the form that a person gave: `address`, whose
    path in the store is `path`."""
    start = address.rstrip("/").removesuffix(path.rstrip("/"))
    if start != address.rstrip("/"):
        return start + found
    return str(store.unstrip_protocol(found))


def walked(store: Any, root: str, suffixes: Collection[str]) -> Iterator[str]:
    """Every file with one of these suffixes below a folder, in order, as they are listed."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        entries = sorted(store.ls(folder, detail=True), key=lambda entry: entry["name"])
        folders = []
        for entry in entries:
            path = entry["name"].rstrip("/")
            name = path.rpartition("/")[2]
            if is_clutter(name) or path == folder.rstrip("/"):
                continue
            if entry["type"] == "directory":
                folders.append(path)
            elif any(name.lower().endswith(suffix) for suffix in suffixes):
                yield path
        waiting.extend(reversed(folders))
