"""Learning answers of several words: the decoder reads the question, and after the mark each word
of the answer is to be given, and the mark again."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import Dataset
from striate.data.questions import ReadQuestions, items_of
from striate.data.splits import TRAIN, VALIDATION
from striate.inference import fastest_device
from striate.models.word_decoder import UNKNOWN, WordDecoder, loss_of
from striate.progress import Clock
from striate.tasks.contract import Ask, Learned
from striate.tasks.questions.inputs import words_of
from striate.tasks.questions.learning import measured
from striate.tasks.questions.problem import FORGOTTEN, alike
from striate.tasks.questions.seeing import NETWORK, eye_of, features_of
from striate.tasks.questions.several import Several, said, told
from striate.tasks.questions.teaching import HIDDEN, RECIPE, SIZE
from striate.texts import Tokenizer, Vocabulary
from striate.training import Problem, Recipe, fit, seeded

CPU = torch.device("cpu")
DROPOUT = 0.2
REMEMBERED = 3.0  # biases of forget gates at first; at 0 each word halves what is held
DEVIATION = 1.0  # of words' vectors at first; a picture of HIDDEN numbers drowns shorter ones


@dataclass(frozen=True, eq=False)
class Sequences:
    """A set as numbers, row for row.

    Attributes:
        features: (N, F) of each question's picture.
        questions, answers: (N,) numbers of words; an answer with a word that is not known is empty.
        words: what those numbers are.
    """

    dataset: Dataset[Any]
    features: Tensor
    questions: Sequence[NDArray[np.int64]]
    answers: Sequence[NDArray[np.int64]]
    words: tuple[str, ...]


class Batch(NamedTuple):
    """Features (B, F), words that are read (B, T), and those that are to be given then (B, T); 0
    where nothing is."""

    features: Tensor
    words: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def weight(self) -> float:
        """The words that are to be given."""
        return float((self.targets != UNKNOWN).sum())

    def parts(self, count: int) -> "list[Batch]":
        """The batch in `count` parts as equal as can be, in order."""
        columns = (column.tensor_split(count) for column in self)
        return [Batch(*part) for part in zip(*columns, strict=True)]


class SeveralWords(Problem[Sequences, Batch]):
    """The cross-entropy of each word of the answer and of its end."""

    score = "accuracy"

    def prepare(self, data: Sequences) -> Sequences:
        return data

    def examples(self, data: Sequences) -> int:
        return int((data.dataset.split == TRAIN).sum())

    def batches(
        self, data: Sequences, recipe: Recipe, *, seed: int, start: int,
        device: torch.device = CPU,
    ) -> Iterator[Batch]:  # fmt: skip
        rows = np.flatnonzero(data.dataset.split == TRAIN)
        lengths = [len(data.questions[row]) for row in rows.tolist()]
        steps = -(-len(rows) // recipe.batch_size)
        step, mark = start, len(data.words) + 1
        while True:
            epoch, place = divmod(step, steps)
            parts = [rows[some] for some in alike(lengths, recipe.batch_size, [seed, epoch])]
            for number in range(place, steps):
                random = np.random.default_rng([seed, epoch, number])
                pairs = [
                    taught(data.questions[row], data.answers[row], mark, random)
                    for row in parts[number].tolist()
                ]
                features = data.features[torch.from_numpy(parts[number])]
                yield Batch(features.to(device), *(
                    padded([pair[side] for pair in pairs]).to(device) for side in range(2)
                ))  # fmt: skip
                step += 1

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        return {"cross_entropy": loss_of(model(batch.features, batch.words), batch.targets)}

    def evaluate(self, model: nn.Module, data: Sequences) -> dict[str, float]:
        rows = np.flatnonzero(data.dataset.split == VALIDATION)
        return answered_well(model, data, rows, width=2)

    def identity(self, data: Sequences) -> dict[str, Any]:
        return {
            "data": data.dataset.fingerprint(),
            "split": hashlib.sha256(data.dataset.split.tobytes()).hexdigest(),
            "features": hashlib.sha256(data.features.numpy().tobytes()).hexdigest(),
        }


def beginner(words: int, features: int) -> WordDecoder:
    """A decoder that has learned nothing, and keeps what it reads to the end of a question: the
    biases of its forget gates are above 0 (Gers, Schmidhuber & Cummins 2000; Jozefowicz, Zaremba &
    Sutskever 2015, Section 2.2)."""
    decoder = WordDecoder(words, features, image="every", size=SIZE, hidden=HIDDEN, dropout=DROPOUT)
    forgotten = slice(HIDDEN, 2 * HIDDEN)  # torch's order: input, forget, cell, output
    nn.init.normal_(decoder.vectors.weight, std=DEVIATION)
    with torch.no_grad():
        decoder.lstm.bias_ih[forgotten] = REMEMBERED
        decoder.lstm.bias_hh[forgotten] = 0.0
    return decoder


def taught(
    question: NDArray[np.int64], answer: NDArray[np.int64], mark: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What is read and what is to be given then: (T,) each."""
    known = np.where(random.random(len(question)) < FORGOTTEN, 0, question)
    read = np.concatenate([known, [mark], answer])
    given = np.concatenate([np.zeros(len(question), np.int64), answer, [mark]])
    return read, given


def padded(rows: Sequence[NDArray[np.int64]]) -> Tensor:
    """(B, T), zeros behind the end."""
    found = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.int64)
    for place, row in enumerate(rows):
        found[place, : len(row)] = torch.from_numpy(row)
    return found


def answered_well(
    model: nn.Module, data: Sequences, rows: NDArray[np.int64], *, width: int
) -> dict[str, float]:
    """The accuracy of rows that are not learned from."""
    assert isinstance(model, WordDecoder)
    questions = [data.questions[row] for row in rows.tolist()]
    found = told(model, data.features[torch.from_numpy(rows)], questions, width=width)
    answers = [said(some, data.words)[0].text for some in found]
    return measured(answers, data.dataset, rows.tolist())


def learn(data: ReadQuestions, ask: Ask) -> Learned:
    """By gradient steps; the epoch with the best validation accuracy is kept."""
    clock, dataset = Clock(), data.dataset
    recipe = ask.adjusted(ask.recipe or RECIPE)
    train = np.flatnonzero(dataset.split == TRAIN).tolist()
    with clock.stage("words"):
        asked = [dataset.inputs[row][1] for row in range(len(dataset))]
        tokenizer = Tokenizer.fitted(asked[row] for row in train)
        texts = [words_of(question, tokenizer) for question in asked]
        answers = [items_of(text) for text in dataset.targets.texts]
        words = Vocabulary.of([*texts[row], *answers[row]] for row in train)
    with clock.stage("features"):
        eye = eye_of(ask)
        features = features_of(data, eye, f"{ask.network} {ask.weights}")
    with seeded(ask.seed):
        decoder = beginner(len(words), features.shape[1]).to(fastest_device())
    sequences = Sequences(
        dataset, features[torch.from_numpy(data.pictures)],
        [words.numbered(some) for some in texts], [words.numbered(some) for some in answers],
        words.words,
    )  # fmt: skip
    with clock.stage("train"):
        run = fit(
            decoder, SeveralWords(), sequences, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    rows = np.flatnonzero(dataset.split == VALIDATION)
    return Learned(
        Several(tokenizer=tokenizer, words=words, decoder=decoder.eval(), eye=eye),
        answered_well(decoder, sequences, rows, width=5),
        clock.seconds,
        network=ask.network or NETWORK,
        history=run.history,
        recipe=recipe.to_json(),
        notes=(
            run.kept,
            f"{len(words.words):,} words of questions and answers",
        ),
    )
