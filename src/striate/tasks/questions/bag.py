"""The words of a question, counted, and a linear support vector machine: a blind baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from striate.data.questions import ReadQuestions
from striate.data.splits import TRAIN, VALIDATION
from striate.handcrafted.bag_of_words import BagOfWords, counted, inverse_document_frequencies
from striate.handcrafted.word_svm import linear_svm
from striate.progress import Clock, track
from striate.tasks.contract import Ask, Learned
from striate.tasks.questions.choosing import Chooser, chooser_parts
from striate.tasks.questions.inputs import Prepared
from striate.tasks.questions.learning import measured
from striate.texts import Tokenizer, Vocabulary
from striate.texts.packing import packed, unpacked

LONGEST = (1, 2)  # words of an n-gram at most
COSTS = (0.1, 0.3, 1.0)


@dataclass(eq=False, kw_only=True)
class Bag(Chooser):
    """A classifier (answers, V), (answers,) on weighed words."""

    kind: ClassVar[str] = "bag_of_words"
    bag: BagOfWords
    weight: Tensor
    bias: Tensor

    @property
    def parameters(self) -> int:
        return self.weight.numel() + self.bias.numel()

    def logits(self, batch: Sequence[Prepared]) -> Tensor:
        rows = self.bag([one.words for one in batch])
        return torch.from_numpy(rows @ self.weight.T.numpy()) + self.bias

    def unknown(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word for word in words if word not in self.bag.index))

    def tensors(self) -> dict[str, Tensor]:
        return {
            **super().tensors(),
            "weight": self.weight,
            "bias": self.bias,
            "terms": packed(self.bag.terms),
            "weights of terms": torch.from_numpy(self.bag.weights),
        }

    def header(self) -> dict[str, Any]:
        return {**super().header(), "longest": self.bag.longest}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        parts = chooser_parts(tensors, header)
        terms, weights = unpacked(tensors["terms"]), tensors["weights of terms"]
        weight, bias = tensors["weight"], tensors["bias"]
        count = len(parts["answers"].words)
        if weight.shape != (count, len(terms)) or bias.shape != (count,):
            raise ValueError(f"its weights are {tuple(weight.shape)} for {count} answers")
        longest = header["longest"]
        if type(longest) is not int or not 0 < longest < 10:
            raise ValueError(f"its n-grams have {longest!r} words")
        bag = BagOfWords(terms, longest, "tfidf", weights.float().numpy())
        return cls(**parts, bag=bag, weight=weight.float(), bias=bias.float())


def learn(data: ReadQuestions, ask: Ask) -> Learned:
    """Solves every form on the training questions and keeps the best on validation."""
    clock, dataset = Clock(), data.dataset
    train, held = (np.flatnonzero(dataset.split == part).tolist() for part in (TRAIN, VALIDATION))
    asked = [dataset.inputs[row][1] for row in range(len(dataset))]
    tokenizer = Tokenizer.fitted(asked[row] for row in train)
    answers = Vocabulary.of([dataset.targets.texts[row]] for row in train)
    numbers = answers.numbered([dataset.targets.texts[row] for row in train]) - 1
    texts = [tokenizer(asked[row]) for row in train]
    others = [Prepared(asked[row], tuple(tokenizer(asked[row])), None) for row in held]
    best: tuple[float, float, Bag, Tensor] | None = None
    with clock.stage("solve"):
        for longest in track(LONGEST, "solve the classifier"):
            terms, plain = counted(texts, longest)
            bag = BagOfWords(terms, longest, "tfidf", inverse_document_frequencies(plain))
            rows = bag.weighed(plain)
            for cost in COSTS:
                weight, bias = linear_svm(rows, numbers, len(answers.words), cost)
                one = Bag(
                    tokenizer=tokenizer, answers=answers, bag=bag,
                    weight=torch.from_numpy(weight), bias=torch.from_numpy(bias),
                )  # fmt: skip
                logits = one.logits(others)
                said = [answers.words[k] for k in logits.argmax(1).tolist()]
                right = measured(said, dataset, held)["accuracy"]
                if best is None or right > best[0]:
                    best = right, cost, one, logits
    assert best is not None
    right, cost, predictor, logits = best
    predictor.calibrate(logits, [dataset.targets.texts[row] for row in held])
    form = "words" if predictor.bag.longest == 1 else "words and pairs"
    return Learned(
        predictor,
        {"accuracy": right},
        clock.seconds,
        recipe={"longest": predictor.bag.longest, "cost": cost},
        notes=(f"a linear SVM on {len(predictor.bag.terms):,} {form}, cost {cost:g}",),
    )
