"""How good a ranked list is: average precision as image retrieval measures it."""

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Area = Literal["trapezoids", "steps"]


def ranked_average_precision(
    ranked: Sequence[int],
    positives: Collection[int],
    *,
    junk: Collection[int] = (),
    area: Area = "trapezoids",
) -> float:
    """The area under precision over recall of one query.

    Junk is passed over as if it were not in the list: it counts neither for nor against. A positive
    that is not in the list is never found.

    Args:
        ranked: numbers of pictures, best first, each once.
        area: "trapezoids" is that of Oxford, Paris and Holidays (Philbin et al. 2007, compute_ap):
            between two points the mean of both precisions, and 1 before the first; "steps" is the
            mean of the precisions at the positives.

    Returns:
        In [0, 1]; nan where there are no positives.

    >>> ranked_average_precision([7, 3, 9], {7, 9})  # (1 + 1) / 2 / 2 + (1 / 2 + 2 / 3) / 2 / 2
    0.7916...
    >>> ranked_average_precision([7, 3, 9], {7, 9}, area="steps")  # (1 + 2 / 3) / 2
    0.8333...
    """
    wanted, ignored = set(positives), set(junk)
    right = [number in wanted for number in ranked if number not in ignored]
    return average_precision_of(np.array(right, bool), len(wanted), area=area)


def average_precision_of(right: NDArray[np.bool_], positives: int, *, area: Area) -> float:
    """The same of a list without junk, of which is known what is right (N,)."""
    if not positives:
        return float("nan")
    places = np.flatnonzero(right).astype(np.float64)  # before each, so many others
    found = np.arange(len(places), dtype=np.float64)
    after = (found + 1) / (places + 1)
    if area == "steps":
        return float(after.sum() / positives)
    before = np.divide(found, places, out=np.ones_like(found), where=places > 0)
    return float(((before + after) / 2).sum() / positives)
