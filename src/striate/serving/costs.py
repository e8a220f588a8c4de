"""What a picture costs in bytes, by its header: more than it takes, and never much more.

The numbers were measured as the peak of memory while pictures of 40 million pixels in every format
and color mode were decoded and brought into a view; see tests/serving/test_costs.py.
"""

from collections.abc import Collection
from dataclasses import dataclass
from math import prod

from striate.images.decoding import SCALES, Header
from striate.images.views import GAP
from striate.serving.account import bytes_of
from striate.tasks.contract import Predictor

PIXEL = 12  # bytes for each pixel of a picture that is decoded whole
HEAVY = 17  # the same of WebP and AVIF, whose decoders keep more
COEFFICIENTS = 7  # of a progressive JPEG, which are kept for every pixel at any scale
FRACTION = 0.5  # of the shorter side: a view is hardly ever a smaller part of a picture
FRAME = 18  # bytes for each pixel of a video's frame, until it is prepared
CONCEPT, ENTRY, THUMBNAIL = 330, 600, 24_000  # bytes of an answer, names apart
SCAN = b"\xff\xda"  # begins a scan of a JPEG


@dataclass(frozen=True)
class Cost:
    """What pictures and answers of one model take.

    Attributes:
        size: pixels a side that it reads, where that is fixed.
        prepared: bytes of any picture that is prepared, and `each`: for each of its pixels.
        name: bytes of the longest name of a class, in any language.
        numbers: in the arrays that answer a picture, where they are as many for each.
    """

    size: int | None
    prepared: int
    each: float
    name: int = 100
    numbers: int = 1000

    def picture(self, data: bytes, header: Header) -> int:
        """To decode and prepare the picture in a file."""
        pixels, each = header.width * header.height, PIXEL
        if data[:4] == b"RIFF" or data[4:8] == b"ftyp":
            each = HEAVY
        found = each * pixels
        if header.scalable and self.size:
            side, need = min(header.width, header.height), GAP * self.size / FRACTION
            scale = next(scale for scale in SCALES if scale == 1 or side >= scale * need)
            progressive = COEFFICIENTS * pixels if data.count(SCAN) > 1 else 0
            found = each * pixels // scale**2 + progressive
        return found + self.of_pixels(pixels)

    def frame(self, height: int, width: int) -> int:
        """To read and prepare a video's frame."""
        return FRAME * height * width + self.of_pixels(height * width)

    def of_pixels(self, pixels: int) -> int:
        """Of a prepared picture that has so many pixels."""
        return self.prepared + int(self.each * pixels)

    def entries(self, most: int, *, thumbnail: bool = False) -> int:
        """Of an answer with so many entries, as JSON."""
        return ENTRY + most * (CONCEPT + 2 * self.name) + THUMBNAIL * thumbnail

    def arrays(self) -> int:
        """Of an answer as tensors, while it is written."""
        return 70 * self.numbers


def cost_of(predictor: Predictor, names: Collection[str], numbers: int) -> Cost:
    """Measured on two blank inputs: what is prepared of each grows with it, or does not."""
    blanks = [predictor.blank(times) for times in (1, 2)]
    small, large = (bytes_of(predictor.rehearsed(times)) for times in (1, 2))
    pixels, more = (len(one) if isinstance(one, str) else prod(one.shape[:2]) for one in blanks)
    each = max(0.0, (large - small) / (more - pixels))
    longest = max((len(name.encode("unicode_escape")) for name in names), default=0)
    return Cost(predictor.size, max(0, round(small - each * pixels)), each, longest, numbers)
