"""Bytes and samples: the one rule by which a recording is decoded, and its acoustic features."""

from striate.audio.decoding import (
    MAX_BYTES,
    MAX_SECONDS,
    RATE,
    SUFFIXES,
    Header,
    decode,
    header,
    load,
    read,
)
from striate.audio.features import (
    Filters,
    deltas,
    frames,
    log_mel,
    mel_filters,
    mfcc,
    normalized,
)

__all__ = [
    "MAX_BYTES",
    "MAX_SECONDS",
    "RATE",
    "SUFFIXES",
    "Filters",
    "Header",
    "decode",
    "deltas",
    "frames",
    "header",
    "load",
    "log_mel",
    "mel_filters",
    "mfcc",
    "normalized",
    "read",
]
