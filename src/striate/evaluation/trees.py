"""Classes of classes: how far off a wrong answer is (Deng et al. 2010, Section 3.2).

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
from striate.evaluation.classification import top_k

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

    @cached_property
    def height(self) -> Mapping[str, int]:
        """Of each class the number of steps down to the deepest leaf below it; 0 for a leaf."""
        heights = dict.fromkeys((*self.above, self.root), 0)
        for name in self.above:
            for steps, above in enumerate(reversed(self.path(name))):
                heights[above] = max(heights[above], steps)
        return heights

    def heights(self, classes: Sequence[str]) -> NDArray[np.int64]:
        """(K, K): the height of the lowest common ancestor of each two classes.

        0 on the diagonal, also for a class that is not a leaf.

        Raises:
            DataError: if a class is not in the tree.
        """
        self.see(classes)
        paths = [self.path(name) for name in classes]
        found = np.zeros((len(classes), len(classes)), np.int64)
        for depth in range(max(map(len, paths), default=0)):  # the last common one stays
            here = [path[depth] if depth < len(path) else "" for path in paths]
            numbers = np.unique(here, return_inverse=True)[1]
            reached = np.array([depth < len(path) for path in paths])
            common = (numbers[:, None] == numbers) & reached
            height = np.array([self.height.get(name, 0) for name in here])
            found = np.where(common, height[:, None], found)
        np.fill_diagonal(found, 0)
        return found

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
        DataError: if a line is not a pair, a class has two classes above it, there are several
            roots or it goes in a circle.
    """
    path = Path(path)
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise DataError(f"{path}: {size / 2**20:,.0f} MiB is too large for a class tree")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: a class tree cannot be read there ({error})") from error
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
        raise DataError(f"{path}: there is no class in it")
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
        right = top_k(sums, place[targets])
        rows.append({"depth": depth, "classes": len(kinds), "top1": right})
    return rows


def hierarchical_error(
    probabilities: NDArray[np.float32],
    targets: NDArray[np.int64],
    classes: Sequence[str],
    tree: Tree,
) -> NDArray[np.float64]:
    """Of each image (N,) the height of the lowest common ancestor of its class and the answer.

    0 for a right answer. The mean over the images is the hierarchical error of ImageNet's challenge
    of 2010, for one answer an image. An answer that is not finite has the height of the root.

    Raises:
        DataError: if a class is not in the tree.
    """
    heights = tree.heights(classes)[targets, probabilities.argmax(1)].astype(float)
    return np.where(np.isfinite(probabilities).all(1), heights, float(tree.height[tree.root]))
