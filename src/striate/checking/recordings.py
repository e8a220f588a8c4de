"""What a check sees in recordings: copies by their sound, and those unlike the rest."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.checking.duplicates import Pairs
from striate.checking.findings import Copies
from striate.checking.kind import Examined, Kind
from striate.checking.oddities import Odd
from striate.data import Dataset
from striate.data.recordings import FILTERS, ReadRecordings, read_recordings

ODD = {"quiet": "nearly silent", "long": "much longer than most"}
PARTS = 8  # in time, of which a recording's look has a mean spectrum each
ALIKE = 0.95  # correlation of looks, from which on two recordings are compared frame by frame
SAME = 0.97  # correlation of all frames: the same sound, perhaps stored otherwise
SHIFT = 3  # frames by which one may be longer or begin earlier
QUIET = 12.0  # below the median of the loudest frames, as natural logarithms of energy: 52 dB
LONG = 10.0  # times the median length
TOGETHER = 1024


def looks(spectra: "tuple[NDArray[np.float32], ...]") -> NDArray[np.float32]:
    """(N, PARTS * width) mean spectra of equal parts of each, standardized: what is common to all
    frames of a recording, its room and its voice, is taken out."""
    rows = []
    for each in spectra:
        bounds = np.linspace(0, len(each), PARTS + 1).astype(int)[:-1]
        part = np.add.reduceat(each, np.minimum(bounds, len(each) - 1), 0)
        part = part / np.maximum(1, np.diff([*bounds, len(each)]))[:, None]
        part = (part - part.mean(0)).reshape(-1)
        rows.append(part / max(1e-6, float(np.linalg.norm(part))))
    return np.array(rows, np.float32)


def copies(data: ReadRecordings) -> Pairs:
    """Recordings that hold the same sound, whatever file it is stored in."""
    seen = looks(data.spectra)
    found: list[tuple[int, int, float]] = []
    for start in range(0, len(seen), TOGETHER):
        close = seen[start : start + TOGETHER] @ seen.T > ALIKE
        for one, other in zip(*np.nonzero(close), strict=True):
            first, second = start + int(one), int(other)
            if first < second:
                likeness = correlation(data.spectra[first], data.spectra[second])
                if likeness >= SAME:
                    found.append((first, second, likeness))
    exact = [np.array_equal(data.spectra[a], data.spectra[b]) for a, b, _ in found]
    return Pairs(
        np.array([each[0] for each in found], np.int64),
        np.array([each[1] for each in found], np.int64),
        np.array([each[2] for each in found], np.float32),
        np.array(exact, np.bool_),
        np.zeros(len(found), np.bool_),
    )


def correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Of the frames (T, D) of two recordings, each band by itself, at the shift that is best; 0
    where their lengths differ by more than SHIFT."""
    if abs(len(first) - len(second)) > SHIFT:
        return 0.0
    best = 0.0
    for shift in range(-SHIFT, SHIFT + 1):
        one, other = first[max(0, shift) :], second[max(0, -shift) :]
        length = min(len(one), len(other))
        if length < 2:
            continue
        one, other = (each[:length] - each[:length].mean(0) for each in (one, other))
        scale = float(np.linalg.norm(one) * np.linalg.norm(other))
        best = max(best, float((one * other).sum()) / scale if scale else 0.0)
    return best


def examine(dataset: Dataset[Any], *, deep: bool) -> Examined:
    """All there is to see in recordings; `deep` adds nothing."""
    data = read_recordings(dataset)
    return Examined(data.dataset, copies(data), odd(data), lambda: looks(data.spectra))


def odd(data: ReadRecordings) -> tuple[Odd, ...]:
    """Recordings unlike the rest, in the order of the rows."""
    loud = np.array([np.quantile(each[:, -1], 0.95) for each in data.spectra])
    lengths = np.array([len(each) for each in data.spectra])
    step = FILTERS.step / FILTERS.rate
    found = []
    for row, (level, length) in enumerate(zip(loud, lengths, strict=True)):
        if level < np.median(loud) - QUIET:
            found.append(Odd(row, "quiet", "nothing in it is as loud as others' speech"))
        elif length > LONG * np.median(lengths):
            found.append(Odd(row, "long", f"{length * step:.0f} s, most have "
                                          f"{np.median(lengths) * step:.1f} s"))  # fmt: skip
    return tuple(found)


def shown(dataset: Dataset[Any], row: int) -> dict[str, str]:
    """What is said in a recording."""
    return {"text": dataset.targets.words(row)}


def likeness(copies: Copies) -> str:
    """In what members of a group are the same."""
    return "the same samples" if copies.exact else "the same sound"


RECORDINGS = Kind("recording", ODD, examine, copies, shown, likeness)
