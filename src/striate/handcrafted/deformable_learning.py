"""Learning deformable part models by a latent support vector machine (Felzenszwalb et al. 2010,
Sections 4 and 5).

Where a thing's root and parts lie is not told, only its box. So two steps alternate: with the
model held, every positive is placed where it scores best among the places that cover its box, and
the background is searched for what scores too high; with the places held, the machine is convex.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import log

import numpy as np
import torch
from torch import Tensor

from striate import progress
from striate.data.boxes import Objects
from striate.handcrafted.deformable import BENDS, Component, Places, Scored, joined, none
from striate.handcrafted.pyramid import DEPTH, OCTAVE, Pyramid, cell_of
from striate.ops.boxes import clipped, without_doubles


@dataclass(frozen=True)
class Settings:
    """The numbers of learning.

    Attributes:
        cost: of an example on the wrong side of its margin (C, Section 4).
        roots, parts: rounds of placing and searching without and with parts.
        part_count: parts of a component (Section 5.2); 0 leaves it a root.
        covered: cells of all parts beside the cells of the root at their level.
        near: overlap from which on a place stands for a box (Section 5.2).
        far: overlap below which a place is background.
        cells: fewest and most cells of a root.
        positives, negatives: examples kept of a component.
        negatives_an_image: and the most that one image adds in a round.
    """

    cost: float = 0.02
    roots: int = 2
    parts: int = 3
    part_count: int = 6
    covered: float = 0.8
    near: float = 0.7
    far: float = 0.3
    cells: tuple[int, int] = (16, 64)
    positives: int = 3000
    negatives: int = 3000
    negatives_an_image: int = 30


ENOUGH = 20  # boxes of a shape, for a component of their own
SQUARE = 1.5  # sides that differ by less are one shape
LONGEST = 16  # cells of a root's longer side
THINNEST = 3  # and of the shorter
MARGIN = -1.0  # a background that scores above this is hard (Section 4.4)
TWINS = 0.7  # hard places that overlap by more are one example
FIRST_COST = 0.1  # of dx² and dy² before anything is learned (Section 5.2)
LEAST_COST = 0.01  # of dx² and dy², ever: so that the way is never free
SHY = 0.1  # deformations are written this much smaller, so that they are regularized more
FREE = 10.0  # the bias is written this much larger, so that it is regularized less
SLACK = 1.1  # sizes that are looked for, beyond those of nearly all boxes
EDGE = 2.0  # pixels; a box that ends closer to the picture's edge is cut off by it
STIFF = 10.0  # ridge of the outlines: parts tell little of a box while boxes are few
MOST_HARD = 600  # places of an image that are compared with each other


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture to learn from."""

    pyramid: Pyramid
    objects: Objects


Key = tuple[int, int, int, int]  # scene, level, row, column: where a negative was found


@dataclass(eq=False)
class Examples:
    """Of one component.

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

    def add(self, scene: int, hard: Places, seen: Scored) -> None:
        """Takes up those of a scene's hard places that were not known."""
        known = set(self.keys)
        places = (hard.levels.tolist(), hard.rows.tolist(), hard.columns.tolist())
        keys = [(scene, *place) for place in zip(*places, strict=True)]
        fresh = [row for row, key in enumerate(keys) if key not in known]
        self.fresh.append(seen.vectors(hard.take(torch.tensor(fresh, dtype=torch.int64))))
        self.keys += [keys[row] for row in fresh]

    def settle(self, placed: list[tuple[Tensor, Tensor]]) -> None:
        """Ends a round: its positives replace those before, its negatives join them."""
        self.positives = torch.cat([self.positives[:0], *(vectors for vectors, _ in placed)])
        self.offsets = torch.cat([self.offsets[:0], *(offsets for _, offsets in placed)])
        self.negatives = torch.cat([self.negatives, *self.fresh])
        self.fresh = []


def begun(boxes: Tensor, kind: int, settings: Settings) -> list[Component]:
    """The empty components of a class with these boxes (N, 4), N above 0: one, or one for those
    that are rather tall and one for those that are rather wide (Section 5.2, phase 1).

    A root has the shape of the middle box; its size, that of the smaller boxes, so that most are
    seen at full resolution, within reason.
    """
    width, height = (boxes[:, 2:] - boxes[:, :2]).unbind(1)
    shape = torch.log(height / width)
    groups = [torch.ones_like(shape, dtype=torch.bool)]
    if float(shape.abs().quantile(0.9)) > log(SQUARE):
        tall = shape > shape.median()
        if min(int(tall.sum()), int((~tall).sum())) >= ENOUGH:
            groups = [tall, ~tall]
    components = []
    for group in groups:
        area, stretch = (height * width)[group], float(shape[group].median().exp())
        low, high = area.sqrt().quantile(torch.tensor([0.03, 0.97])).tolist()
        cells = float(area.quantile(0.2)) / cell_of(OCTAVE) ** 2
        cells = min(max(cells, settings.cells[0]), settings.cells[1])
        sides = ((cells * stretch) ** 0.5, (cells / stretch) ** 0.5)
        rows, columns = (min(max(round(side), THINNEST), LONGEST) for side in sides)
        root = torch.zeros(DEPTH, rows, columns)
        components.append(Component(kind, root, 0.0, (low / SLACK, high * SLACK)))
    return components


