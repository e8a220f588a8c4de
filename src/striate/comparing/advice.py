"""Which method to take, and why: one sentence computed from the scores, never canned."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate.data.names import counted
from striate.tasks.contract import Scores, Task, interval, lead

ANSWERS = 1000  # examples whose answers count as the cost of using a method
CHEAPER = 3.0  # times cheaper that makes a method that may be as good the better choice
FEWEST = 6  # test examples with which a sign test could tell two methods apart: 2 / 2**6 < 5 %


@dataclass(frozen=True, eq=False)
class Standing:
    """A method with the scores of its seeds.

    Attributes:
        scores: one a seed, all on the same examples.
        learning: seconds, the mean over the seeds.
    """

    name: str
    title: str
    scores: Sequence[Scores]
    learning: float

    @property
    def score(self) -> float:
        """The mean over the seeds."""
        return float(np.mean([each.value for each in self.scores]))

    @property
    def answering(self) -> float:
        """Seconds to answer ANSWERS examples."""
        return ANSWERS * float(np.mean([each.seconds for each in self.scores]))

    @property
    def cost(self) -> float:
        """Seconds to learn and to answer."""
        return self.learning + self.answering

    @property
    def is_guessing(self) -> bool:
        """Whether no seed can be told from an answer that looks at nothing."""
        return all(each.is_guessing for each in self.scores)


def advise(task: Task, standings: Sequence[Standing]) -> tuple[str, str]:
    """The method to take, and the sentence that says why.

    The one with the highest score is taken, of equal ones the cheapest, unless another costs a
    third or less and may be as good: the 95 % interval of the difference contains zero, and it can
    be told from guessing. Where there are too few test examples to tell any two methods apart,
    the highest score is taken whatever it costs, of equal ones that which learns fastest. A second
    sentence says where the method cannot be told from guessing.
    """
    order = sorted(standings, key=lambda one: (-np.nan_to_num(one.score, nan=-np.inf), one.cost))
    few = len(order) > 1 and order[0].scores[0].examples < FEWEST
    taken, sentence = _of_few(task, order) if few else _best(task, order)
    if not taken.is_guessing:
        return taken.name, sentence
    chance = 100 * float(np.mean([each.chance for each in taken.scores if each.chance is not None]))
    begin = "Nor can it be" if few else "But it cannot be"
    return taken.name, f"{sentence} {begin} told from guessing, which gets {chance:.1f} %."


def _of_few(task: Task, order: Sequence[Standing]) -> tuple[Standing, str]:
    """The best of methods that so few examples cannot tell apart; how long an answer takes is not
    well known from them either."""
    highest = [one for one in order if one.score == order[0].score]
    top = min(highest or order, key=lambda one: one.learning)
    scores = top.scores[0]
    equal = [inside(one.title) for one in highest if one is not top]
    shared = f", like that of {' and '.join(equal)}" if equal else ""
    return top, (
        f"Take {inside(top.title)}: its {task.score_title} is the highest ({100 * top.score:.1f} %)"
        f"{shared}, but {counted(scores.examples, f'test {scores.drawn}')} "
        f"{'is' if scores.examples == 1 else 'are'} too few to tell methods apart."
    )


def _best(task: Task, order: Sequence[Standing]) -> tuple[Standing, str]:
    """The method to take, and how far it is from the next.

    Args:
        order: the highest score first.
    """
    top, rest = order[0], order[1:]
    if not rest:
        low, high = interval(top.scores)
        return top, (
            f"{top.title} is the only method here: its {task.score_title} on the test examples is "
            f"{100 * top.score:.1f} % (95 % interval: {100 * low:.1f} to {100 * high:.1f})."
        )
    leads = {one.name: lead(top.scores, one.scores) for one in rest}
    level = [one for one in rest if leads[one.name][0] <= 0]
    cheap = [one for one in level if one.cost * CHEAPER <= top.cost]
    known = [one for one in cheap if not one.is_guessing]
    if known:
        take = min(known, key=lambda one: one.cost)
        return take, (
            f"Take {inside(take.title)}: it is "
            f"{_apart(task, top, take, leads[take.name], 'behind', top)}, so the two may be "
            f"equally good, and it {_faster(take, top)}."
        )
    second = rest[0]
    distance = _apart(task, top, second, leads[second.name], "ahead of", second)
    ahead = f"Take {inside(top.title)}: it is {distance}"
    if second not in level:
        return top, f"{ahead}."
    if top.cost * CHEAPER <= second.cost:
        return top, f"{ahead}, so the two may be equally good, and it {_faster(top, second)}."
    if cheap:
        what = " and ".join(inside(one.title) for one in cheap)
        return top, f"{ahead}; {what} cannot be told from guessing."
    return top, (
        f"{ahead}, so the two may be equally good, but nothing that may be as good takes a third "
        "of its time or less."
    )


def _apart(
    task: Task,
    top: Standing,
    other: Standing,
    ends: tuple[float, float],
    side: str,
    named: Standing,
) -> str:
    """`2.0 points of top-1 accuracy behind transfer (95 % interval: -1.2 to 5.3)`."""
    low, high = (100 * end for end in ends)
    gap = f"{100 * (top.score - other.score):.1f}"
    if gap == "0.0":
        interval = f"of the difference: {low:.1f} to {high:.1f} {task.points}"
        return f"level with {inside(named.title)} (95 % interval {interval})"
    interval = f"95 % interval: {low:.1f} to {high:.1f}"
    return f"{gap} {task.points} {side} {inside(named.title)} ({interval})"


def _faster(take: Standing, other: Standing) -> str:
    """In what a method that costs a third is faster: in learning, in answering, or in both."""
    pairs = {
        "learns": (take.learning, other.learning),
        "answers": (take.answering, other.answering),
    }
    times = {verb: slow / max(fast, 1e-9) for verb, (fast, slow) in pairs.items()}
    return " and ".join(
        f"{verb} {_amount(many)} times as fast" for verb, many in times.items() if many >= CHEAPER
    )


def _amount(times: float) -> str:
    """Two digits, and no more than is known.

    >>> _amount(3.333), _amount(12.4), _amount(2345)
    ('3.3', '12', '2,300')
    """
    return f"{times:.1f}" if times < 10 else f"{float(f'{times:.2g}'):,.0f}"


def inside(title: str) -> str:
    """A method's title inside a sentence; names with capitals of their own keep them.

    >>> inside("Fine-tuning"), inside("Faster R-CNN")
    ('fine-tuning', 'Faster R-CNN')
    """
    rest = title[1:]
    return title if rest != rest.lower() else title[:1].lower() + rest
