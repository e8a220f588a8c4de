"""Tar archives as streams: against the standard library's reader, cut off, and made to harm."""

import io
import tarfile
from collections.abc import Callable

import pytest

from striate.recognizing import tar
from striate.recognizing.tar import Archive, Broken

LONG = "a/" * 80 + "long name.jpg"  # ustar holds 100 and 155
FILES = {"a.jpg": b"one", "ü/b.png": b"", "c": b"x" * 1024, LONG: b"three", "d.jpg": b"y" * 513}


def archive(mode: str = "w", form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as file:
        folder = tarfile.TarInfo("a")
        folder.type = tarfile.DIRTYPE
        file.addfile(folder)
        for name, data in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def read(data: bytes) -> dict[str, bytes]:
    return {member.name: member.read() for member in Archive(io.BytesIO(data))}


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_what_the_standard_library_wrote(mode, form):
    data = archive(mode, form)
    assert read(data) == FILES
    names = [member.name for member in Archive(io.BytesIO(data))]  # passed over unread
    assert names == list(FILES)


def test_links_and_devices_have_a_reason():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for name, kind in (
            ("l.jpg", tarfile.SYMTYPE),
            ("h.jpg", tarfile.LNKTYPE),
            ("d.jpg", tarfile.CHRTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            file.addfile(info)
    reasons = {member.name: member.reason for member in Archive(io.BytesIO(buffer.getvalue()))}
    assert "not followed" in reasons["l.jpg"]
    assert "not followed" in reasons["h.jpg"]
    assert reasons["d.jpg"] == "not a regular file"


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_what_is_cut_off_is_told_wherever_it_ends(mode):
    whole = archive(mode)
    end = len(whole) if mode == "w:gz" else len(archive()) - whole.count(b"\0", -9000)
    for length in range(20, min(end, 5000), 97):
        for use in (tar.Member.read, tar.Member.see):
            seen: list[str] = []
            with pytest.raises(Broken, match=r"cut off|damaged"):
                drain(whole[:length], use, seen)
            assert seen == list(FILES)[: len(seen)]


def drain(data: bytes, use: Callable[[tar.Member], object], seen: list[str]) -> None:
    for member in Archive(io.BytesIO(data)):
        use(member)
        seen.append(member.name)


def test_damage_is_told():
    data = bytearray(archive())
    data[700] ^= 255  # in the second header
    with pytest.raises(Broken, match="bad checksum"):
        read(bytes(data))
    with pytest.raises(Broken, match="cut off"):
        read(b"")
    with pytest.raises(Broken):
        read(b"no archive" * 100)


def header(name: str, size: int, kind: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def test_a_header_does_not_decide_how_much_memory_is_taken():
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
        with pytest.raises(Broken, match="a name of 8,589,934,592 bytes"):
            read(header("x", 2**33, kind) + bytes(1024))
    data = bytearray(header("x", 0, tarfile.REGTYPE))
    data[124:136] = b"\xff" * 12  # base 256: -1
    checksum = sum(data[:148]) + sum(data[156:512]) + 8 * 32
    data[148:156] = b"%06o\0 " % checksum
    with pytest.raises(Broken, match="below 0"):
        read(bytes(data))


def test_a_pax_header_that_contradicts_itself():
    for record in (b"99 path=a\n", b"no record", b"0 path=a\n", b"9 path\n"):
        block = record + bytes(512 - len(record))
        with pytest.raises(Broken, match="damaged"):
            read(header("x", len(record), tarfile.XHDTYPE) + block + bytes(1024))
