"""A look into a few files, to know what format a folder is in."""

from collections.abc import Sequence
from pathlib import Path

from striate.files import open_regular

SOME = 12  # files that are looked into
START = 2**14  # bytes of each


def some_of(files: Sequence[str]) -> list[str]:
    """Some of many, from all over the folder."""
    if len(files) <= SOME:
        return list(files)
    return [files[place * (len(files) - 1) // (SOME - 1)] for place in range(SOME)]


def start_of(path: Path, count: int = START) -> bytes:
    """The first bytes of a file; none if it cannot be read or is not a regular file."""
    try:
        with open_regular(path) as file:
            return file.read(count)
    except (OSError, ValueError):
        return b""


def holds(path: Path, *words: bytes) -> bool:
    """Whether all of these words of ASCII stand in a file, wherever, in any encoding."""
    missing, tail = set(words), b""
    try:
        with open_regular(path) as file:
            wide = file.read(2) in (b"\xff\xfe", b"\xfe\xff")
            file.seek(0)
            while missing and (block := file.read(2**20)):
                block = tail + (block.replace(b"\0", b"") if wide else block)
                missing = {word for word in missing if word not in block}
                tail = block[-64:]
    except (OSError, ValueError):
        return False
    return not missing


def starts_with_tag(path: Path, tag: str) -> bool:
    """Whether an XML file's first element is of that name, in any encoding."""
    data = start_of(path).replace(b"\0", b"")
    place = 0
    while (place := data.find(b"<", place)) >= 0:
        if data[place + 1 : place + 2] not in (b"?", b"!"):
            rest = data[place + 1 : place + 2 + len(tag)]
            return rest[:-1] == tag.encode() and not rest[-1:].isalnum()
        place += 1
    return False
