"""How recordings are learned: mixtures from a flat start, then networks on their alignment."""

from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from striate import hmm
from striate.data.recordings import FILTERS
from striate.data.splits import VALIDATION
from striate.inference import fastest_device
from striate.models.acoustic import AcousticDNN
from striate.models.rbm import RBM
from striate.progress import Clock, track
from striate.tasks.contract import Ask, Learned
from striate.tasks.speech.decoding import Language
from striate.tasks.speech.features import cepstral, spectral
from striate.tasks.speech.predictors import (
    MixtureRecognizer,
    NetworkRecognizer,
    Recognizing,
    built,
)
from striate.tasks.speech.prepared import Aligned, Heard
from striate.tasks.speech.problem import Frames, States
from striate.tasks.speech.tuning import tuned
from striate.training import Objective, Recipe, Run, fit, seeded, train

RECIPE = Recipe(
    epochs=8, batch_size=256, learning_rate=1e-3, optimizer="adamw", weight_decay=0.01, warmup=0.05
)
STEP = FILTERS.step / FILTERS.rate
SCALE = 10.0  # of the grammar, until it is tuned
PRETRAINING = (
    ("gaussian", 0.002, 2),
    ("logistic", 0.02, 1),
)  # rate and passes of the first, others


def learn_mixtures(data: Heard, ask: Ask) -> Learned:
    """A mixture of Gaussians for each state, from a flat start."""
    clock = Clock()
    with clock.stage("flat start"):
        aligned = data.aligned()
    recognizer = MixtureRecognizer(FILTERS, language(data, aligned), aligned.classic.mixtures)
    return finished(data, aligned, recognizer, clock)


def learn_network(
    data: Heard, ask: Ask, *, plan: dict[str, Any], pretrain: bool = False
) -> Learned:
    """A network on the states of the mixtures' alignment.

    Args:
        plan: of the network, as `built` takes it.
        pretrain: begin its layers as Boltzmann machines.
    """
    clock = Clock()
    with clock.stage("flat start"):
        aligned = data.aligned()
    recipe = ask.adjusted(ask.recipe or RECIPE)
    rows = data.rows(VALIDATION)
    with clock.stage("align the validation recordings"):
        features = cepstral([data.spectra[row] for row in rows], FILTERS)
        score = lambda row: aligned.classic.mixtures.score(features[row])
        held_out = _paths(data, rows, score, aligned.classic.stays)
    with seeded(ask.seed):
        model = built(plan, FILTERS, data.lexicon.pdfs).to(fastest_device())
    recognizer = standardized(data, aligned, plan, model)
    frames = frames_of(data, recognizer, aligned, held_out)
    notes = []
    folder = ask.folder
    if pretrain and not (folder is not None and (folder / "network").is_dir() and ask.resume):
        assert isinstance(model, AcousticDNN)
        with clock.stage("pre-train"):
            pretrained(model, frames, ask.seed, recipe.batch_size)
        notes.append("begun with stacked Boltzmann machines, one step of contrastive divergence")
    with clock.stage("train"):
        run = _fit(model, frames, recipe, folder, ask)
    recognizer = replaced(recognizer, run.model)
    frame_accuracy = run.best["frame_accuracy"]
    return finished(
        data, aligned, recognizer, clock, run=run, recipe=recipe, notes=tuple(notes),
        more={"frame_accuracy": frame_accuracy},
    )  # fmt: skip


def _fit(model: nn.Module, frames: Frames, recipe: Recipe, folder: Path | None, ask: Ask) -> Run:
    return fit(
        model, States(), frames, recipe, folder=folder / "network" if folder else None,
        resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
    )  # fmt: skip


def language(data: Heard, aligned: Aligned) -> Language:
    """The grammar of the training sentences, before its weight is chosen."""
    return Language(data.lexicon, data.grammar(), aligned.classic.stays, SCALE, 0.0, STEP)


