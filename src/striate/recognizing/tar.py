"""A tar archive as a stream of its files, never unpacked, in fixed memory.

The standard library's `tarfile` keeps every header that it has read and takes the memory that a
header asks for; here a header is forgotten when the next is read, and names longer than LONGEST are
refused. Formats are those of POSIX 1003.1-1988 (ustar) and 1003.1-2001 (pax), and GNU's long names;
headers are parsed by the standard library.
"""

import bz2
import gzip
import lzma
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from striate.errors import InputError, one_line

CUT = "the archive ends in the middle of a file: it was cut off"
BLOCK = 512
LONGEST = 64 * 1024  # bytes of a name or of further headers
PIECE = 2**20  # that are passed over at a time
MAGIC: Mapping[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
DAMAGED = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, tarfile.TarError)


class Broken(InputError):
    """An archive that cannot be read any further."""


@dataclass
class Member:
    """A file in an archive; it must be read before the next is asked for.

    Attributes:
        reason: why it has no bytes of its own, as a link.
    """

    name: str
    size: int
    reason: str | None
    _archive: "Archive"

    def read(self) -> bytes:
        """All of it."""
        return self._archive.take(self.size)

    def see(self) -> None:
        """As `read`, without giving it: whether it is there."""
        self._archive.pass_over(self.size)


class Archive:
    """The regular files and links of an archive, in order.

    Args:
        file: where it begins; compressed by gzip, bzip2 or xz, or not.
    """

    def __init__(self, file: BinaryIO):
        head = file.read(6)
        file.seek(0)
        opener = next((opener for magic, opener in MAGIC.items() if head.startswith(magic)), None)
        self._file: BinaryIO = file if opener is None else opener(file)
        # What a plain file does not need is passed over without being read.
        self._end = _length(file) if opener is None else None
        self._place = 0
        self._left = 0  # of the member that is being read
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        """Raises Broken where the archive is damaged or cut off."""
        try:
            yield from self._members()
        except Broken:
            raise
        except DAMAGED as error:
            raise Broken(f"a damaged archive: {one_line(error)}") from error

    def _members(self) -> Iterator[Member]:
        name: str | None = None
        size: int | None = None
        sparse = False
        while True:
            self._pass(self._left + self._padding)
            header = self._exactly(BLOCK, "the archive ends without its end mark: it was cut off")
            if not header.strip(b"\0"):
                return
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
            if info.size < 0:
                raise Broken("a damaged archive: a size below 0")
            self._begin(info.size)
            if info.type == tarfile.GNUTYPE_LONGNAME:
                name = self._further(info.size).rstrip(b"\0").decode("utf-8", "surrogateescape")
            elif info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
                told = pax(self._further(info.size))
                name = told.get("path", name)
                size = int(told["size"]) if "size" in told else size
                sparse = any(key.startswith("GNU.sparse.") for key in told)
            elif info.type not in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
                if size is not None:
                    if size < 0:
                        raise Broken("a damaged archive: a size below 0")
                    self._begin(size)
                reason = "a sparse file, which is not read" if sparse else reason_of(info)
                if not info.isdir():
                    length = 0 if info.islnk() or info.issym() else self._left
                    yield Member(name or info.name, length, reason, self)
                name, size, sparse = None, None, False

    def _begin(self, size: int) -> None:
        self._left, self._padding = size, -size % BLOCK

    def take(self, size: int) -> bytes:
        """The next bytes of the member."""
        try:
            data = self._exactly(size, CUT)
        except DAMAGED as error:
            raise Broken(f"a damaged archive: {one_line(error)}") from error
        self._left -= size
        return data

    def pass_over(self, size: int) -> None:
        """As `take`, without giving it."""
        try:
            self._pass(size)
        except DAMAGED as error:
            raise Broken(f"a damaged archive: {one_line(error)}") from error
        self._left -= size

    def _further(self, size: int) -> bytes:
        if size > LONGEST:
            raise Broken(f"a damaged archive: a name of {size:,} bytes")
        return self.take(size)

    def _exactly(self, size: int, otherwise: str) -> bytes:
        data = self._file.read(size)
        while len(data) < size and (more := self._file.read(size - len(data))):
            data += more
        if len(data) < size:
            raise Broken(otherwise)
        self._place += size
        return data

    def _pass(self, size: int) -> None:
        if self._end is not None:
            if self._place + size > self._end:
                raise Broken(CUT)
            self._place += size
            self._file.seek(self._place)
            return
        while size > 0:
            size -= len(self._exactly(min(size, PIECE), CUT))


def reason_of(info: tarfile.TarInfo) -> str | None:
    """Why an entry cannot be read as a file; None if it can."""
    if info.islnk() or info.issym():
        return "a link, and links in an archive are not followed"
    if info.type == tarfile.GNUTYPE_SPARSE:
        return "a sparse file, which is not read"
    return None if info.isreg() else "not a regular file"


def pax(data: bytes) -> dict[str, str]:
    r"""The records of a pax header, "%d %s=%s\n" each with its own length in front.

    >>> pax(b"13 path=a.jpg\n"[:-1] + b"x")
    Traceback (most recent call last):
    striate.recognizing.tar.Broken: a damaged archive: a header that is no pax header
    >>> pax(b"14 path=a.jpg\n12 size=123\n")
    {'path': 'a.jpg', 'size': '123'}
    """
    found = {}
    while data:
        length, space, _ = data.partition(b" ")
        end = int(length) if space and length.isdigit() and len(length) < 8 else 0
        key, equals, value = data[len(length) + 1 : end].partition(b"=")
        if not equals or end > len(data) or not value.endswith(b"\n"):
            raise Broken("a damaged archive: a header that is no pax header")
        found[key.decode("utf-8", "replace")] = value[:-1].decode("utf-8", "surrogateescape")
        data = data[end:]
    return found


def _length(file: BinaryIO) -> int:
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    return end
