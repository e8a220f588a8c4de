"""Files that are whole or not there: written beside their place, then moved into it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from striate.errors import StorageError, UserError


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to; it takes the place of `path` when the block ends well.

    A killed process or a full disk leaves what stood at `path` before, and no half file.

    Raises:
        StorageError: if the disk is full or the folder may not be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_bytes(path: str | os.PathLike[str], *, limit: int) -> bytes:
    """The whole of a file of at most `limit` bytes; the size is checked before memory is taken.

    Raises:
        UserError: if the file is larger, is no file, or cannot be read.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > limit:
            raise UserError(f"{path} has {size:,} bytes, more than the limit of {limit:,}")
        with path.open("rb") as file:
            return file.read(limit + 1)[:limit]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error


def cache_folder() -> Path:
    """Where downloads and decoded pixels are kept: STRIATE_CACHE, else the system's own place."""
    if folder := os.environ.get("STRIATE_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "striate"
