"""Verification on DeepFace's F7, in the three ways of Taigman et al. 2014, Section 4."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from torch import Tensor

from striate.data.people import Pairs
from striate.data.splits import TRAIN
from striate.tasks.contract import Learned
from striate.tasks.faces.deep import Deep
from striate.tasks.faces.learning import chi2_metrics, described, learned
from striate.tasks.faces.metric import Inner, Metric
from striate.tasks.faces.prepared import Lined
from striate.tasks.faces.siamese import learn_siamese

Head = Literal["inner", "chi2", "siamese"]
TITLES: Mapping[Head, str] = {
    "inner": "inner product",
    "chi2": "weighted chi2",
    "siamese": "Siamese head",
}
HEADS: tuple[Head, ...] = tuple(TITLES)


def learn_heads(data: Lined, deep: Deep, heads: tuple[Head, ...], *, seed: int) -> Learned:
    """Of these heads the one that is best on validation pairs; its notes tell how good each is.

    F7 is divided by its largest values on the training set and brought to unit length; the Siamese
    head reads it as it is.
    """
    numbers = described(data, deep)
    train = numbers[: int((data.dataset.split == TRAIN).sum())]
    largest = train.amax(0)

    def inner(numbers: Tensor, pairs: Pairs) -> list[tuple[str, Metric]]:
        return [("inner product", Inner(largest))]

    def chi2(numbers: Tensor, pairs: Pairs) -> list[tuple[str, Metric]]:
        return chi2_metrics(numbers, pairs, 1, largest=largest)

    solved = {"inner": inner, "chi2": chi2}
    found = {
        head: learn_siamese(data, deep, seed=seed)
        if head == "siamese"
        else learned(data, deep, solved[head], numbers=numbers)
        for head in heads
    }
    best = max(found.values(), key=lambda one: one.validation["auc"])
    if len(heads) == 1:
        return best
    each = ", ".join(f"{head} {one.validation['auc']:.3f}" for head, one in found.items())
    told = f"area under the curve on validation pairs by head: {each}"
    return replace(best, notes=(*best.notes, told))
