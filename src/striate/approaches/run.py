"""One approach from a set of images to a tested recognizer: what all four have in common."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from striate.approaches import finetune, handcrafted, scratch, transfer
from striate.approaches.outcome import Ask, Learned, Outcome, PeakMemory
from striate.checking import trusted
from striate.data import SPLITS, Dataset, Decoded, decode
from striate.data.dataset import TEST
from striate.errors import UnknownName
from striate.evaluation import calibration_error, top_k
from striate.images import View
from striate.progress import Clock
from striate.recognizer import Calibration, Recognizer
from striate.tasks.classification import split
from striate.training.outputs import outputs_of


@dataclass(frozen=True)
class Approach:
    """How an approach looks at a set, and how it learns from it.

    Attributes:
        prepare: finds what the approach needs besides the images, or says what is missing.
        cheap: runs with more seeds.
    """

    title: str
    view: Callable[[Dataset, str | None], View]
    learn: Callable[[Decoded, Ask], Learned]
    prepare: Callable[[str | None], None]
    cheap: bool


def nothing_needed(model: str | None) -> None:
    """For approaches that start from the images alone."""


APPROACHES: dict[str, Approach] = {
    "handcrafted": Approach(
        "Hand-crafting", handcrafted.view, handcrafted.learn, nothing_needed, cheap=True
    ),
    "transfer": Approach(
        "Transfer", transfer.view, transfer.learn, transfer.find_weights, cheap=True
    ),
    "scratch": Approach(
        "Training from scratch", scratch.view, scratch.learn, nothing_needed, cheap=False
    ),
    "finetune": Approach(
        "Fine-tuning", finetune.view, finetune.learn, transfer.find_weights, cheap=False
    ),
}


def named(approach: str) -> Approach:
    """The approach of that name.

    Raises:
        UnknownName: with the closest names.
    """
    if approach not in APPROACHES:
        raise UnknownName("approach", approach, APPROACHES)
    return APPROACHES[approach]


def view_of(approach: str, dataset: Dataset, model: str | None = None) -> View:
    """How an approach (with this network) looks at the images of a set."""
    return named(approach).view(dataset, model)


def run_approach(
    approach: str,
    data: Dataset | Decoded,
    ask: Ask = Ask(),  # noqa: B008 (frozen)
) -> Outcome:
    """Learns from training and validation images, calibrates on validation, then tests.

    What is given as a set is looked over first (`checking.trusted`); what is already decoded is
    taken as it is.

    Raises:
        UnknownName: for an approach or a network that there is not.
        MissingExtra: if the pretrained weights are not installed.
        DataError: if there is nothing to learn from.
    """
    method = named(approach)
    method.prepare(ask.model)
    told: tuple[str, ...] = ()
    if isinstance(data, Dataset):
        data = trusted(decode(data, [method.view(data, ask.model)]), keep_leaks=ask.keep_leaks)
        told = data.dataset.notes
    with PeakMemory() as memory, torch.random.fork_rng():
        torch.manual_seed(ask.seed)
        learned = method.learn(data, ask)
        clock = Clock(dict(learned.seconds))
        with clock.stage("calibrate and test"):
            wanted = torch.from_numpy(split(data, learned.preprocessing.view, "validation")[1])
            calibration = Calibration.fitted(_logits(learned, data, "validation"), wanted)
            probabilities = calibration(_logits(learned, data, "test")).numpy()
    targets = data.dataset.test.targets
    top1, top5 = top_k(probabilities, targets), top_k(probabilities, targets, 5)
    recognizer = Recognizer(
        learned.model.cpu().eval(),
        learned.architecture,
        learned.preprocessing,
        data.dataset.classes,
        calibration,
        {
            "approach": approach,
            "seed": ask.seed,
            "recipe": learned.recipe,
            "data": {
                "name": data.dataset.name,
                "fingerprint": data.dataset.fingerprint(),
                "learned": _learned_from(data.dataset).fingerprint(),
            },
            "test": {
                "images": len(targets),
                "top1": top1,
                "top5": top5,
                "calibration_error": calibration_error(probabilities, targets),
            },
        },
    )
    with clock.stage("what it does not know"):
        recognizer = _able_to_refuse(recognizer, learned, data)
    return Outcome(
        approach,
        ask.seed,
        recognizer,
        probabilities,
        targets,
        top1,
        top5,
        clock.seconds,
        parameters=sum(tensor.numel() for tensor in learned.model.state_dict().values()),
        memory=memory.bytes,
        curve=learned.curve,
        notes=learned.notes + told,
    )


def _learned_from(dataset: Dataset) -> Dataset:
    """The training and validation images."""
    return dataset.take(np.flatnonzero((dataset.split >= 0) & (dataset.split != TEST)))


def _able_to_refuse(recognizer: Recognizer, learned: Learned, data: Decoded) -> Recognizer:
    """The recognizer, able to say "none of these"."""
    targets, parts = data.dataset.targets, data.dataset.split
    train, held_out = (np.flatnonzero(parts == SPLITS.index(k)) for k in ("train", "validation"))
    if learned.features is not None:
        known, others = (learned.features[k] for k in ("train", "validation"))
        return recognizer.knowing(known, torch.from_numpy(targets[train]), others)
    pixels = data.pixels[learned.preprocessing.view]
    return recognizer.familiar(pixels, targets, train, held_out)


def _logits(learned: Learned, data: Decoded, name: str) -> torch.Tensor:
    """Logits of one split: those the approach has, else those the network gives now."""
    if learned.logits is not None:
        return learned.logits[np.flatnonzero(data.dataset.split == SPLITS.index(name))]
    pixels, _ = split(data, learned.preprocessing.view, name)
    return outputs_of(learned.model, learned.preprocessing, pixels)
