"""What a TIFF holds that Pillow does not read, as its first directory says (TIFF 6.0)."""

import struct

BITS, COMPRESSION, SAMPLES, FORMAT = 258, 259, 277, 339
WIDTHS = {1: 1, 3: 2, 4: 4}  # bytes of a number by its type: BYTE, SHORT, LONG
KINDS = {1: "", 2: "signed ", 3: "floating point ", 5: "complex ", 6: "complex "}
ENTRIES = 1000


def described(data: bytes) -> str | None:
    """As "13 bands of 16 bits"; None where that is nothing unusual, or cannot be read."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or data[2:4] not in (b"*\0", b"\0*"):
        return None
    try:
        tags = _tags(data, order)
    except struct.error:
        return None
    bands = (tags.get(SAMPLES) or [1])[0]
    bits = (tags.get(BITS) or [1])[0]
    kind = KINDS.get((tags.get(FORMAT) or [1])[0], "")
    if bands <= 4 and bits in (1, 2, 4, 8, 16) and not kind:
        return None
    values = f"{bits} {kind}bits"
    return f"{bands} bands of {values}" if bands > 1 else values


def _tags(data: bytes, order: str) -> dict[int, list[int]]:
    """The numbers of the tags that count, of the first directory."""
    (place,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, place)
    found = {}
    for entry in range(min(count, ENTRIES)):
        at = place + 2 + 12 * entry
        tag, form, length = struct.unpack_from(f"{order}HHI", data, at)
        if tag in (BITS, COMPRESSION, SAMPLES, FORMAT) and form in WIDTHS and length:
            width = WIDTHS[form]
            start = at + 8
            if width * length > 4:
                (start,) = struct.unpack_from(f"{order}I", data, at + 8)
            letter = {1: "B", 2: "H", 4: "I"}[width]
            found[tag] = [struct.unpack_from(f"{order}{letter}", data, start)[0]]
    return found
