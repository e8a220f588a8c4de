"""Occlusion maps from a part of the places, with the error measured on some of the others.

Neighboring squares hide almost the same pixels, so what they take away changes little from one
place to the next. Two places of seven are computed, spread so that every row, every column and
every diagonal has some; what lies between is interpolated (coarse to fine, as in Nakandala et al.,
SIGMOD 2019, Section 5.2, but on a fixed lattice). Then each half of them is interpolated from the
other. The worse their order agrees, the more places the order of all of them needs: where the
network is not sure of the class its map is nearly flat, and any square may raise it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.inference import evaluating
from striate.visualize._occlusion import BATCH, by_brute_force, by_rectangles
from striate.visualize.questions import Answer, Maps, Question, question_of
from striate.visualize.reading import Probabilities, softmax

Floats = NDArray[np.float64]
FEW = (0, 3)  # of seven diagonals
# How well the halves order each other, at least, and what is computed then. So the rank correlation
# with the exact map is 0.95 or more (VGG-16 and EfficientNet-Lite0, 36 maps of 9 photographs).
ENOUGH = ((0.89, FEW), (0.82, (0, 1, 3, 5)), (-np.inf, (0, 1, 3, 4, 5)))
NEIGHBORS = 40  # known places that one between them is interpolated from


@dataclass(frozen=True, eq=False)
class Approximation:
    """Maps of all places, most of them interpolated.

    Attributes:
        error: root mean square, in probability, at the places that were computed to know it.
        largest_error: the largest of those; at places that nobody checked it may be larger.
        checked: how many those were; none of them was used for the maps.
        computed: (rows, columns), which places the maps are exact at.
    """

    maps: Maps
    error: float
    largest_error: float
    checked: int
    computed: NDArray[np.bool_]


def approximate_occlusion(
    model: nn.Module,
    image: Tensor,
    target: int | None = None,
    *,
    size: int = 32,
    stride: int = 8,
    fill: float | Sequence[float] = 0.0,
    layer: str | None = None,
    check: int = 8,
    seed: int = 0,
    probabilities: Probabilities = softmax,
) -> Approximation:
    """As `occlusion`, from two of seven places, or four or five where the order of those would not
    be enough to tell that of the others. The log-odds of the class and the activation are
    interpolated between them; the most probable class is that of the nearest one.

    Args:
        check: places beside them that are computed too, to measure the error.
        seed: of which ones.
        probabilities: as `occlusion`.

    Raises:
        UnknownName, ModelError: as `occlusion`; and if `check` is less than 1.

    Warns:
        UserWarning: as `occlusion`.
    """
    if check < 1:
        raise ModelError(f"check is 1 or more, not {check}")
    with evaluating(model):
        question = question_of(model, image, target, size, stride, fill, layer, probabilities)
        known = lattice(question.grid, FEW)
        order = np.random.default_rng(seed).permutation(np.argwhere(~known))
        checked = first_of(order, check, known)
        wanted = known | checked
        found, incremental = answers_to(question, wanted)
        ratio = agreement(values_of(question, found, known), question.grid)
        known = lattice(question.grid, next(of for least, of in ENOUGH if ratio >= least))
        checked = first_of(order, check, known)
        missing = (known | checked) & ~wanted
        if missing.any():
            more, incremental = answers_to(question, missing, incremental=incremental)
            found.logits[missing], found.totals[missing] = (
                more.logits[missing],
                more.totals[missing],
            )
        wanted = known | checked
    places = np.argwhere(known)
    exact = np.full(question.grid, np.nan)
    exact[wanted] = probabilities(found.logits[wanted])[:, question.target].numpy()
    totals = found.totals.numpy()[known]
    classes = probabilities(found.logits[known]).argmax(-1).numpy()
    probability = 1 / (1 + np.exp(-interpolated(places, log_odds(exact[known]), question.grid)))
    activation = interpolated(places, totals, question.grid)
    probability[known], activation[known] = exact[known], totals
    most_probable = classes[nearest(places, question.grid)]
    errors = (probability - exact)[checked] if checked.any() else np.zeros(1)  # one place alone
    return Approximation(
        maps=question.maps(probability, most_probable, activation, incremental=incremental),
        error=float(np.sqrt((errors**2).mean())),
        largest_error=float(np.abs(errors).max()),
        checked=int(checked.sum()),
        computed=known,
    )


def answers_to(
    question: Question, wanted: NDArray[np.bool_], *, incremental: bool = True
) -> tuple[Answer, bool]:
    """Answers at the wanted places, and whether only what a square reaches was computed."""
    answers = by_rectangles([question], wanted) if incremental else None
    if answers is None:
        return by_brute_force(question, wanted, BATCH), False
    return answers[0], True


def values_of(question: Question, found: Answer, places: NDArray[np.bool_]) -> Floats:
    """(rows, columns): the log-odds of the class at some places; NaN elsewhere."""
    values = np.full(question.grid, np.nan)
    probability = question.probabilities(found.logits[places])[:, question.target].numpy()
    values[places] = log_odds(probability)
    return values


def agreement(values: Floats, grid: tuple[int, int]) -> float:
    """The rank correlation of the known places with what each half of them gives of the other.

    Args:
        values: (rows, columns), known on the lattice `FEW`.

    Returns:
        1 where all are equal, 0 where there are not two halves.
    """
    from scipy.stats import rankdata

    halves = [lattice(grid, (number,)) for number in FEW]
    if not all(half.any() for half in halves):
        return 0.0
    known = lattice(grid, FEW)
    guessed = np.full(grid, np.nan)
    for half, other in (halves, halves[::-1]):
        guessed[other] = interpolated(np.argwhere(half), values[half], grid)[other]
    ranks = np.stack([rankdata(values[known]), rankdata(guessed[known])])
    if not ranks[0].std():
        return 1.0
    return float(np.corrcoef(ranks)[0, 1]) if ranks[1].std() else 0.0


def first_of(order: NDArray[np.int64], count: int, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first `count` of the places (K, 2) that are not known."""
    chosen = np.zeros_like(known)
    free = order[~known[tuple(order.T)]]
    chosen[tuple(free[:count].T)] = True
    return chosen