def learned(
    components: Sequence[Component], scenes: Sequence[Scene], settings: Settings, *, seed: int = 0
) -> list[Component]:
    """The components, learned from scenes that hold every level they need: roots, then parts.

    A component that covers no box in any scene comes back as it was.
    """
    models = list(components)
    generator = torch.Generator().manual_seed(seed)
    phases = [(settings.roots, "learn roots")]
    if settings.part_count:
        phases.append((settings.parts, "learn parts"))
    for phase, (rounds, name) in enumerate(phases):
        if phase:
            models = [with_parts(model, settings) for model in models]
        examples = [Examples.of(model) for model in models]
        with progress.stage(name, rounds * len(scenes)) as bar:
            for number in range(rounds):
                random = generator if phase == number == 0 else None
                least = MARGIN if number else -torch.inf
                gather(models, examples, scenes, settings, least, random, bar)
                for place, one in enumerate(examples):
                    if len(one.positives) and len(one.negatives):
                        models[place] = solved(models[place], one, settings.cost)
                        thinned(models[place], one, settings.negatives)
    return [outlined(*pair) for pair in zip(models, examples, strict=True)]


def gather(
    models: Sequence[Component],
    examples: Sequence[Examples],
    scenes: Sequence[Scene],
    settings: Settings,
    least: float,
    random: torch.Generator | None,
    bar: progress.Stage,
) -> None:
    """One round over all scenes: positives anew, more negatives.

    Args:
        least: score of a negative; without limit in the first round of a phase, whose scores do
            not mean much yet.
        random: of the very first round, in which nothing is known: a positive is where its box is
            covered best, a negative is anywhere.
    """
    placed: list[list[tuple[Tensor, Tensor]]] = [[] for _ in models]
    most = min(settings.negatives_an_image, -(-settings.negatives // len(scenes)))
    for number, scene in enumerate(scenes):
        seen = [Scored(model, scene.pyramid) for model in models]
        if random is not None:
            for one in seen:
                for level, scores in one.maps.items():
                    one.maps[level] = torch.rand(scores.shape, generator=random)
        shared = [agreements(one, scene.objects) for one in seen]
        chosen = positives(seen, shared, scene.objects, settings.near, random is not None)
        for place, (one, mine, told) in enumerate(zip(seen, examples, shared, strict=True)):
            boxes, found = chosen[place]
            if len(found) and sum(len(v) for v, _ in placed[place]) < settings.positives:
                placed[place].append((one.vectors(found), offsets(found.boxes, boxes, one.size)))
            hard = negatives(one, told, settings, least)
            mine.add(number, hard.take(torch.arange(min(most, len(hard)))), one)
        bar.advance()
    for mine, fresh in zip(examples, placed, strict=True):
        mine.settle(fresh)


def offsets(roots: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """(K, 4): how far boxes lie from roots, both (K, 4), in widths and heights of the roots; nan
    where a box ends at the edge of the picture of (height, width): the thing may go on."""
    low, high = boxes[:, :2], boxes[:, 2:]
    cut = (low < EDGE) | (high > torch.tensor([size[1], size[0]]) - EDGE)
    told = (boxes - roots) / (roots[:, 2:] - roots[:, :2]).repeat(1, 2)
    return told.masked_fill(cut.any(1, keepdim=True), torch.nan)


def agreement(seen: Scored, level: int, boxes: Tensor) -> Tensor:
    """(B, H, W): the overlap of boxes (B, 4) with the root at each place of a level, of which the
    part inside the picture counts."""
    left, upper, width, height = seen.edges(level)
    x0, x1 = (side.clamp(0, seen.size[1]) for side in (left, left + width))
    y0, y1 = (side.clamp(0, seen.size[0]) for side in (upper, upper + height))
    across = torch.minimum(x1, boxes[:, 2, None]) - torch.maximum(x0, boxes[:, 0, None])
    down = torch.minimum(y1, boxes[:, 3, None]) - torch.maximum(y0, boxes[:, 1, None])
    shared = down.clamp(min=0)[:, :, None] * across.clamp(min=0)[:, None, :]
    areas = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))[:, None, None]
    return shared / (areas + (y1 - y0)[:, None] * (x1 - x0) - shared)


def agreements(seen: Scored, objects: Objects) -> dict[int, Tensor]:
    """By level, (B, H, W): how each place agrees with each box of the component's class."""
    boxes = torch.from_numpy(objects.boxes[objects.classes == seen.component.kind])
    return {level: agreement(seen, level, boxes) for level in seen.maps}


def positives(
    seen: Sequence[Scored],
    shared: Sequence[dict[int, Tensor]],
    objects: Objects,
    near: float,
    by_overlap: bool,
) -> list[tuple[Tensor, Places]]:
    """For each component the boxes (K, 4) that it shows best of all, and the places that do.

    For a box that is asked for, the places that overlap it by `near` compete by score; where there
    is none, the one that overlaps it most stands for it, if by half or more. `by_overlap`: they
    compete by overlap.
    """
    best: dict[int, tuple[bool, float, int, int, int]] = {}
    for place, (one, told) in enumerate(zip(seen, shared, strict=True)):
        mine = objects.classes == one.component.kind
        asked = torch.from_numpy(objects.asked[mine])
        numbers = np.flatnonzero(mine & objects.asked).tolist()
        for level, every in told.items():
            overlap = every[asked].flatten(1)
            close = (overlap >= near) & (not by_overlap)
            scores = torch.where(close, one.maps[level].flatten(), -torch.inf)
            enough = close.any(1)
            worth, at = torch.where(enough[:, None], scores, overlap).max(1)
            rows = zip(numbers, enough.tolist(), worth.tolist(), at.tolist(), strict=True)
            for number, sure, value, index in rows:
                if sure or value >= 0.5:
                    candidate = (sure, value, place, level, index)
                    best[number] = max(best.get(number, candidate), candidate)
    chosen = []
    for place, one in enumerate(seen):
        boxes, found = [number for number in best if best[number][2] == place], [none()]
        for number in boxes:
            _, _, _, level, index = best[number]
            row, column = divmod(index, one.maps[level].shape[1])
            found.append(one.places(level, torch.tensor([row]), torch.tensor([column])))
        chosen.append((torch.from_numpy(objects.boxes[boxes]).reshape(-1, 4), joined(found)))
    return chosen


def negatives(seen: Scored, shared: dict[int, Tensor], settings: Settings, least: float) -> Places:
    """The hard places of the background: no box of the class, asked for or not, is near."""
    allowed = {
        level: (every < settings.far).all(0) if len(every) else seen.maps[level] > -torch.inf
        for level, every in shared.items()
    }
    hard = seen.best(least, MOST_HARD, allowed)
    kept = without_doubles(clipped(hard.boxes, seen.size), hard.scores, TWINS)
    return hard.take(kept[: settings.negatives_an_image])


def solved(component: Component, examples: Examples, cost: float) -> Component:
    """The weights with the least ½|w|² + cost · Σ max(0, 1 - y w·x)² (Equation 14 with the square
    of the hinge, which is smooth), the squares of a deformation costing LEAST_COST at least."""
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
        objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200}
    )
    return component.but(torch.from_numpy(answer.x).float() * factors)


