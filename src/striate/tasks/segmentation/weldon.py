"""Segmentation from labels of whole pictures: WELDON's class maps (Durand et al. 2016) and what the
pictures have in common, a field that brings them to the borders, and a network that learns from the
masks thus made.

Masks are used for choices on validation pictures alone: how much the two maps count, where the
background ends, the field, and the best epoch.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import VOID, Dataset, Masks
from striate.data.masks import Lying, digest
from striate.data.splits import TRAIN, VALIDATION
from striate.evaluation.segmentation import confusion, summary
from striate.inference import fastest_device
from striate.models.backbone import network_stages
from striate.models.weldon import REGIONS
from striate.models.weldon_maps import WeldonMaps
from striate.progress import Clock, track
from striate.tasks.backbones import normalization_for
from striate.tasks.contract import Ask, Learned
from striate.tasks.segmentation import finetune
from striate.tasks.segmentation.common import FIELDS, SIDE, component, described, filled
from striate.tasks.segmentation.crf import again, with_crf
from striate.tasks.segmentation.image_labels import BACKGROUND, ImageLabels, image_labels, labeled
from striate.tasks.segmentation.networks import network
from striate.tasks.segmentation.pictures import Scaled, scale
from striate.tasks.segmentation.reading import Reading
from striate.tasks.segmentation.segmenter import Prepared, Segmenter

NETWORK = finetune.NETWORK
SHARE = 0.35  # of the regions of a picture that are its strongest, and as many its weakest
EPOCHS, BATCH, RATE, DECAY = 6, 16, 2e-3, 1e-4
WEIGHTS = (0.0, 0.5, 1.0)  # of what pictures have in common
THRESHOLDS = tuple(np.arange(0.2, 0.8, 0.05).round(2).tolist())
COARSE = 4  # every so many-th pixel each way is looked at to choose those
CHOSEN = "validation masks chose the background's threshold"


def learn(data: Dataset[Masks], ask: Ask, *, crf: bool = False) -> Learned:
    """From labels of whole pictures, by maps.

    Args:
        crf: whether a fully connected CRF stands behind them.

    Raises:
        DataError: if the labels tell nothing.
    """
    labels = image_labels(data)
    data = labeled(data, labels)
    learned = from_labels(data, ask, labels)
    return with_crf(learned, again(learned, data), FIELDS) if crf else learned


def learn_refined(data: Dataset[Masks], ask: Ask) -> Learned:
    """FCN-8s from the masks that maps and field give of training pictures.

    Raises:
        DataError: if the labels tell nothing.
    """
    labels = image_labels(data)
    data = labeled(data, labels)
    first = from_labels(data, replace(ask, folder=None), labels)
    scaled = again(first, data)
    first = with_crf(first, scaled, FIELDS)
    assert isinstance(first.predictor, Segmenter)
    learned = finetune.learn(made_masks(scaled, first.predictor, labels), ask, network="fcn")
    seconds = {f"labels: {name}": value for name, value in first.seconds.items()}
    then = (
        "then FCN-8s from the masks thus made of training pictures; validation masks chose its "
        "best epoch"
    )
    return replace(
        learned,
        seconds={**seconds, **learned.seconds},
        notes=(*first.notes, *learned.notes, then),
    )


def from_labels(data: Dataset[Masks], ask: Ask, labels: ImageLabels) -> Learned:
    """WELDON's maps with the rule for the background that is best on validation pictures."""
    clock = Clock()
    name = ask.network or NETWORK
    reading = Reading(SIDE, normalization_for(name, ask.weights))
    with clock.stage("decode"):
        scaled = scale(data, reading)
    architecture: dict[str, Any] = {
        "network": "weldon", "backbone": name, "last": network_stages(name)[-1].name,
        "labels": len(labels.names), "single": labels.single,
    }  # fmt: skip
    sides = np.array([scaled.picture(row).shape[:2] for row in scaled.rows(TRAIN).tolist()])
    architecture["regions"] = max(1, round(SHARE * float(np.median((sides / 32).prod(1)))))
    model = network(architecture, len(data.classes)).eval()
    assert isinstance(model, WeldonMaps)
    describe = filled(model.weldon, name, ask)
    model.belongs[torch.arange(len(labels.names)), torch.from_numpy(labels.classes)] = 1.0
    model.to(fastest_device())
    with clock.stage("features"):
        every = [*scaled.rows(TRAIN).tolist(), *scaled.rows(VALIDATION).tolist()]
        features = {
            row: described(describe, reading.normalization, scaled.picture(row))
            for row in track(every, "features")
        }
    train, held_out = ([features[int(r)] for r in scaled.rows(s)] for s in (TRAIN, VALIDATION))
    with clock.stage("learn"):
        present = torch.from_numpy(labels.present)
        regions_learned(
            model, train, present[scaled.rows(TRAIN)], single=labels.single, seed=ask.seed
        )
        share = common_found(model, train)
    with clock.stage("background"):
        metrics, note = background_chosen(model, held_out, scaled)
    model.cpu()
    right = labels_right(model, held_out, present[scaled.rows(VALIDATION)])
    predictor = Segmenter(model, architecture, reading, len(data.classes))
    return Learned(
        predictor,
        metrics,
        clock.seconds,
        network=name,
        notes=(
            labels.note,
            f"{note}; labels right for {100 * right:.1f} % of validation pictures; the first "
            f"component holds {100 * share:.0f} % of the variance of descriptors",
        ),
    )


