"""Why the bytes of a file are not a picture, in a few words that a person can act on."""

from striate.images.tiff import described

SIGNATURES = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"RIFF", "WebP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\0\x0cjP", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
)
STRANGERS = (  # what people have and striate does not read
    (b"%PDF", "a PDF, not an image"),
    (b"%!PS", "PostScript, not an image; save it as PNG"),
    (b"8BPS", "a Photoshop file; save it as PNG"),
    (b"PK\x03\x04", "a zip archive, not an image"),
    (b"\x1f\x8b", "a gzip archive, not an image"),
)
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
TEXT = bytes({7, 8, 9, 10, 12, 13, 27, *range(32, 256)})  # bytes that text files are made of


def reason(data: bytes, error: Exception) -> str:
    """Why these bytes are not a picture, in a few words."""
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    start = data[:512]
    if start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS:
        return "HEIC cannot be read here; save it as JPEG"
    for signature, reason in STRANGERS:
        if start.startswith(signature):
            return reason
    if b"<svg" in start.lower():
        return "SVG has no pixels; save it as PNG"
    if not start.translate(None, TEXT):
        return "not an image (a text file?)"
    known = next((name for signature, name in SIGNATURES if start.startswith(signature)), None)
    if start[4:12] in (b"ftypavif", b"ftypavis"):
        known = "AVIF"
    if known is None:
        return "not an image that can be read"
    message = str(error).lower()
    cut = known == "WebP" and len(data) < 8 + int.from_bytes(data[4:8], "little")
    if cut or "truncated" in message or "unexpected end" in message:
        return f"truncated: the {known} ends after {len(data):,} bytes"
    if known == "TIFF" and (what := described(data)):
        return f"a TIFF of {what}, which is not a picture that can be shown; save RGB of 8 bits"
    return f"broken {known}"
