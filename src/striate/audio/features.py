"""Acoustic features: log-mel filter banks, cepstra, differences, and normalization.

Windows of 25 ms every 10 ms (Davis & Mermelstein 1980; Young et al., The HTK Book, Section 5). All
functions take several recordings at once, because one matrix product of all frames is faster than
one of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from striate.errors import AudioError

Features = NDArray[np.float32]
FLOOR = 1e-10  # of a band's energy, -100 dB: the logarithm of silence is finite
CHUNK = 1024  # frames that are transformed at a time, so that they stay in the cache


@dataclass(frozen=True)
class Filters:
    """How a recording becomes log-mel features; a frozen value that is stored with a recognizer.

    Attributes:
        rate: Hz of the samples.
        window, step: samples of a window, and from one to the next.
        bands: triangular filters, equally wide in mel.
        low, high: Hz where the first begins and the last ends.
        emphasis: `x[t] - emphasis * x[t - 1]` is analyzed: speech is weak in high frequencies.
        energy: whether the logarithm of the frame's whole energy is one more feature, the last.
    """

    rate: int = 16_000
    window: int = 400
    step: int = 160
    bands: int = 40
    low: float = 20.0
    high: float = 7_600.0
    emphasis: float = 0.97
    energy: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.step <= self.window <= 16_384:
            raise ValueError(f"a step of {self.step} and a window of {self.window} samples")
        if not 0 <= self.low < self.high <= self.rate / 2 or not 1 <= self.bands <= 512:
            raise ValueError(
                f"{self.bands} bands from {self.low:g} to {self.high:g} Hz at {self.rate} Hz"
            )

    @property
    def points(self) -> int:
        """Of the Fourier transform: the power of two that a window fits in."""
        return 1 << (self.window - 1).bit_length()

    @property
    def width(self) -> int:
        """Features of a frame."""
        return self.bands + self.energy


@cache
def mel_filters(filters: Filters) -> NDArray[np.float32]:
    """(points // 2 + 1, bands) weights of the bands: triangles of height 1 that overlap by half on
    the mel scale 1127 ln(1 + f / 700)."""
    mel = _mel(np.arange(filters.points // 2 + 1) * filters.rate / filters.points)
    edges = np.linspace(_mel(filters.low), _mel(filters.high), filters.bands + 2)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (mel[:, None] - left) / (middle - left)
    falling = (right - mel[:, None]) / (right - middle)
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hertz: "float | NDArray[np.float64]") -> NDArray[np.float64]:
    return 1127 * np.log1p(np.asarray(hertz, np.float64) / 700)


def frames(samples: int, filters: Filters) -> int:
    """How many whole windows so many samples have."""
    return max(0, 1 + (samples - filters.window) // filters.step)


def log_mel(recordings: Sequence[NDArray[np.float32]], filters: Filters) -> list[Features]:
    """Natural logarithms of the energy in each band: (T, filters.width) for each recording.

    Args:
        recordings: samples (N,) of each, at `filters.rate`.

    Raises:
        AudioError: if one is shorter than a window.
    """
    from scipy.fft import rfft  # here, for every command imports this module

    counts = [frames(len(each), filters) for each in recordings]
    if 0 in counts:
        raise AudioError(too_short(len(recordings[counts.index(0)]), filters))
    taper = np.hanning(filters.window + 1)[:-1].astype(np.float32)
    banks = mel_filters(filters)
    found = np.empty((sum(counts), filters.width), np.float32)
    place = 0
    for samples, count in zip(recordings, counts, strict=True):
        emphasized = samples.astype(np.float32, copy=True)
        emphasized[1:] -= np.float32(filters.emphasis) * samples[:-1]
        windows = sliding_window_view(emphasized, filters.window)[:: filters.step]
        for start in range(0, count, CHUNK):
            some = windows[start : start + CHUNK]
            spectrum = rfft(some * taper, filters.points, axis=1)
            power = spectrum.real**2 + spectrum.imag**2
            out = found[place : place + len(some)]
            np.matmul(power, banks, out=out[:, : filters.bands])
            if filters.energy:
                np.einsum("ij,ij->i", some, some, out=out[:, -1])
            place += len(some)
    np.log(np.maximum(found, FLOOR, out=found), out=found)
    return np.split(found, np.cumsum(counts)[:-1])


def too_short(samples: int, filters: Filters) -> str:
    """What to say of so few samples that they fill no window."""
    milliseconds = 1000 / filters.rate
    return (
        f"is {milliseconds * samples:.0f} ms long, shorter than one window of "
        f"{milliseconds * filters.window:.0f} ms"
    )


def mfcc(spectra: Sequence[Features], coefficients: int = 13) -> list[Features]:
    """Cepstra: the first coefficients of the orthonormal cosine transform (DCT-II) of log-mel
    features (T, bands), (T, coefficients) for each recording."""
    return [each @ cosines(each.shape[1], coefficients) for each in spectra]


@cache
def cosines(bands: int, coefficients: int) -> NDArray[np.float32]:
    """(bands, coefficients) of the cosine transform: a matrix product is faster for so few."""
    from scipy.fft import dct

    basis = dct(np.eye(bands), type=2, axis=1, norm="ortho")[:, :coefficients]
    return np.ascontiguousarray(basis, np.float32)


def deltas(features: Sequence[Features], order: int = 2, reach: int = 2) -> list[Features]:
    """Features (T, D) with their differences in time behind them: (T, D * (1 + order)).

    The first is the slope of the regression line over 2 * reach + 1 frames, where the first and the
    last frame stand for those beyond (The HTK Book, Section 5.9); the next is that of the first.
    """
    found = []
    weights = np.arange(-reach, reach + 1, dtype=np.float32)
    weights /= (weights**2).sum()
    for each in features:
        parts = [each]
        for _ in range(order):
            padded = np.pad(parts[-1], ((reach, reach), (0, 0)), mode="edge")
            slope = np.zeros_like(each)
            for k, weight in enumerate(weights):
                slope += weight * padded[k : k + len(each)]
            parts.append(slope)
        found.append(np.concatenate(parts, 1))
    return found


def normalized(features: Sequence[Features], groups: Sequence[int] | None = None) -> list[Features]:
    """Features (T, D) with mean 0 and variance 1 in each column.

    Args:
        groups: equal for recordings that share one mean and variance, as those of a speaker may;
            None: each has its own.
    """
    groups = range(len(features)) if groups is None else groups
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    found: list[Features] = list(features)
    for rows in members.values():
        every = np.concatenate([features[row] for row in rows])
        mean = every.mean(0, dtype=np.float64)
        spread = every.std(0, dtype=np.float64)
        shift, scale = mean.astype(np.float32), (1 / np.maximum(spread, 1e-5)).astype(np.float32)
        for row in rows:
            found[row] = (features[row] - shift) * scale
    return found
