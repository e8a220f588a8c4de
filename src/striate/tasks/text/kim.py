"""Learning Kim's ConvNet, each of its four variants with the settings of the paper (Section 3.1).

The vocabulary is the words of the training texts and, where word vectors are given, the most
frequent words of those: a word that only a new text has is then known, too.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from striate.data import ReadTexts
from striate.data.splits import TRAIN, VALIDATION
from striate.errors import UserError, WeightsError
from striate.inference import fastest_device
from striate.models.kim import Kim, Variant
from striate.progress import Clock
from striate.tasks.contract import PUBLISHED, Ask, Learned
from striate.tasks.labels.calibration import Calibration
from striate.tasks.text.batches import logits_of
from striate.tasks.text.explaining import neighbors
from striate.tasks.text.learning import measured
from striate.tasks.text.network import Neighbors, Network
from striate.tasks.text.problem import Numbered, Sentences
from striate.texts import Tokenizer, WordVectors, load_vectors
from striate.texts.vectors import find_packaged, packaged_vectors
from striate.training import Recipe, fit, seeded

KIM = Recipe(
    epochs=25, batch_size=50, learning_rate=1.0, optimizer="adadelta", schedule="constant",
    patience=5, threads=1,
)  # fmt: skip
STEPS, MOST_EPOCHS = 2_000, 200  # that Adadelta needs at least, from filters near zero
SIZE = 100  # of random vectors, where none are given; 300 in the paper, three times the work
RANGE = 0.25  # half of what they are drawn from (Kim's program)
DEVIATION = RANGE / 3**0.5  # of given vectors: as large as word2vec's, which the paper had
EXAMPLES = ("bad", "good", "n't", "!", ",")  # of the paper's table 3
FREQUENT, SHOWN, NEAREST = 10, 12, 4  # times a word occurs; words; neighbors
FURTHER = 50_000  # words of a file of vectors that are kept beside those of the training texts


def recipe_for(count: int) -> Recipe:
    """The recipe for so many training texts: few have more epochs, and patience grows with them.

    >>> [recipe_for(count).epochs for count in (8_000, 1_000, 100)]
    [25, 100, 200]
    """
    steps = -(-count // KIM.batch_size)
    epochs = min(MOST_EPOCHS, max(KIM.epochs, round(STEPS / max(steps, 1))))
    return KIM.but(epochs=epochs, patience=max(5, epochs // 5))


def find(ask: Ask) -> None:
    """Sees that the word vectors are there.

    Raises:
        MissingExtra, WeightsError, UserError: if not.
    """
    if ask.weights is None:
        raise UserError("--weights none: without word vectors this is cnn-rand; choose that method")
    if ask.weights == PUBLISHED:
        find_packaged()
    elif not Path(ask.weights).exists():
        raise WeightsError(f"--weights {ask.weights}: there is no such file of word vectors")


def vectors_for(ask: Ask, words: Sequence[str]) -> WordVectors:
    """The vectors of these words, and of the most frequent others."""
    if ask.weights == PUBLISHED:
        return packaged_vectors(words, further=FURTHER)
    assert ask.weights is not None
    return load_vectors(Path(ask.weights), words, further=FURTHER)


def started(words: Sequence[str], known: WordVectors | None) -> tuple[tuple[str, ...], Tensor]:
    """All words, and a vector for each and for padding: (V, D), row 0 zeros.

    Given vectors are brought to the size that word2vec's have, for which the paper's settings were
    chosen. Words without one are drawn from U[-a, a], of the same variance.
    """
    if known is None:
        vectors = torch.empty(len(words) + 1, SIZE).uniform_(-RANGE, RANGE)
        vectors[0] = 0
        return tuple(words), vectors
    given = {word: row for row, word in enumerate(known.words)}
    mine = set(words)
    every = (*words, *(word for word in known.words if word not in mine))
    vectors = torch.empty(len(every) + 1, known.size).uniform_(-RANGE, RANGE)
    vectors[0] = 0
    rows = [(number, given[word]) for number, word in enumerate(every, 1) if word in given]
    if rows:
        ours, theirs = map(list, zip(*rows, strict=True))
        scale = DEVIATION / max(float(known.vectors.std()), 1e-12)
        vectors[ours] = torch.from_numpy(known.vectors[theirs]) * scale
    return every, vectors


def tuned(
    every: Sequence[str], before: Tensor, model: Kim, words: Sequence[str],
    texts: Sequence[Sequence[str]],
) -> tuple[Neighbors, ...]:  # fmt: skip
    """The nearest words of the paper's examples and of those that moved most, among the frequent,
    before and after."""
    counts = Counter(word for text in texts for word in text)
    known = [word for word in words if counts[word] >= FREQUENT]
    number = {word: place for place, word in enumerate(every, 1)}
    rows = torch.tensor([number[word] for word in known], dtype=torch.int64)
    after = model.vectors.detach().cpu()
    moved = 1 - F.cosine_similarity(before[rows], after[rows])
    order = [known[place] for place in moved.argsort(descending=True).tolist()]
    asked = list(dict.fromkeys([*(word for word in EXAMPLES if word in known), *order]))[:SHOWN]
    if len(known) < 2:
        return ()
    first, second = (
        neighbors(vectors, every, asked, known, most=NEAREST) for vectors in (before, after)
    )
    return tuple((word, first[word], second[word]) for word in asked)


def learn(data: ReadTexts, ask: Ask, *, variant: Variant) -> Learned:
    """By gradient steps; the epoch with the best validation score is kept."""
    clock = Clock()
    dataset = data.dataset
    recipe = ask.adjusted(ask.recipe or recipe_for(int((dataset.split == TRAIN).sum())))
    with clock.stage("words"):
        train = np.flatnonzero(dataset.split == TRAIN)
        tokenizer = Tokenizer.fitted(data.texts[row] for row in train)
        texts = [tokenizer(text) for text in data.texts]
        words = sorted({word for row in train.tolist() for word in texts[row]})
        known = None if variant == "rand" else vectors_for(ask, words)
        with seeded(ask.seed):
            every, vectors = started(words, known)
            before = vectors.clone()
            model = Kim(vectors, variant, classes=len(dataset.classes)).to(fastest_device())
    predictor = Network(tokenizer=tokenizer, words=every, model=model)
    numbered = Numbered(dataset, [predictor.numbered(text) for text in texts])
    with clock.stage("train"):
        run = fit(
            model, Sentences(), numbered, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    model.eval()
    with clock.stage("calibrate"):
        rows = np.flatnonzero(dataset.split == VALIDATION).tolist()
        logits = logits_of(model, [numbered.texts[row] for row in rows])
        wanted = torch.from_numpy(dataset.targets.single()[rows])
        predictor.calibration = Calibration.fitted(logits, wanted)
    if variant in ("non_static", "multichannel"):
        predictor.neighbors = tuned(
            every, before, model, words, [texts[row] for row in train.tolist()]
        )
    notes = [run.kept]
    if known is not None:
        mine = set(words)
        covered = sum(word in mine for word in known.words)
        notes.append(
            f"{covered:,} of the {len(words):,} words of the training texts have a given vector of "
            f"{known.size} numbers"
        )
    return Learned(
        predictor,
        measured(logits, wanted),
        clock.seconds,
        network=None if variant == "rand" else "kim",
        history=run.history,
        recipe=recipe.to_json(),
        notes=tuple(notes),
    )