def finished(
    data: Heard, aligned: Aligned, recognizer: Recognizing, clock: Clock, *, run: Run | None = None,
    recipe: Recipe | None = None, notes: tuple[str, ...] = (), more: dict[str, float] | None = None,
) -> Learned:  # fmt: skip
    """The recognizer with the grammar's weight that is best on the validation recordings."""
    rows = data.rows(VALIDATION)
    with clock.stage("choose the grammar's weight"):
        found = [data.spectra[row] for row in rows]
        said = [data.dataset.targets.words(row) for row in rows]
        loudness = [each[:, -1] for each in found]
        scores = recognizer.scores(found)
        recognizer.language, wrong = tuned(recognizer.language, scores, loudness, said)
    chosen = recognizer.language
    skipped = len(data.rows(0)) - len(aligned.rows)
    weights = f"grammar weighted {chosen.scale:g} times, {chosen.penalty:g} added for each word"
    told = [weights, *notes]
    if skipped:
        told.append(f"{skipped} recordings are too short for their words and were not learned from")
    return Learned(
        recognizer,
        {"word_accuracy": max(0.0, 1 - wrong), "wer": wrong, **(more or {})},
        clock.seconds,
        history=run.history if run else (),
        recipe=recipe.to_json() if recipe else {},
        notes=tuple(told),
    )


def standardized(
    data: Heard, aligned: Aligned, plan: dict[str, Any], model: nn.Module
) -> NetworkRecognizer:
    """The recognizer around a network, with the mean and deviation of the training features."""
    every = torch.from_numpy(np.concatenate(spectral([data.spectra[row] for row in aligned.rows])))
    counted = np.bincount(np.concatenate(aligned.states), minlength=data.lexicon.pdfs) + 1.0
    priors = torch.from_numpy(np.log(counted / counted.sum())).float()
    spread = every.std(0).clamp_min(1e-5)
    return NetworkRecognizer(
        FILTERS, language(data, aligned), model, plan, every.mean(0), spread, priors
    )


def replaced(recognizer: NetworkRecognizer, model: nn.Module) -> NetworkRecognizer:
    """The same around another network."""
    return NetworkRecognizer(
        recognizer.filters, recognizer.language, model, recognizer.plan, recognizer.shift,
        recognizer.spread, recognizer.priors,
    )  # fmt: skip


def frames_of(
    data: Heard, recognizer: NetworkRecognizer, aligned: Aligned,
    held_out: dict[int, NDArray[np.int64]],
) -> Frames:  # fmt: skip
    """The frames of the training and validation recordings with their states."""
    rows = [*aligned.rows, *held_out]
    features = recognizer.standard([data.spectra[row] for row in rows])
    identity = {"data": data.dataset.fingerprint(), "split": data.dataset.split.tolist()}
    return Frames.of(
        [each.flatten(1).numpy() for each in features],
        [*aligned.states, *held_out.values()],
        [True] * len(aligned.rows) + [False] * len(held_out),
        features[0].shape[1],
        identity,
    )


def _paths(
    data: Heard, rows: list[int], score: hmm.learning.Score, stays: NDArray[np.float64]
) -> dict[int, NDArray[np.int64]]:
    """The states of recordings, those left out that are too short for their words."""
    lengths = [len(data.spectra[row]) for row in rows]
    words = [data.words(row) for row in rows]
    paths = hmm.align(score, lengths, words, data.lexicon, stays)
    return {row: path for row, path in zip(rows, paths, strict=True) if path is not None}


def pretrained(model: AcousticDNN, frames: Frames, seed: int, batch_size: int) -> None:
    """Begins every hidden layer with the weights of a Boltzmann machine, one after another.

    The first sees real numbers of variance 1, and the others how probable the units below are
    (Dahl et al. 2012, Section III-A).
    """
    below: list[nn.Module] = []
    device = fastest_device()
    layers: list[nn.Linear] = [each for each in model.layers if isinstance(each, nn.Linear)]
    for number, layer in enumerate(layers):
        kind, rate, passes = PRETRAINING[min(number, 1)]
        with seeded(seed):
            machine = RBM(layer.in_features, layer.out_features, gaussian=kind == "gaussian")
        machine.to(device)
        optimizer = torch.optim.SGD(machine.parameters(), lr=rate, momentum=0.9, weight_decay=2e-4)
        steps = passes * -(-len(frames.train) // batch_size)
        batches = States().batches(
            frames, RECIPE.but(batch_size=batch_size), seed=seed, start=0, device=device
        )

        def losses(batch: Any, below: list[nn.Module], machine: RBM) -> dict[str, torch.Tensor]:
            with torch.no_grad():
                visible = batch.windows.flatten(1)
                for one in below:
                    visible = one(visible)
            return machine.losses(visible)

        look = partial(losses, below=list(below), machine=machine)
        for _ in track(
            train([Objective(look, optimizer)], islice(batches, steps)), "pre-train", steps
        ):
            pass
        with torch.no_grad():
            layer.weight.copy_(machine.weight)
            layer.bias.copy_(machine.hidden_bias)
        below.append(machine)
