"""Classes of classes: how far off is a wrong answer? (Deng et al. 2010, Section 3.2)

A tree stands in a text file, a class and the one above it on each line, with a tab between them:

    beagle<TAB>dog
    dog<TAB>animal

The narrower class comes first. Lines of two words with a space between them are read in
the order of WordNet's `wordnet.is_a.txt`, the wider class first. Lines that begin with # are left
out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError

LARGEST = 2**26  # bytes of a file


@dataclass(frozen=True)
class Tree:
    """For each class the one above it; the root is above all."""

    above: Mapping[str, str]

    def __post_init__(self) -> None:
        for name in self.above:
            self.path(name)
        roots = sorted({self.path(name)[0] for name in self.above})
        if len(roots) != 1:
            some = ", ".join(map(repr, roots[:4]))
            raise DataError(f"a class tree has one root, not {len(roots)}: {some}")

    @cached_property
    def root(self) -> str:
        """The class of everything."""
        return self.path(next(iter(self.above)))[0]

    def path(self, name: str) -> tuple[str, ...]:
        """From the root down to a class.

        Raises:
            DataError: if the class lies above itself.
        """
        path = [name]
        while path[-1] in self.above:
            path.append(self.above[path[-1]])
            if path[-1] == name or len(path) > len(self.above) + 1:
                raise DataError(f"the class tree goes in a circle: {' < '.join(path[:6])}")
        return tuple(reversed(path))

    def at_depth(self, classes: Sequence[str], depth: int) -> list[str]:
        """For each class the one above it at a depth (the root's is 0), or itself where it is no
        deeper."""
        return [self.path(name)[min(depth, len(self.path(name)) - 1)] for name in classes]

    def heights(self, classes: Sequence[str]) -> NDArray[np.int64]:
        """(K, K): how high above the first class the lowest class lies that holds both.

        0 on the diagonal; the error that ImageNet's challenge of 2010 called hierarchical.

        Raises:
            DataError: if a class is not in the tree.
        """
        self.see(classes)
        paths = [self.path(name) for name in classes]
        lengths = np.array([len(path) for path in paths])
        numbers = {name: number for number, name in enumerate({n for path in paths for n in path})}
        shared = np.zeros((len(classes), len(classes)), np.int64)
        for depth in range(lengths.max(initial=0)):
            here = np.array([numbers[p[depth]] if depth < len(p) else -1 for p in paths])
            shared += (here[:, None] == here) & (here >= 0)
        return lengths[:, None] - shared

    def see(self, classes: Sequence[str]) -> None:
        """Sees that the tree holds these classes.

        Raises:
            DataError: with the first ones that are missing.
        """
        known = {*self.above, *self.above.values()}
        missing = [name for name in classes if name not in known]
        if missing:
            raise DataError(
                f"the class tree does not hold {', '.join(map(repr, missing[:6]))}; add a line "
                f"'{missing[0]}<tab>what it is a kind of'"
            )


def open_tree(path: str | Path) -> Tree:
    """Reads a tree from a file.

    Raises:
        DataError: if a line is no pair, a class has two classes above it, there are several roots
            or it goes in a circle.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise DataError(f"{path}: {path.stat().st_size / 2**20:,.0f} MiB is no class tree")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: no class tree can be read there ({error})") from error
    above: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        pair = [part.strip() for part in line.split("\t")]
        if len(pair) == 1 and len(line.split()) == 2:
            pair = line.split()[::-1]  # WordNet's: parent child
        if len(pair) != 2 or not all(pair):
            raise DataError(f"{path}, line {number}: expected 'class<tab>class above it'")
        narrow, wide = pair
        if above.setdefault(narrow, wide) != wide:
            raise DataError(
                f"{path}, line {number}: {narrow!r} lies below {above[narrow]!r} and {wide!r}"
            )
    if not above:
        raise DataError(f"{path}: no class in it")
    return Tree(above)


def coarse_accuracy(
    probabilities: NDArray[np.float32],
    targets: NDArray[np.int64],
    classes: Sequence[str],
    tree: Tree,
) -> list[dict[str, float]]:
    """Accuracy at each depth of a tree: an answer is right if it lies below the same class there.

    The probability of a class at a depth is the sum of what lies below it.

    Returns:
        For each depth from 1 to the deepest: `depth`, `classes` (how many there are) and `top1`.

    Raises:
        DataError: if a class is not in the tree.
    """
    tree.see(classes)
    rows = []
    for depth in range(1, max(len(tree.path(name)) for name in classes)):
        names = tree.at_depth(classes, depth)
        kinds = sorted(set(names))
        place = np.array([kinds.index(name) for name in names])
        sums = np.zeros((len(probabilities), len(kinds)))
        np.add.at(sums.T, place, probabilities.T)
        right = sums.argmax(1) == place[targets]
        rows.append({"depth": depth, "classes": len(kinds), "top1": float(right.mean())})
    return rows