def thinned(component: Component, examples: Examples, most: int) -> None:
    """Forgets the easiest negatives, down to `most` (Section 4.4)."""
    scores = examples.negatives @ component.weights
    kept = scores.argsort(descending=True)[:most]
    examples.negatives = examples.negatives[kept]
    examples.keys = [examples.keys[row] for row in kept.tolist()]


def with_parts(component: Component, settings: Settings) -> Component:
    """The component with parts where its root is strong (Section 5.2, phase 3): one after the
    other, each where the positive weights that no part covers yet are largest.

    The parts are the root at twice the resolution; the two then share the root's score.
    """
    rows, columns = component.shape
    area = settings.covered * 4 * rows * columns / settings.part_count
    side = max(2, min(round(area**0.5), 2 * rows, 2 * columns))
    finer = torch.nn.functional.interpolate(component.root[None], scale_factor=2, mode="bilinear")[
        0
    ]
    energy = finer[:-1].clamp(min=0).square().sum(0)
    anchors, parts = [], []
    for _ in range(settings.part_count):
        sums = torch.nn.functional.avg_pool2d(energy[None, None], side, 1)[0, 0]
        y, x = divmod(int(sums.argmax()), sums.shape[1])
        anchors.append([x, y])
        parts.append(finer[:, y : y + side, x : x + side] / 8)
        energy[y : y + side, x : x + side] = 0
    costs = torch.tensor([0.0, 0.0, FIRST_COST, FIRST_COST]).repeat(len(parts), 1)
    return replace(
        component,
        root=component.root / 2,
        parts=torch.stack(parts),
        anchors=torch.tensor(anchors),
        costs=costs,
        outline=torch.zeros(4, 1 + 2 * len(parts)),
    )


def outlined(component: Component, examples: Examples) -> Component:
    """The component with the outline that fits its positives best (Section 7.1, least squares)."""
    known = examples.offsets.isfinite().all(1)
    if not bool(known.any()):
        return component
    count, end = component.costs.numel(), len(component.weights) - 1
    some = examples.positives[known]
    moves = -some[:, end - count : end].reshape(len(some), len(component.costs), BENDS)[:, :, :2]
    told = torch.cat([torch.ones(len(some), 1), moves.flatten(1)], 1)
    ridge = STIFF * torch.eye(told.shape[1])
    ridge[0, 0] = 0.0
    outline = torch.linalg.solve(told.T @ told + ridge, told.T @ examples.offsets[known])
    return replace(component, outline=outline.T.contiguous())
