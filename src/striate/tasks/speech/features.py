"""From samples to what models read: the same steps in learning and in use."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from striate import audio
from striate.audio import Filters
from striate.data.recordings import FILTERS, Spectra
from striate.errors import AudioError
from striate.inference.reading import Input

CEPSTRA = 13
CHANNELS = 3  # a feature, its first and its second differences


def samples(item: Input, rate: int) -> NDArray[np.float32]:
    """A recording as samples (N,) at a rate.

    Args:
        item: a path, the bytes of a file, or samples (N,) that are at that rate already.

    Raises:
        AudioError: with the reason, if it cannot be read.
    """
    if isinstance(item, np.ndarray):
        if item.ndim != 1 or not np.issubdtype(item.dtype, np.floating):
            raise AudioError(f"samples are (N,) numbers in [-1, 1], not {item.shape} {item.dtype}")
        if not len(item):
            raise AudioError("holds no sound: 0 seconds")
        if len(item) > audio.MAX_SECONDS * rate:
            raise AudioError(f"is longer than {audio.MAX_SECONDS:,.0f} s")
        return item.astype(np.float32)
    data = item if isinstance(item, bytes) else audio.load(item)
    return audio.decode(data, rate=rate)


def spectra(item: Input, filters: Filters = FILTERS) -> Spectra:
    """The log-mel features (T, width) of a recording.

    Raises:
        AudioError: with the reason, if it cannot be read or is too short.
    """
    return audio.log_mel([samples(item, filters.rate)], filters)[0]


def cepstral(found: Sequence[Spectra], filters: Filters) -> list[NDArray[np.float32]]:
    """What mixtures read: cepstra with differences (T, 39), each recording normalized."""
    bands = [each[:, : filters.bands] for each in found]
    return audio.normalized(audio.deltas(audio.mfcc(bands, CEPSTRA)))


def spectral(found: Sequence[Spectra]) -> list[NDArray[np.float32]]:
    """What networks read: normalized log-mel features with differences (T, 3 * width)."""
    return audio.deltas(audio.normalized(found))
