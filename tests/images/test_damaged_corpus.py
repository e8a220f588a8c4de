"""5,000 damaged files made from real ones: each is a picture or refused with a reason, soon, and
without more memory than it deserves."""

import io
import random
import resource
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from striate.errors import ImageError
from striate.images import MAX_PIXELS, View, decode, read, render

COUNT = 5_000
SLOWEST = 30.0  # seconds of the processor for one: none holds it up, however slow the machine
MEMORY = 16 * MAX_PIXELS / 2**20  # MiB: no file takes more than 16 bytes a pixel of the limit
SUFFIXES = (".jpg", ".png", ".gif", ".webp", ".tif", ".bmp", ".txt", "")

Source = tuple[str, bytes]


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    """A picture as a file of some format."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def sources(photographs: list[Image.Image]) -> Iterator[Source]:
    """Sound files of every kind that people have, small ones."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for photograph in photographs:
        yield "JPEG", saved(photograph, "JPEG", quality=70)
        yield "JPEG, progressive", saved(photograph, "JPEG", progressive=True)
        yield "JPEG, CMYK", saved(photograph.convert("CMYK"), "JPEG")
        yield "JPEG, gray with a profile", saved(photograph.convert("L"), "JPEG")
        yield "JPEG, ICC", saved(photograph, "JPEG", icc_profile=profile)
        exif = Image.Exif()
        exif[0x0112] = 6
        yield "JPEG, turned", saved(photograph, "JPEG", exif=exif)
        yield "PNG", saved(photograph, "PNG")
        yield "PNG, palette", saved(photograph.quantize(16), "PNG")
        yield "PNG, alpha, ICC", saved(photograph.convert("RGBA"), "PNG", icc_profile=profile)
        deep = np.asarray(photograph.convert("L"), np.uint16) * 257
        yield "PNG, 16 bits", saved(Image.fromarray(deep), "PNG")
        yield "TIFF", saved(photograph, "TIFF", compression="tiff_lzw")
        yield "TIFF, 16 bits", saved(Image.fromarray(deep), "TIFF")
        yield "TIFF, CMYK", saved(photograph.convert("CMYK"), "TIFF")
        frames = [photograph.rotate(angle) for angle in (30, 60)]
        moving = {"save_all": True, "append_images": frames, "duration": 40}
        yield "GIF, animated", saved(photograph, "GIF", **moving)
        yield "WebP", saved(photograph, "WEBP", quality=60)
        yield "WebP, animated", saved(photograph, "WEBP", **moving)
        yield "BMP", saved(photograph, "BMP")
        yield "PPM", saved(photograph, "PPM")


def truncated(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def flipped(data: bytes, draw: random.Random) -> bytes:
    """1 to 16 bytes anywhere."""
    damaged = bytearray(data)
    for _ in range(draw.randint(1, 16)):
        damaged[draw.randrange(len(damaged))] = draw.randrange(256)
    return bytes(damaged)


def flipped_in_front(data: bytes, draw: random.Random) -> bytes:
    """1 to 4 bytes of the first 64: headers, sizes, offsets."""
    damaged = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        damaged[draw.randrange(min(64, len(damaged)))] = draw.randrange(256)
    return bytes(damaged)


def erased(data: bytes, draw: random.Random) -> bytes:
    """A run of zeros, as a disk that failed leaves it."""
    first = draw.randrange(len(data))
    length = min(draw.randint(1, 512), len(data) - first)
    return data[:first] + bytes(length) + data[first + length :]


def spliced(data: bytes, draw: random.Random) -> bytes:
    """A piece of it put in somewhere else."""
    first, second = sorted(draw.randrange(len(data)) for _ in range(2))
    where = draw.randrange(len(data))
    return data[:where] + data[first:second] + data[where:]


def prolonged(data: bytes, draw: random.Random) -> bytes:
    """Something behind its end."""
    return data + draw.randbytes(draw.randint(1, 2000))


def enormous(data: bytes, draw: random.Random) -> bytes:
    """The header promises up to 65,535 (or 2^31) pixels a side; checksums are right."""
    wide, high = (draw.choice((9_000, 30_000, 65_000)) for _ in range(2))
    if data.startswith(b"\x89PNG"):
        wide, high = (draw.choice((9_000, 60_000, 2**31 - 1)) for _ in range(2))
        body = b"IHDR" + struct.pack(">II", wide, high) + data[24:29]
        return data[:12] + body + struct.pack(">I", zlib.crc32(body)) + data[33:]
    if data.startswith(b"GIF8"):
        return data[:6] + struct.pack("<HH", wide, high) + data[10:]
    if data.startswith(b"BM"):
        return data[:18] + struct.pack("<ii", wide * 9, high * 9) + data[26:]
    for marker in (b"\xff\xc0", b"\xff\xc2"):
        place = data.find(marker)
        if data.startswith(b"\xff\xd8") and place > 0:
            return data[: place + 5] + struct.pack(">HH", high, wide) + data[place + 9 :]
    return flipped_in_front(data, draw)


DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    truncated, flipped, flipped_in_front, erased, spliced, prolonged, enormous,
)  # fmt: skip


def peak() -> float:
    """The most memory the process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


@pytest.fixture
def sound(shared: Callable[[str], Path]) -> list[Source]:
    """Every kind of file, of four photographs."""
    paths = sorted(shared("data/photos").glob("*.jpg"))[:4]
    photographs = [Image.open(path).convert("RGB").resize((96, 64)) for path in paths]
    return list(sources(photographs))


def test_the_sound_ones_are_pictures(sound: list[Source]) -> None:
    for kind, data in sound:
        pixels = decode(data)
        assert pixels.shape in ((64, 96, 3), (96, 64, 3)), kind


def test_every_damaged_file_is_a_picture_or_refused_with_a_reason(
    sound: list[Source], tmp_path: Path
) -> None:
    draw = random.Random(0)
    before, slowest, ends = peak(), 0.0, Counter[str]()
    for number in range(COUNT):
        kind, data = sound[number % len(sound)]
        damage = DAMAGES[number // len(sound) % len(DAMAGES)]
        path = tmp_path / f"picture{draw.choice(SUFFIXES)}"
        path.write_bytes(damage(data, draw))
        start = time.process_time()
        try:
            pixels = read(path)
        except ImageError as error:
            reason = str(error)
            assert reason, (kind, damage)
            assert "\n" not in reason
            assert len(reason) < 400
            ends["refused"] += 1
        else:
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3
            assert pixels.shape[2] == 3
            assert pixels.shape[0] * pixels.shape[1] <= MAX_PIXELS
            ends["picture"] += 1
        slowest = max(slowest, time.process_time() - start)
        path.unlink()
    assert sum(ends.values()) == COUNT
    assert min(ends.values()) > COUNT / 10  # the damage was neither nothing nor everything
    assert slowest < SLOWEST
    assert peak() - before < MEMORY


def test_enormous_promises_are_refused_before_memory_is_taken(sound: list[Source]) -> None:
    draw = random.Random(1)
    before, refused = peak(), 0
    for kind, data in sound:
        if not kind.startswith(("PNG", "JPEG", "BMP", "GIF")):
            continue
        for _ in range(3):
            try:
                render(enormous(data, draw), [View(32)])
            except ImageError:
                refused += 1
    assert refused > 50
    assert peak() - before < MEMORY