def lattice(grid: tuple[int, int], of_seven: tuple[int, ...] = FEW) -> NDArray[np.bool_]:
    """The places on some of seven diagonals.

    >>> lattice((2, 8)).astype(int).tolist()
    [[1, 0, 0, 0, 0, 1, 0, 1], [0, 1, 0, 1, 0, 0, 0, 0]]
    """
    rows, columns = np.indices(grid)
    return np.isin((rows + 2 * columns) % 7, of_seven)


def log_odds(probability: Floats) -> Floats:
    """log p / (1 - p), finite where rounding has made p 0 or 1."""
    p = probability.clip(1e-12, 1 - 1e-12)
    return np.log(p) - np.log1p(-p)


def interpolated(places: NDArray[np.int64], values: Floats, grid: tuple[int, int]) -> Floats:
    """All places from some, by the surface a + sum of b_k |x - x_k| through the nearest known
    values, with the b_k adding to zero: what linear interpolation is in one dimension.

    Args:
        places: (K, 2) row and column of the known ones.
        values: (K,).
    """
    from scipy.interpolate import RBFInterpolator

    neighbors = NEIGHBORS if len(places) > NEIGHBORS else None
    surface = RBFInterpolator(places, values, neighbors=neighbors, kernel="linear")
    return surface(everywhere(grid)).reshape(grid)


def nearest(places: NDArray[np.int64], grid: tuple[int, int]) -> NDArray[np.int64]:
    """For each place the number of a nearest one of `places`."""
    from scipy.spatial import KDTree

    return KDTree(places).query(everywhere(grid))[1].reshape(grid)


def everywhere(grid: tuple[int, int]) -> NDArray[np.int64]:
    """(rows * columns, 2): every place, row by row."""
    return np.argwhere(np.ones(grid, bool))
