"""Learning from words that are counted: a linear SVM on tf-idf, or NB-SVM (Wang & Manning 2012).

Of both forms, words alone or words and pairs, and the cost, those are kept that are best on the
validation texts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from striate.data import ReadTexts
from striate.data.splits import TRAIN, VALIDATION
from striate.handcrafted.bag_of_words import (
    BagOfWords,
    Weighing,
    counted,
    inverse_document_frequencies,
    log_count_ratios,
)
from striate.handcrafted.word_svm import linear_svm, word_solver
from striate.progress import Clock, track
from striate.tasks.contract import Ask, Learned
from striate.tasks.labels.calibration import Calibration
from striate.tasks.text.bag import Bag
from striate.tasks.text.learning import measured
from striate.texts import Tokenizer

LONGEST = (1, 2)  # words of an n-gram at most
COSTS: dict[Weighing, tuple[float, ...]] = {"tfidf": (0.1, 0.3, 1.0), "nb": (0.03, 0.1, 0.3)}
SHARE = 0.25  # of the naive Bayes weights in NB-SVM's mean with the SVM's (Section 2.3)


@dataclass(frozen=True, eq=False)
class Solved:
    """A linear classifier (classes, V), (classes,) on rows of a bag."""

    bag: BagOfWords
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    cost: float


def learn(data: ReadTexts, ask: Ask) -> Learned:
    """Solves every form on the training texts and keeps the best on validation."""
    clock = Clock()
    dataset = data.dataset
    numbers = dataset.targets.single()
    train, held = (np.flatnonzero(dataset.split == part) for part in (TRAIN, VALIDATION))
    with clock.stage("count"):
        tokenizer = Tokenizer.fitted(data.texts[row] for row in train)
        learned = [tokenizer(data.texts[row]) for row in train]
        others = [tokenizer(data.texts[row]) for row in held]
    best: tuple[float, Solved, Tensor] | None = None
    with clock.stage("solve"):
        forms: list[tuple[int, Weighing]] = list(product(LONGEST, COSTS))
        for longest, weighing in track(forms, "solve the classifier"):
            solved = _solved(learned, numbers[train], len(dataset.classes), longest, weighing)
            for one in solved:
                logits = torch.from_numpy(one.bag(others) @ one.weight.T + one.bias)
                right = float((logits.argmax(1).numpy() == numbers[held]).mean())
                if best is None or right > best[0]:
                    best = right, one, logits
    assert best is not None
    _, chosen, logits = best
    wanted = torch.from_numpy(numbers[held])
    predictor = Bag(
        tokenizer=tokenizer,
        bag=chosen.bag,
        weight=torch.from_numpy(chosen.weight),
        bias=torch.from_numpy(chosen.bias),
        calibration=Calibration.fitted(logits, wanted),
    )
    return Learned(
        predictor,
        measured(logits, wanted),
        clock.seconds,
        recipe={
            "weighing": chosen.bag.weighing,
            "longest": chosen.bag.longest,
            "terms": len(chosen.bag.terms),
            "cost": chosen.cost,
        },
        notes=(_note(chosen),),
    )


def _note(chosen: Solved) -> str:
    what = "words" if chosen.bag.longest == 1 else "words and pairs"
    form = {"tfidf": "tf-idf and a linear SVM", "nb": "NB-SVM"}[chosen.bag.weighing]
    return f"{form} on {len(chosen.bag.terms):,} {what}, cost {chosen.cost:g}"


def _solved(
    texts: Sequence[Sequence[str]],
    numbers: NDArray[np.int64],
    classes: int,
    longest: int,
    weighing: Weighing,
) -> Iterator[Solved]:
    """One classifier a cost."""
    terms, plain = counted(texts, longest)
    if weighing == "tfidf":
        bag = BagOfWords(terms, longest, weighing, inverse_document_frequencies(plain))
        rows = bag.weighed(plain)
        for cost in COSTS[weighing]:
            weight, bias = linear_svm(rows, numbers, classes, cost)
            yield Solved(bag, weight, bias, cost)
        return
    plain.data[:] = 1
    bag = BagOfWords(terms, longest, weighing, np.ones(len(terms), np.float32))
    ratios = [log_count_ratios(plain, numbers == one) for one in range(classes)]
    for cost in COSTS[weighing]:
        weight, bias = nb_svm(plain, numbers, ratios, cost)
        yield Solved(bag, weight, bias, cost)


def nb_svm(
    rows: csr_matrix, numbers: NDArray[np.int64], ratios: Sequence[NDArray[np.float32]], cost: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An SVM for each class on features times its log-count ratios, its weights drawn toward their
    mean magnitude (Wang & Manning 2012, Section 2.3), on plain presence: (classes, V), (classes,).
    """
    pairs = [(ratio, number) for number, ratio in enumerate(ratios)]
    weights, biases = [], []
    for ratio, number in pairs[-1:] if len(ratios) == 2 else pairs:
        scaled = rows.copy()
        scaled.data *= ratio[scaled.indices]
        solver = word_solver(cost).fit(scaled, numbers == number)
        own = solver.coef_[0]
        mixed = (1 - SHARE) * np.abs(own).mean() + SHARE * own
        weights.append((mixed * ratio).astype(np.float32))
        biases.append(np.float32(solver.intercept_[0]))
    weight, bias = np.stack(weights), np.array(biases, np.float32)
    if len(ratios) == 2:
        weight, bias = np.concatenate([-weight, weight]), np.concatenate([-bias, bias])
        weight, bias = weight * np.float32(0.5), bias * np.float32(0.5)
    return weight, bias
