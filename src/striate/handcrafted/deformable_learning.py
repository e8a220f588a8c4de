"""Learning deformable part models by a latent support vector machine (Felzenszwalb et al. 2010,
Sections 4 and 5).

Where a thing's root and parts lie is not told, only its box. So two steps alternate: with the
model held, every positive is placed where it scores best among the places that cover its box, and
the background is searched for what scores too high (`deformable_choosing`); with the places held,
the machine is convex (`deformable_solving`).

Which way a thing looks is not told either. Every box is learned from as it is or as its mirror
image, whichever its component scores higher, and the background in both ways; to learn from the
mirror images of all pictures as well would only show each example twice. In the first round,
before anything is known, boxes are sorted by the way they look.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from striate import progress
from striate.data.boxes import Objects
from striate.handcrafted.deformable import Component, Scored, turned_boxes
from striate.handcrafted.deformable_choosing import agreements, negatives, offsets, positives
from striate.handcrafted.deformable_solving import Examples, outlined, solved, thinned
from striate.handcrafted.deformable_start import with_parts
from striate.handcrafted.pyramid import Pyramid

MARGIN = -1.0  # a background that scores above this is hard (Section 4.4)


@dataclass(frozen=True)
class Settings:
    """The numbers of learning.

    Attributes:
        cost: of an example on the wrong side of its margin (C, Section 4).
        roots, parts: rounds of placing and searching without and with parts.
        part_count: parts of a component (Section 5.2); 0 leaves it a root.
        covered: cells of all parts beside the cells of the root at their level.
        near: overlap from which on a place stands for a box.
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
    negatives: int = 6000
    negatives_an_image: int = 30


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture to learn from."""

    pyramid: Pyramid
    objects: Objects


@dataclass(frozen=True, eq=False)
class State:
    """Learning between two rounds: all that the next one depends on. Of the examples it is the
    negatives alone: positives are placed anew in every round.

    Attributes:
        stages: the components as each finished phase left them.
        models: of the phase under way; none before its first round.
        examples: of each model.
        done: rounds of that phase.
    """

    stages: tuple[list[Component], ...] = ()
    models: tuple[Component, ...] = ()
    examples: tuple[Examples, ...] = ()
    done: int = 0


NOTHING = State()


def rounds(
    components: Sequence[Component],
    scenes: Sequence[Scene],
    settings: Settings,
    *,
    seed: int = 0,
    start: State = NOTHING,
) -> Iterator[State]:
    """Learns the components from scenes that hold every level they need: first as roots alone,
    then, where parts are asked for, with parts.

    Yields after every round; what it yields changes when the next is asked for. The last has all
    stages. A component that covers no box in any scene comes back without a weight.

    Args:
        start: what was yielded after a round of the same learning, which goes on there and ends
            as if it had never stopped.
    """
    phases = [(settings.roots, "learn roots")]
    if settings.part_count:
        phases.append((settings.parts, "learn parts"))
    stages, done = list(start.stages), start.done
    models, examples = list(start.models), list(start.examples)
    while len(stages) < len(phases):
        count, name = phases[len(stages)]
        if not done:
            models = list(components)
            if stages:
                models = [
                    with_parts(model, count=settings.part_count, covered=settings.covered)
                    for model in stages[-1]
                ]
            examples = [Examples.of(model) for model in models]
        with progress.stage(name, count * len(scenes)) as bar:
            bar.advance(done * len(scenes))
            for number in range(done, count):
                first = not stages and not number
                random = torch.Generator().manual_seed(seed) if first else None
                least = MARGIN if number else -torch.inf
                gather(models, examples, scenes, settings, least, random, bar)
                for place, one in enumerate(examples):
                    if len(one.positives) and len(one.negatives):
                        models[place] = solved(models[place], one, settings.cost)
                        thinned(models[place], one, settings.negatives)
                if number + 1 < count:
                    yield State(tuple(stages), tuple(models), tuple(examples), number + 1)
        stages.append([outlined(*pair) for pair in zip(models, examples, strict=True)])
        done = 0
        yield State(tuple(stages))


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
    ways = 1 if random is not None else 2  # a component alone, or also its mirror image
    for number, scene in enumerate(scenes):
        if random is not None:
            seen = [Scored(model, scene.pyramid) for model in models]
            for one in seen:
                for level, scores in one.maps.items():
                    one.maps[level] = torch.rand(scores.shape, generator=random)
        else:
            seen = [one for model in models for one in Scored.both(model, scene.pyramid)]
        # both of a pair have their roots in the same places
        shared = [agreements(one, scene.objects) for one in seen[::ways] for _ in range(ways)]
        chosen = positives(seen, shared, scene.objects, settings.near, random is not None)
        for place, (one, told) in enumerate(zip(seen, shared, strict=True)):
            mine, mirror = place // ways, bool(place % ways)
            boxes, found = chosen[place]
            if len(found) and sum(len(v) for v, _ in placed[mine]) < settings.positives:
                vectors, away = one.vectors(found), offsets(found.boxes, boxes, one.size)
                if mirror:
                    vectors, away = one.component.turned(vectors), turned_boxes(away)
                placed[mine].append((vectors, away))
            hard = negatives(one, told, far=settings.far, least=least, most=most)
            examples[mine].add(number, hard, one, mirror=mirror)
        bar.advance()
    for each, fresh, model in zip(examples, placed, models, strict=True):
        each.settle(fresh)
        if random is not None:
            each.face_one_way(model)
