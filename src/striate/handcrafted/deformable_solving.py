"""The convex half of learning a deformable part model (Felzenszwalb et al. 2010, Sections 4 and
7.1): from examples whose places are held to the weights of a component, and to its outline."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from striate.handcrafted.deformable import (
    BENDS,
    Component,
    Places,
    Scored,
    moves_in,
    planes,
    turned_boxes,
    vectors_at,
)
from striate.handcrafted.pyramid import Pyramid

LEAST_COST = 0.01  # of dx² and dy², ever: so that the way is never free
SHY = 0.1  # deformations are written this much smaller, so that they are regularized more
FREE = 10.0  # the bias is written this much larger, so that it is regularized less
STIFF = 10.0  # ridge of the outlines: parts tell little of a box while boxes are few
STEPS = 200  # of the solver

# Where a negative was found: scene, level, row, column, 1 if by the mirror image.
Key = tuple[int, int, int, int, int]
LENGTH = 5  # of a key
TURNS = 100  # of sorting things by the way they look


@dataclass(eq=False)
class Examples:
    """Of one component; those that its mirror image found are turned round.

    Attributes:
        positives: (N, D) of this round.
        offsets: (N, 4) of their boxes from their roots, in widths and heights of the root; not a
            number where the picture cuts the thing off.
        negatives: (M, D) the hard ones of all rounds, and where they were found.
    """

    positives: Tensor
    offsets: Tensor
    negatives: Tensor
    keys: list[Key] = field(default_factory=list)
    fresh: list[Tensor] = field(default_factory=list)

    @classmethod
    def of(cls, component: Component) -> "Examples":
        """None yet."""
        nothing = torch.zeros(0, len(component.weights))
        return cls(nothing, torch.zeros(0, 4), nothing)

    def add(self, scene: int, hard: Places, seen: Scored, *, mirror: bool = False) -> None:
        """Takes up those of a scene's hard places that were not known.

        Args:
            mirror: whether `seen` is of the component's mirror image.
        """
        known = set(self.keys)
        places = (hard.levels.tolist(), hard.rows.tolist(), hard.columns.tolist())
        keys = [(scene, *place, int(mirror)) for place in zip(*places, strict=True)]
        fresh = [row for row, key in enumerate(keys) if key not in known]
        vectors = seen.vectors(hard.take(torch.tensor(fresh, dtype=torch.int64)))
        self.fresh.append(seen.component.turned(vectors) if mirror else vectors)
        self.keys += [keys[row] for row in fresh]

    def settle(self, placed: list[tuple[Tensor, Tensor]]) -> None:
        """Ends a round: its positives replace those before, its negatives join them."""
        self.positives = torch.cat([self.positives[:0], *(vectors for vectors, _ in placed)])
        self.offsets = torch.cat([self.offsets[:0], *(offsets for _, offsets in placed)])
        self.negatives = torch.cat([self.negatives, *self.fresh])
        self.fresh = []

    def table(self, component: Component) -> Tensor:
        """(M, 5 + 2 P) int32: of each negative its key, then by how much each part has moved: with
        the pictures all that there is to know of it."""
        keys = torch.tensor(self.keys, dtype=torch.int32).reshape(-1, LENGTH)
        return torch.cat([keys, moves_in(component, self.negatives).flatten(1).int()], 1)

    @classmethod
    def told(cls, component: Component, table: Tensor, pictures: Sequence[Pyramid]) -> "Examples":
        """The negatives of a table, read from the pictures again; no positives.

        Raises:
            LookupError, RuntimeError: if they lie in no such picture.
        """
        examples, parts = cls.of(component), len(component.parts)
        keys, moves = table.long().split([LENGTH, 2 * parts], 1)
        scenes, levels, rows, columns, turns = keys.unbind(1)
        if bool((keys < 0).any()) or bool((turns > 1).any()):
            raise LookupError("a negative lies before the first scene, level, row or column")
        examples.keys = [(a, b, c, d, e) for a, b, c, d, e in keys.tolist()]
        examples.negatives = torch.zeros(len(table), len(component.weights))
        for scene, level, turn in sorted({(key[0], key[1], key[4]) for key in examples.keys}):
            here = (scenes == scene) & (levels == level) & (turns == turn)
            mine = here.nonzero().flatten()
            one = component.mirrored if turn else component
            moved = moves[mine].reshape(len(mine), parts, 2)
            vectors = vectors_at(
                one,
                *planes(one, pictures[scene], level),
                rows[mine],
                columns[mine],
                moved * torch.tensor([-1, 1]) if turn else moved,
            )
            examples.negatives[mine] = one.turned(vectors) if turn else vectors
        return examples

    def face_one_way(self, component: Component) -> None:
        """Turns positives round so that they look one way, as far as they look any way.

        Each is taken as it is or as its mirror image, so that all together are most alike: twice as
        many groups as a component has, of which the second is the mirror image of the first
        (the authors' program, voc-release4). The sum of all products only grows from turn to turn.
        """
        other = component.turned(self.positives)
        odd = self.positives - other
        ways = torch.zeros(len(odd))
        chosen = odd[odd.square().sum(1).argmax()] if len(odd) else odd.sum(0)
        for _ in range(TURNS):
            before, ways = ways, torch.where(odd @ chosen < 0, -1.0, 1.0)
            if torch.equal(before, ways):
                break
            chosen = ways @ odd
        back = (ways < 0)[:, None]
        self.positives = torch.where(back, other, self.positives)
        self.offsets = torch.where(back, turned_boxes(self.offsets), self.offsets)


def solved(component: Component, examples: Examples, cost: float) -> Component:
    """The weights with the least ½|w|² + cost · Σ max(0, 1 - y w·x)² (Section 4 with the square of
    the hinge, which is smooth), the squares of a deformation costing LEAST_COST at least."""
    from scipy.optimize import Bounds, minimize

    signs = torch.ones(len(examples.positives) + len(examples.negatives))
    signs[len(examples.positives) :] = -1
    scales = component.but(torch.ones(examples.positives.shape[1]))
    factors = replace(scales, costs=scales.costs * SHY, bias=FREE).weights
    lowest = replace(
        component.but(torch.full_like(factors, -torch.inf)),
        costs=torch.tensor([-torch.inf, -torch.inf, LEAST_COST, LEAST_COST]).expand(
            len(component.costs), BENDS
        ),
        bias=-torch.inf,
    ).weights
    scaled = torch.cat([examples.positives, examples.negatives]).mul_(factors)

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        told = torch.from_numpy(weights).float()
        slack = (1 - signs * (scaled @ told)).clamp(min=0)
        value = 0.5 * float(weights @ weights) + cost * float(
            slack.square().sum(dtype=torch.float64)
        )
        slope = scaled.T @ (signs * slack)
        return value, weights - 2 * cost * slope.double().numpy()

    start = (component.weights / factors).double().numpy()
    bounds = Bounds((lowest / factors).double().numpy(), np.inf)
    answer = minimize(
        objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}
    )
    return component.but(torch.from_numpy(answer.x).float() * factors)


def thinned(component: Component, examples: Examples, most: int) -> None:
    """Forgets the easiest negatives, down to `most` (Section 4.4)."""
    scores = examples.negatives @ component.weights
    kept = scores.argsort(descending=True)[:most]
    examples.negatives = examples.negatives[kept]
    examples.keys = [examples.keys[row] for row in kept.tolist()]


def outlined(component: Component, examples: Examples) -> Component:
    """The component with the outline that fits its positives best (Section 7.1, least squares)."""
    known = examples.offsets.isfinite().all(1)
    if not bool(known.any()):
        return component
    moves = moves_in(component, examples.positives[known])
    told = torch.cat([torch.ones(len(moves), 1), moves.flatten(1)], 1)
    ridge = STIFF * torch.eye(told.shape[1])
    ridge[0, 0] = 0.0
    outline = torch.linalg.solve(told.T @ told + ridge, told.T @ examples.offsets[known])
    return replace(component, outline=outline.T.contiguous())
