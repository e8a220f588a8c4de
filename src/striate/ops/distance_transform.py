"""The generalized distance transform (Felzenszwalb & Huttenlocher 2004/2012, "Distance transforms
of sampled functions", Theory of Computing 8), with quadratic costs.

Written as deformable models use it (Felzenszwalb et al. 2010, Section 3.2): from every place, the
best score that may be fetched from another, less the cost of the way there.
"""

from math import ceil, inf

import torch
from torch import Tensor


def fetched(scores: Tensor, costs: Tensor, *, reach: int | None = None) -> Tensor:
    """max over (dx, dy) of scores[y + dy, x + dx] - (c0 dx + c1 dy + c2 dx² + c3 dy²).

    The maximum over x is taken first and then that over y: costs of the two axes add up. Each is
    a maximum of shifted maps, so a reach of R costs 2 (2 R + 1) passes over the maps, whatever
    their size.

    Args:
        scores: (P, H, W), one map a part; -inf where nothing can be fetched.
        costs: (P, 4), of dx, dy, dx² and dy² in places; those of the squares above 0.
        reach: |dx| and |dy| are at most that, by definition. None: there is no limit, and the
            result is exact; `farthest` bounds what has to be looked at.

    Raises:
        ValueError: if a cost of a square is not above 0, or the shapes do not fit.
    """
    if scores.ndim != 3 or costs.shape != (len(scores), 4):
        raise ValueError(f"scores {tuple(scores.shape)} and costs {tuple(costs.shape)}: P, H, W; P")
    if not bool((costs[:, 2:] > 0).all()):
        raise ValueError(f"squares must cost more than 0, not {float(costs[:, 2:].min()):.3g}")
    for axis, places in ((2, scores.shape[2]), (1, scores.shape[1])):
        linear, square = costs[:, 2 - axis], costs[:, 4 - axis]
        limit = farthest(scores, linear, square) if reach is None else reach
        scores = along(scores, linear, square, axis, min(limit, places - 1))
    return scores


def along(scores: Tensor, linear: Tensor, square: Tensor, axis: int, reach: int) -> Tensor:
    """The transform along one axis (1: y, 2: x) of maps (P, H, W)."""
    best = scores.clone()
    places = scores.shape[axis]
    for distance in range(1, reach + 1):
        for step in (distance, -distance):
            cost = (linear * step + square * step**2)[:, None, None]
            here = best.narrow(axis, max(0, -step), places - distance)
            there = scores.narrow(axis, max(0, step), places - distance)
            torch.maximum(here, there - cost, out=here)
    return best


def farthest(scores: Tensor, linear: Tensor, square: Tensor) -> int:
    """How far it can pay to go: beyond, the cost is more than any two scores differ.

    The cost of d places is at least a d² - |b| d, which is above the range r of the scores for
    every d above (|b| + √(b² + 4 a r)) / 2 a.
    """
    finite = scores.isfinite()
    if not bool(finite.any()):
        return 0
    highest = scores.amax((1, 2)).double()
    lowest = torch.where(finite, scores, inf).amin((1, 2)).double()
    spread = (highest - lowest).nan_to_num(0.0, 0.0, 0.0).clamp(min=0)
    slope, bend = linear.double().abs(), square.double()
    roots = (slope + (slope**2 + 4 * bend * spread).sqrt()) / (2 * bend)
    # From a place where nothing is (-inf), any way pays.
    whole = float(roots.max()) if bool(finite.all()) else inf
    return max(scores.shape[1:]) if whole == inf else ceil(whole)
