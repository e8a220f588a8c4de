"""The words of a question, counted, and a linear support vector machine: blind, or with the picture
beside them (the bag of words with image features of Ren et al. 2015 and Zhou et al. 2015)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from torch import Tensor, nn

from striate.data.questions import ReadQuestions
from striate.data.splits import TRAIN, VALIDATION
from striate.handcrafted.bag_of_words import BagOfWords, counted, inverse_document_frequencies
from striate.handcrafted.word_svm import linear_svm
from striate.inference.program import Graph
from striate.progress import Clock, track
from striate.tasks.contract import Ask, Learned
from striate.tasks.questions.choosing import Chooser, chooser_parts
from striate.tasks.questions.inputs import Prepared, words_of
from striate.tasks.questions.learning import measured
from striate.tasks.questions.seeing import NETWORK, eye_of, features_of
from striate.texts import Tokenizer, Vocabulary
from striate.texts.packing import packed, unpacked

LONGEST = (1, 2)  # words of an n-gram at most
COSTS = (0.3, 1.0)
AXES = 32  # principal directions of the features of pictures
SHARES = (0.3, 0.6, 1.0)  # length of what is seen, beside the words' of 1
EYE = "eye."  # before the names of tensors in a file


@dataclass(eq=False, kw_only=True)
class Bag(Chooser):
    """A classifier on weighed words and, where it looks, on directions of the picture's features.

    Attributes:
        weight, bias: (answers, V + K), (answers,); the last K columns are of what is seen.
        axes: (K, F) directions of the features that the eye gives; K is 0 where it is blind.
        share: length of what is seen, beside the words' of 1.
    """

    kind: ClassVar[str] = "bag_of_words"
    bag: BagOfWords
    weight: Tensor
    bias: Tensor
    axes: Tensor
    share: float = 1.0

    @property
    def decisive(self) -> int:
        return self.weight.numel() + self.bias.numel() + self.axes.numel()

    def logits(self, batch: Sequence[Prepared]) -> Tensor:
        features = torch.zeros(len(batch), 0) if self.eye is None else self.eye(batch)
        return self.decided([one.words for one in batch], features)

    def decided(self, texts: Sequence[Sequence[str]], features: Tensor) -> Tensor:
        """(N, answers) of the words of N questions and features (N, F) of their pictures."""
        terms = len(self.bag.terms)
        found = torch.from_numpy(self.bag(texts) @ self.weight[:, :terms].T.numpy())
        if len(self.axes):
            found = found + seen(features, self.axes, self.share) @ self.weight[:, terms:].T
        return found + self.bias

    def unknown(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word for word in words if word not in self.bag.index))

    def decision(self, words: Sequence[str]) -> nn.Module:
        terms = len(self.bag.terms)
        told = torch.from_numpy(self.bag([words]) @ self.weight[:, :terms].T.numpy())
        return Beside(told + self.bias, self.weight[:, terms:], self.axes, self.share)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.questions.exported import Counting, graph_of

        return graph_of(
            self, Counting(self), called="terms", single=single,
            formats=("onnx", "openvino", "torch"),
            lists={"terms": self.bag.terms, "answers": self.answers.words},
        )  # fmt: skip

    def tensors(self) -> dict[str, Tensor]:
        return {
            **super().tensors(),
            "weight": self.weight,
            "bias": self.bias,
            "axes": self.axes,
            "terms": packed(self.bag.terms),
            "weights of terms": torch.from_numpy(self.bag.weights),
        }

    def header(self) -> dict[str, Any]:
        return {
            **super().header(),
            "longest": self.bag.longest,
            "share": self.share,
        }

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        parts = chooser_parts(tensors, header)
        terms, weights = unpacked(tensors["terms"]), tensors["weights of terms"]
        weight, bias, axes = (tensors[name].float() for name in ("weight", "bias", "axes"))
        count, eye = len(parts["answers"].words), parts["eye"]
        if axes.ndim != 2 or axes.shape[1] != (0 if eye is None else eye.network.size):
            raise ValueError(f"its directions are {tuple(axes.shape)}")
        if weight.shape != (count, len(terms) + len(axes)) or bias.shape != (count,):
            raise ValueError(f"its weights are {tuple(weight.shape)} for {count} answers")
        longest = header["longest"]
        if type(longest) is not int or not 0 < longest < 10:
            raise ValueError(f"its n-grams have {longest!r} words")
        bag = BagOfWords(terms, longest, "tfidf", weights.float().numpy())
        return cls(
            **parts, bag=bag, weight=weight, bias=bias, axes=axes, share=float(header["share"]),
        )  # fmt: skip


class Beside(nn.Module):
    """What is seen (N, F) to logits (N, answers), beside those that the words give (1, answers)."""

    told: Tensor
    weight: Tensor
    axes: Tensor

    def __init__(self, told: Tensor, weight: Tensor, axes: Tensor, share: float):
        super().__init__()
        self.share = share
        for name, each in (("told", told), ("weight", weight), ("axes", axes)):
            self.register_buffer(name, each)

    def forward(self, features: Tensor) -> Tensor:
        return self.told + seen(features, self.axes, self.share) @ self.weight.T


def seen(features: Tensor, axes: Tensor, share: float) -> Tensor:
    """Features (N, F) along axes (K, F), each row of one length: (N, K)."""
    return share * F.normalize(features @ axes.T)


def axes_of(features: Tensor) -> Tensor:
    """(K, F) the directions in which features (M, F), of mean 0, differ most."""
    count = min(AXES, *features.shape)
    found: Tensor = torch.linalg.svd(features, full_matrices=False).Vh[:count]
    return found.contiguous()


class Form(NamedTuple):
    """What is tried: rows of training questions, a bag, and how much is seen."""

    rows: csr_matrix
    bag: BagOfWords
    share: float


def forms(texts: Sequence[Sequence[str]], looked: Tensor, axes: Tensor) -> Iterator[Form]:
    """Every form of rows, of words alone where nothing is looked at (N, 0)."""
    for longest in LONGEST:
        terms, plain = counted(texts, longest)
        bag = BagOfWords(terms, longest, "tfidf", inverse_document_frequencies(plain))
        words = bag.weighed(plain)
        if not len(axes):
            yield Form(words, bag, 0.0)
            continue
        for share in SHARES:
            rows = csr_matrix(hstack([words, csr_matrix(seen(looked, axes, share).numpy())]))
            yield Form(rows, bag, share)


def learn(data: ReadQuestions, ask: Ask, *, looks: bool = False) -> Learned:
    """Solves every form on the training questions and keeps the best on validation."""
    clock, dataset = Clock(), data.dataset
    train, held = (np.flatnonzero(dataset.split == part).tolist() for part in (TRAIN, VALIDATION))
    asked = [dataset.inputs[row][1] for row in range(len(dataset))]
    tokenizer = Tokenizer.fitted(asked[row] for row in train)
    answers = Vocabulary.of([dataset.targets.texts[row]] for row in train)
    numbers: NDArray[np.int64] = answers.numbered([dataset.targets.texts[r] for r in train]) - 1
    texts, others = ([words_of(asked[row], tokenizer) for row in rows] for rows in (train, held))
    eye, features, axes = None, torch.zeros(len(data.paths), 0), torch.zeros(0, 0)
    if looks:
        with clock.stage("features"):
            eye = eye_of(ask)
            features = features_of(data, eye, f"{ask.network} {ask.weights}")
            axes = axes_of(features[np.unique(data.pictures[train])])
    looked, apart = (features[torch.from_numpy(data.pictures[rows])] for rows in (train, held))
    best: tuple[float, float, Bag, Tensor] | None = None
    with clock.stage("solve"):
        for form in track(list(forms(texts, looked, axes)), "solve the classifier"):
            for cost in COSTS:
                weight, bias = linear_svm(form.rows, numbers, len(answers.words), cost)
                one = Bag(
                    tokenizer=tokenizer, answers=answers, bag=form.bag, share=form.share, eye=eye,
                    weight=torch.from_numpy(weight), bias=torch.from_numpy(bias), axes=axes,
                )  # fmt: skip
                logits = one.decided(others, apart)
                said = [answers.words[k] for k in logits.argmax(1).tolist()]
                right = measured(said, dataset, held)["accuracy"]
                if best is None or right > best[0]:
                    best = right, cost, one, logits
    assert best is not None
    right, cost, predictor, logits = best
    predictor.calibrate(logits, [dataset.targets.texts[row] for row in held])
    what = "words" if predictor.bag.longest == 1 else "words and pairs"
    beside = f", what is seen at {predictor.share:g} of their length" if looks else ""
    return Learned(
        predictor,
        {"accuracy": right},
        clock.seconds,
        network=(ask.network or NETWORK) if looks else None,
        recipe={"longest": predictor.bag.longest, "cost": cost, "share": predictor.share},
        notes=(f"a linear SVM on {len(predictor.bag.terms):,} {what}{beside}, cost {cost:g}",),
    )
