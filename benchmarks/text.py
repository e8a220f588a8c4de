"""An epoch of Kim's ConvNet beside a plain PyTorch program of the paper; a bag of words beside scikit-learn's.

    python benchmarks/text.py ../shared/data/text/mr.tsv [--quick] [--json]

One thread; nine tenths of the sentences in batches of 50, vectors of 100 numbers, Adadelta, dropout,
rows held to norm 3. The losses of both programs are compared, step by step, before they are timed.
"""  # noqa: E501

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from _rows import Row, main, paired
from numpy.typing import NDArray
from torch import Tensor, nn

from striate import data
from striate.handcrafted.bag_of_words import (
    BagOfWords,
    counted,
    inverse_document_frequencies,
)
from striate.layers.word_convolution import laid
from striate.models.kim import KEPT, MAPS, NORM, WINDOWS, Kim, Variant
from striate.tasks.text.bow import linear_svm
from striate.texts import Tokenizer
from striate.training.adadelta import Adadelta

SIZE, BATCH, PAD = 100, 50, max(WINDOWS) - 1
QUICK, CHECKED = 8, 4  # batches
TARGETS: dict[Variant, float] = {"static": 3.0, "non_static": 2.0}
Batches = Sequence[tuple[list[NDArray[np.int64]], Tensor]]


class Plain(nn.Module):
    """The network of the paper as people write it, on sentences that are padded to one length."""

    def __init__(self, vectors: Tensor, *, classes: int, learn: bool):
        super().__init__()
        self.table = nn.Embedding.from_pretrained(vectors.clone(), freeze=not learn, padding_idx=0)
        self.filters = nn.ModuleList(nn.Conv1d(SIZE, MAPS, window) for window in WINDOWS)
        self.decision = nn.Linear(MAPS * len(WINDOWS), classes)

    def forward(self, words: Tensor) -> Tensor:
        x = self.table(words).transpose(1, 2)
        x = torch.cat([F.relu(layer(x)).amax(2) for layer in self.filters], 1)
        x = x * torch.bernoulli(torch.full_like(x, KEPT)) if self.training else x * KEPT
        return self.decision(x)


def plain_steps(model: Plain, batches: Batches, longest: int) -> Callable[[], list[float]]:
    """An epoch of the plain program: the loss of every batch."""
    optimizer = torch.optim.Adadelta(
        [each for each in model.parameters() if each.requires_grad], rho=0.95
    )

    def run() -> list[float]:
        losses = []
        for texts, targets in batches:
            words = torch.zeros(len(texts), longest + 2 * PAD + 1, dtype=torch.int64)
            for row, text in zip(words, texts, strict=True):
                row[PAD : PAD + len(text)] = torch.from_numpy(text)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(words), targets)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                weight = model.decision.weight
                weight.mul_((NORM / weight.norm(dim=1, keepdim=True).clamp(min=1e-12)).clamp(max=1))
            losses.append(float(loss.detach()))
        return losses

    return run


def our_steps(model: Kim, batches: Batches) -> Callable[[], list[float]]:
    """The same epoch by striate's network and optimizer."""
    weight = model.decision.weight
    others = [each for each in model.parameters() if each is not weight]
    optimizer = Adadelta([{"params": others}, {"params": [weight], "norm": NORM}])

    def run() -> list[float]:
        losses = []
        for texts, targets in batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(laid(texts, PAD)), targets)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        return losses

    return run


def models(vectors: Tensor, variant: Variant) -> tuple[Kim, Plain]:
    """Both programs with the same weights."""
    ours = Kim(vectors.clone(), variant, classes=2)
    theirs = Plain(vectors, classes=2, learn=variant == "non_static")
    with torch.no_grad():
        for layer, weight, bias in zip(theirs.filters, ours.filters, ours.biases, strict=True):
            layer.weight.copy_(weight.transpose(1, 2))
            layer.bias.copy_(bias)
        theirs.decision.weight.zero_()
        theirs.decision.bias.zero_()
    return ours, theirs


def bag(texts: Sequence[str], numbers: NDArray[np.int64]) -> Any:
    """Words and pairs by tf-idf, and a linear SVM: ours."""
    tokenizer = Tokenizer()
    words = [tokenizer(text) for text in texts]
    terms, plain = counted(words, 2)
    rows = BagOfWords(terms, 2, "tfidf", inverse_document_frequencies(plain)).weighed(plain)
    return linear_svm(rows, numbers, 2, 1.0)


def sklearn_bag(texts: Sequence[str], numbers: NDArray[np.int64]) -> Any:
    """The same as scikit-learn's users write it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    rows = TfidfVectorizer(ngram_range=(1, 2)).fit_transform(texts)
    return LinearSVC(C=1.0).fit(rows, numbers)


def measure(quick: bool, sentences: Path) -> Iterable[Row]:
    torch.set_num_threads(1)
    read = data.read_texts(data.open(sentences))
    tokenizer = Tokenizer()
    words = [tokenizer(text) for text in read.texts]
    index = {word: n for n, word in enumerate(sorted({w for some in words for w in some}), 1)}
    texts = [np.array([index[word] for word in some], np.int64) for some in words]
    targets = torch.from_numpy(read.dataset.targets.single())
    order = np.random.default_rng(0).permutation(len(texts))[: 9 * len(texts) // 10]
    parts = [order[first : first + BATCH] for first in range(0, len(order), BATCH)]
    batches = [([texts[row] for row in part], targets[part]) for part in parts]
    batches = batches[:QUICK] if quick else batches
    longest = max(map(len, texts))
    vectors = torch.randn(len(index) + 1, SIZE) / 7
    vectors[0] = 0
    for variant, target in TARGETS.items():
        ours, theirs = models(vectors, variant)
        same = [each.eval() for each in models(vectors, variant)]
        np.testing.assert_allclose(  # dropout apart, for each draws by itself
            our_steps(same[0], batches[:CHECKED])(),
            plain_steps(same[1], batches[:CHECKED], longest)(),
            rtol=1e-3,
        )
        yield paired(
            f"CNN-{variant.replace('_', '-')}, {len(batches)} batches of {BATCH}",
            our_steps(ours.train(), batches),
            plain_steps(theirs.train(), batches, longest),
            peer="plain PyTorch",
            target=target,
            rounds=3,
        )
    numbers = targets.numpy()
    yield paired(
        f"words and pairs, tf-idf, linear SVM, {len(read.texts)} texts",
        lambda: bag(read.texts, numbers),
        lambda: sklearn_bag(read.texts, numbers),
        peer="scikit-learn",
        target=round(1 / 1.2, 2),
        rounds=3 if quick else 5,
    )


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sentences", type=Path, help="label<tab>sentence a line")


if __name__ == "__main__":
    main(measure, __doc__, options)
