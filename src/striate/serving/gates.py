"""What is seen of an input before memory is taken for it, for each kind of inputs."""

from collections.abc import Callable, Mapping

from striate import audio
from striate.errors import AudioError
from striate.serving.costs import Cost
from striate.serving.media import check
from striate.serving.refusals import TOO_LARGE, UNREADABLE, Unanswered
from striate.serving.settings import Limits

SAMPLE = 13  # bytes for each sample of a recording that is decoded and mixed
CHARACTER = 150  # for each byte of a text, until it is prepared: its words, one by one
RESAMPLED = 24  # for each sample of what becomes of it, until features are all that is kept


def picture(data: bytes, limits: Limits, cost: Cost) -> int:
    """Bytes that it takes to prepare the picture in a file.

    Raises:
        Unanswered: if it is too large, or of no format for strangers.
    """
    return cost.picture(data, check(data, limits))


def recording(data: bytes, limits: Limits, cost: Cost) -> int:
    """Bytes that it takes to prepare the recording in a file, by what its header claims.

    Raises:
        Unanswered: if it is too large or too long, or none.
    """
    if len(data) > limits.image_bytes:
        raise Unanswered(TOO_LARGE, f"a recording has at most {limits.image_bytes:,} bytes")
    if not data:
        raise Unanswered(UNREADABLE, "empty file")
    try:
        found = audio.header(data)
    except AudioError as error:
        raise Unanswered(UNREADABLE, str(error)) from None
    seconds = audio.MAX_SECONDS if found.seconds is None else found.seconds
    samples = int(seconds * audio.RATE)
    return int(SAMPLE * seconds * found.rate) + RESAMPLED * samples + cost.of_pixels(samples)


def text(data: bytes, limits: Limits, cost: Cost) -> int:
    """Bytes that it takes to prepare a text.

    Raises:
        Unanswered: if it is too large.
    """
    if len(data) > limits.text_bytes:
        raise Unanswered(TOO_LARGE, f"a text has at most {limits.text_bytes:,} bytes")
    return CHARACTER * len(data) + cost.of_pixels(len(data))


def of_parts(thing: str, data: bytes | tuple[bytes, ...], limits: Limits, cost: Cost) -> int:
    """Bytes that it takes to prepare an input, or the parts of one.

    Args:
        thing: what an input is (`Task.takes`).

    Raises:
        Unanswered: if a part is too large, or none of its kind.
    """
    parts = data if isinstance(data, tuple) else (data,)
    kinds = PARTS.get(thing, (thing,) * len(parts))
    return sum(GATES[kind](part, limits, cost) for kind, part in zip(kinds, parts, strict=True))


PARTS: Mapping[str, tuple[str, ...]] = {"question": ("image", "text")}
"""Of what such an input is made."""
GATES: Mapping[str, Callable[[bytes, Limits, Cost], int]] = {
    "image": picture,
    "recording": recording,
    "text": text,
}
"""By what a part of an input is."""
