"""Bytes to samples: mono float32 at one sampling rate, from WAV, FLAC, Ogg and MP3.

Whatever is wrong with a file becomes one `AudioError` whose text is the short reason; it never
repeats the path, which the caller knows. What the header claims is compared with the limits before
any memory is taken for samples, and with what was really there afterwards.
"""

import io
import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.audio import claims
from striate.errors import AudioError, MissingExtra, one_line
from striate.files import open_regular

if TYPE_CHECKING:
    import soundfile

RATE = 16_000  # Hz that recordings are resampled to
MAX_BYTES = 256 * 2**20  # of a file, checked before it is read
MAX_SECONDS = 600.0  # of one recording
MAX_CHANNELS = 16
RATES = (4_000, 192_000)  # Hz that a header may claim
SLACK = 0.05  # seconds that a file may lack of what its header claims: a byte of padding is none
BLOCK = 65_536  # frames that are decoded and mixed at a time: channels never lie in memory whole
UNKNOWN = 2**62  # frames: what libsndfile gives where a header does not say

# Containers with a signature of their own; raw samples would accept any file.
FORMATS = frozenset(("WAV", "WAVEX", "RF64", "W64", "FLAC", "OGG", "MP3", "AIFF", "AU", "NIST"))
SUFFIXES = frozenset(
    (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".sph")
)


class Header(NamedTuple):
    """What the first bytes of a recording claim.

    Attributes:
        frames: samples of each channel; None where it does not say.
    """

    rate: int
    channels: int
    frames: int | None

    @property
    def seconds(self) -> float | None:
        """How long it claims to be."""
        return None if self.frames is None else self.frames / self.rate


def read(path: str | os.PathLike[str], *, rate: int = RATE) -> NDArray[np.float32]:
    """The recording in a file, as `decode` gives it.

    Raises:
        AudioError: if it cannot be read; the text is the reason, without the path.
    """
    return decode(load(path), rate=rate)


def load(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a recording's file.

    Raises:
        AudioError: if there are none to be had; the text is the reason, without the path.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise AudioError(f"has {size:,} bytes, more than the limit of {MAX_BYTES:,}")
            return file.read(MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        why = str(getattr(error, "strerror", None) or error)
        raise AudioError(why if why.startswith("is ") else f"cannot be read: {why}") from error


def header(data: bytes) -> Header:
    """What a file claims, without any of its samples.

    Raises:
        AudioError: if it is no recording, or claims what no recording has.
    """
    with _opened(data) as sound:
        return _checked(sound)


def decode(data: bytes, *, rate: int = RATE) -> NDArray[np.float32]:
    """The samples (N,) of a file's bytes, about [-1, 1]: the mean of all channels, at `rate`.

    Raises:
        AudioError: if it is no recording, holds no sound, is longer than MAX_SECONDS, or ends
            before its header says.
        MissingExtra: if soundfile is not installed.
    """
    if not data:
        raise AudioError("is an empty file")
    with _opened(data) as sound:
        claimed = _checked(sound)
        samples = _samples(sound, claimed)
    promised, there = claims.claimed(data) or (0, 0)
    seconds = len(samples) / claimed.rate
    if promised * seconds > there * (seconds + SLACK):
        raise AudioError(_cut_off(seconds, seconds * promised / there))
    if not np.isfinite(samples).all():
        raise AudioError("has samples that are not finite numbers")
    return resampled(samples, claimed.rate, rate)


def resampled(samples: NDArray[np.float32], old: int, new: int) -> NDArray[np.float32]:
    """Samples (N,) at another rate: (ceil(N * new / old),), what lies above half of it filtered
    out."""
    if old == new:
        return samples
    from scipy.signal import resample_poly

    return resample_poly(samples, new, old).astype(np.float32)  # takes their common factor out


def _opened(data: bytes) -> "soundfile.SoundFile":
    try:
        import soundfile
    except ModuleNotFoundError as error:
        raise MissingExtra("reading recordings", "audio") from error
    try:
        return soundfile.SoundFile(io.BytesIO(data))
    except (soundfile.SoundFileError, TypeError, ValueError, RuntimeError) as error:
        # TypeError: what a name without a suffix means to soundfile where no signature is found
        reason = one_line(getattr(error, "error_string", error), 80)
        raise AudioError(f"cannot be read as WAV, FLAC, Ogg or MP3 ({reason})") from error


def _checked(sound: "soundfile.SoundFile") -> Header:
    """What an opened file claims.

    Raises:
        AudioError: if no recording has that.
    """
    rate, channels, frames = sound.samplerate, sound.channels, sound.frames
    if sound.format not in FORMATS:
        raise AudioError(f"is {sound.format}, not WAV, FLAC, Ogg or MP3")
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(
            f"its header claims {rate:,} samples a second; {RATES[0]:,} to {RATES[1]:,} are read"
        )
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"its header claims {channels} channels; 1 to {MAX_CHANNELS} are read")
    if frames == 0:
        raise AudioError("holds no sound: 0 seconds")
    known = None if frames < 0 or frames >= UNKNOWN else frames
    if known is not None and known > MAX_SECONDS * rate:
        raise AudioError(_too_long(f"{known / rate:,.0f} s"))
    return Header(rate, channels, known)


def _too_long(seconds: str) -> str:
    return f"is {seconds} long; {MAX_SECONDS:,.0f} s are read at most: cut it into parts"


def _samples(sound: "soundfile.SoundFile", claimed: Header) -> NDArray[np.float32]:
    """All frames as mono samples (N,)."""
    import soundfile

    most = int(MAX_SECONDS * claimed.rate)
    blocks: list[NDArray[np.float32]] = []
    found = 0
    try:
        while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
            blocks.append(block.mean(1, dtype=np.float32))
            found += len(block)
            if found > most:
                raise AudioError(_too_long(f"more than {MAX_SECONDS:,.0f} s"))
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise AudioError(f"is damaged after {found / claimed.rate:.1f} s") from error
    if not found:
        raise AudioError("holds no sound: 0 seconds")
    if claimed.seconds is not None and found / claimed.rate < claimed.seconds:
        raise AudioError(_cut_off(found / claimed.rate, claimed.seconds))
    return np.concatenate(blocks)


def _cut_off(seconds: float, claimed: float) -> str:
    return f"is cut off: {seconds:.1f} of the {claimed:.1f} s that its header claims"
