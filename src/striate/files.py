"""Files that are whole or not there: written beside their place, then moved into it."""

import errno
import glob
import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from striate.errors import StorageError, UserError


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to; it takes the place of `path` when the block ends well.

    A killed process, a loss of power or a full disk leaves what stood at `path` before, and no half
    file: the bytes reach the disk before the new name does, and the name before the block ends.

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
        keep_names(path.parent)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def keep_names(folder: Path) -> None:
    """Has the disk keep which files a folder holds, where the system can open folders."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def leftovers(path: Path) -> Iterator[Path]:
    """Temporary files of processes that were killed while they wrote `path`; only who holds a lock
    on its folder may take them away."""
    return path.parent.glob(f".{glob.escape(path.name)}.*")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_bytes(path: str | os.PathLike[str], *, limit: int) -> bytes:
    """The whole of a file of at most `limit` bytes; the size is checked before memory is taken.

    Raises:
        UserError: if the file is larger, is no file, or cannot be read.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise UserError(f"{path} has {size:,} bytes, more than the limit of {limit:,}")
            return file.read(limit + 1)[:limit]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a file to be read as bytes, if it is a regular one.

    A pipe would wait for its writer for ever, and a device has no end.

    Raises:
        OSError: if it is another kind of file, or cannot be opened.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "is not a regular file")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def cache_folder() -> Path:
    """Where downloads and decoded pixels are kept: STRIATE_CACHE, else the system's own place."""
    if folder := os.environ.get("STRIATE_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "striate"


class Lock:
    """A lock between processes: a file that stands while one of them holds it.

    A process that is killed lets go of it, too.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Takes the lock if nobody has it; whether this object holds it now.

        Raises:
            StorageError: if the file cannot be made.
        """
        while self._handle is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                raise StorageError(
                    f"cannot write {self.path}: {error.strerror or error}"
                ) from error
            if not _taken(handle):
                os.close(handle)
                return False
            try:
                current = os.path.samestat(os.fstat(handle), self.path.stat())
            except FileNotFoundError:
                current = False
            if current:
                self._handle = handle
            else:  # who held it has removed the file in between: the next one is another file
                os.close(handle)
        return True

    def release(self) -> None:
        """Lets go of the lock, if it is held."""
        if self._handle is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _taken(handle: int) -> bool:
    """Locks an open file unless another process (or another handle) has locked it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def by_content(given: str | os.PathLike[str] | None) -> str | None:
    """A name as it is; a file as "sha256 ...", by what it holds, which may change under the same
    name; None for None."""
    if given is None or not Path(given).is_file():
        return None if given is None else str(given)
    with Path(given).open("rb") as file:
        return f"sha256 {hashlib.file_digest(file, 'sha256').hexdigest()}"