def regions_learned(
    model: WeldonMaps, features: list[Tensor], present: Tensor, *, single: bool, seed: int
) -> None:
    """Learns the scores of regions through max + min pooling: by cross-entropy where each picture
    has one label, else by that of each label by itself."""
    scores, pooling = model.weldon.get_submodule(REGIONS).children()
    assert isinstance(scores, nn.Conv2d)
    assert scores.bias is not None
    scale = torch.stack([one.flatten(1).std(1) for one in features]).mean()
    optimizer = torch.optim.AdamW([scores.weight, scores.bias], lr=RATE, weight_decay=DECAY)
    random = np.random.default_rng(seed)
    for _ in track(range(EPOCHS), "learn regions"):
        order = random.permutation(len(features))
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            found = torch.cat([pooling(scores(features[row][None] / scale)) for row in rows])
            wanted = present[rows].to(found)
            if single:
                loss = F.cross_entropy(found, wanted.argmax(1))
            else:
                loss = F.binary_cross_entropy_with_logits(found, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        scores.weight /= scale
    scores.requires_grad_(False)


def common_found(model: WeldonMaps, features: list[Tensor]) -> float:
    """Gives the model the first principal component of all descriptors, turned so that it is larger
    where the labels' maps are; returns its share of the variance."""
    first, mean, share = component(features)
    scores = model.weldon.get_submodule(f"{REGIONS}.scores")
    agreed = 0.0
    with torch.no_grad():
        for one in features:
            maps = scores(one[None])[0].amax(0).flatten()
            along = first @ one.flatten(1)
            agreed += float(((maps - maps.mean()) * (along - along.mean())).sum())
        first = first if agreed >= 0 else -first
        model.common.weight.copy_(first[None, :, None, None])
        assert model.common.bias is not None
        model.common.bias.copy_(-(first @ mean)[None])
    return share


def background_chosen(
    model: WeldonMaps, features: list[Tensor], data: Scaled
) -> tuple[dict[str, float], str]:
    """Sets the weight of what is common and the threshold to those that are best on validation
    masks; returns what they reach there, and a note."""
    count = len(data.dataset.classes)
    tried = [(weight, threshold) for weight in WEIGHTS for threshold in THRESHOLDS]
    totals = np.zeros((len(tried), count, count + 1), np.int64)
    with torch.no_grad():
        for one, row in zip(features, data.rows(VALIDATION).tolist(), strict=True):
            truth = data.map(row).numpy()
            classes, common = model.read(one[None])
            size = (model.multiple * one.shape[1], model.multiple * one.shape[2])
            for number, choice in enumerate(tried):
                model.choice.copy_(torch.tensor(choice))
                logits = model.decided(classes, common, size)[0, :, ::COARSE, ::COARSE]
                labels = logits.argmax(0).to(torch.uint8).cpu().numpy()
                seen = truth[::COARSE, ::COARSE]
                labels = labels[: seen.shape[0], : seen.shape[1]]
                totals[number] += confusion(seen, labels, count, VOID)
        found = [summary(total) for total in totals]
        best = int(np.argmax([each["miou"] for each in found]))
        model.choice.copy_(torch.tensor(tried[best]))
    weight, threshold = tried[best]
    return found[best], (
        f"{CHOSEN} {threshold:g}, class maps counting {1 - weight:g} and what pictures have in "
        f"common {weight:g}"
    )


def labels_right(model: WeldonMaps, features: list[Tensor], present: Tensor) -> float:
    """The share of pictures whose surest label is theirs."""
    scores, pooling = model.weldon.get_submodule(REGIONS).children()
    with torch.no_grad():
        found = torch.cat([pooling(scores(one[None].cpu())) for one in features]).argmax(1)
    return float(present[torch.arange(len(found)), found].float().mean())


def made_masks(scaled: Scaled, predictor: Segmenter, labels: ImageLabels) -> Dataset[Masks]:
    """The set with masks that a segmenter found in place of those of training pictures; classes
    that the labels say are not there are background."""
    data = scaled.dataset
    targets = data.targets
    maps, areas, digests = list(targets.maps), targets.areas.copy(), list(targets.digests)
    for row in track(scaled.rows(TRAIN).tolist(), "masks from labels"):
        height, width = targets.sizes[row].tolist()
        found = predictor.labels(Prepared(scaled.picture(row).numpy(), height, width))
        known = np.zeros(256, bool)
        known[labels.classes[labels.present[row]]] = True
        pixels: NDArray[np.uint8] = np.where(known[found], found, BACKGROUND).astype(np.uint8)
        maps[row], digests[row] = Lying(pixels), digest(pixels)
        areas[row] = np.bincount(pixels.ravel(), minlength=areas.shape[1])[: areas.shape[1]]
    new = replace(targets, maps=tuple(maps), areas=areas, digests=tuple(digests))
    return replace(data, targets=new)
