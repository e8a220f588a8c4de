"""Learning Ask Your Neurons: pictures are seen once by a network that stays as it is, and the LSTM
learns from the questions; without pictures it is the paper's language-only network."""

import numpy as np
import torch
from torch import Tensor

from striate.data import Dataset
from striate.data.questions import ReadQuestions
from striate.data.splits import TRAIN, VALIDATION
from striate.errors import UserError
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.inference.outputs import outputs_of
from striate.models import entry
from striate.models.ask_your_neurons import AskYourNeurons
from striate.models.pooled_maps import PooledMaps
from striate.progress import Clock, stage
from striate.tasks.backbones import fill, find_weights, normalization_for
from striate.tasks.contract import Ask, Learned
from striate.tasks.questions.eyes import TOGETHER, Eye
from striate.tasks.questions.neurons import Neurons
from striate.tasks.questions.problem import Numbered, OneAnswer, held_out
from striate.texts import Tokenizer, Vocabulary
from striate.training import Recipe, fit, seeded

NETWORK = "efficientnet_lite0"
RECIPE = Recipe(
    epochs=20, batch_size=64, learning_rate=0.002, optimizer="adamw", schedule="cosine",
    weight_decay=0.01, clip=5.0, patience=6, threads=1,
)  # fmt: skip
SIZE, HIDDEN = 100, 256  # of a word's vector; of the LSTM
GRID = 1


def find(ask: Ask) -> None:
    """Sees that the weights of the network that sees can be had.

    Raises:
        MissingExtra, WeightsError, UserError: if not.
    """
    if ask.weights is None:
        raise UserError(
            "--weights none: a network that has learned nothing sees nothing; leave it out"
        )
    find_weights(NETWORK, ask)


def view(ask: Ask) -> View:
    """The whole picture in the size of its network, however long it is."""
    return View(entry(ask.network or NETWORK).image_size, fit="squash")


def views(dataset: Dataset, ask: Ask) -> tuple[View, ...]:
    """What is read of each picture."""
    return (view(ask),)


def eye_of(ask: Ask) -> Eye:
    """What sees, with its weights."""
    name = ask.network or NETWORK
    network = PooledMaps(name, grid=GRID)
    fill(network, name, ask.weights)
    preprocessing = Preprocessing(view(ask), normalization_for(name, ask.weights))
    return Eye(network.eval().to(fastest_device()), preprocessing)


def features_of(data: ReadQuestions, eye: Eye, key: str) -> Tensor:
    """(M, F) of the pictures of a set, computed once for all that learn on them; they are brought
    to the same scale by those of the training questions."""
    if key not in data.kept:
        pixels = data.pixels[eye.preprocessing.view]
        with stage("features of each picture", len(pixels)) as bar:
            data.kept[key] = outputs_of(
                eye.network, eye.preprocessing, pixels, batch_size=TOGETHER, bar=bar
            )
    plain: Tensor = data.kept[key]
    train = np.flatnonzero(data.dataset.split == TRAIN)
    eye.network.standardize(plain[np.unique(data.pictures[train])])
    return eye.network.scaled(plain)


def learn(data: ReadQuestions, ask: Ask, *, looks: bool) -> Learned:
    """By gradient steps; the epoch with the best validation accuracy is kept."""
    clock, dataset = Clock(), data.dataset
    recipe = ask.adjusted(ask.recipe or RECIPE)
    train = np.flatnonzero(dataset.split == TRAIN)
    with clock.stage("words"):
        asked = [dataset.inputs[row][1] for row in range(len(dataset))]
        tokenizer = Tokenizer.fitted(asked[row] for row in train)
        texts = [tokenizer(question) for question in asked]
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
            f"epoch {run.best['epoch']:g} of {run.history[-1]['epoch']:g}",
            f"{len(words.words):,} words, {len(answers.words):,} answers",
        ),
    )
