"""Learning Ask Your Neurons: pictures are seen once by a network that stays as it is, and the LSTM
learns from the questions; without pictures it is the paper's language-only network."""

import numpy as np
import torch

from striate.data.questions import ReadQuestions
from striate.data.splits import TRAIN, VALIDATION
from striate.inference import fastest_device
from striate.models.ask_your_neurons import AskYourNeurons
from striate.progress import Clock
from striate.tasks.contract import Ask, Learned
from striate.tasks.questions.inputs import words_of
from striate.tasks.questions.neurons import Neurons
from striate.tasks.questions.problem import Numbered, OneAnswer, held_out
from striate.tasks.questions.seeing import NETWORK, eye_of, features_of
from striate.texts import Tokenizer, Vocabulary
from striate.training import Recipe, fit, seeded

RECIPE = Recipe(
    epochs=16, batch_size=64, learning_rate=0.003, optimizer="adamw", schedule="cosine",
    weight_decay=0.01, clip=5.0, patience=6, threads=1,
)  # fmt: skip
SIZE, HIDDEN = 100, 128  # of a word's vector; of the LSTM


def learn(data: ReadQuestions, ask: Ask, *, looks: bool) -> Learned:
    """By gradient steps; the epoch with the best validation accuracy is kept."""
    clock, dataset = Clock(), data.dataset
    recipe = ask.adjusted(ask.recipe or RECIPE)
    train = np.flatnonzero(dataset.split == TRAIN)
    with clock.stage("words"):
        asked = [dataset.inputs[row][1] for row in range(len(dataset))]
        tokenizer = Tokenizer.fitted(asked[row] for row in train)
        texts = [words_of(question, tokenizer) for question in asked]
        words = Vocabulary.of(texts[row] for row in train)
        answers = Vocabulary.of([dataset.targets.texts[row]] for row in train)
    eye, features = None, torch.zeros(len(data.paths), 0)
    if looks:
        with clock.stage("features"):
            eye = eye_of(ask)
            features = features_of(data, eye, f"{ask.network} {ask.weights}")
    with seeded(ask.seed):
        head = AskYourNeurons(
            len(words), len(answers.words), features=features.shape[1], size=SIZE, hidden=HIDDEN
        )
    head.to(fastest_device())
    numbered = Numbered(
        dataset, features, data.pictures, [words.numbered(some) for some in texts],
        answers.numbered(dataset.targets.texts) - 1, answers.words,
    )  # fmt: skip
    problem = OneAnswer()
    with clock.stage("train"):
        run = fit(
            head, problem, numbered, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    predictor = Neurons(
        tokenizer=tokenizer, answers=answers, words=words, head=head.eval(), eye=eye
    )
    rows = np.flatnonzero(dataset.split == VALIDATION).tolist()
    with clock.stage("calibrate"):
        predictor.calibrate(
            held_out(head, numbered, rows), [dataset.targets.texts[row] for row in rows]
        )
    return Learned(
        predictor,
        problem.evaluate(head, numbered),
        clock.seconds,
        network=ask.network or NETWORK if looks else None,
        history=run.history,
        recipe=recipe.to_json(),
        notes=(
            run.kept,
            f"{len(words.words):,} words, {len(answers.words):,} answers",
        ),
    )
