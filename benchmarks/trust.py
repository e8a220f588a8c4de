"""What the checks find of planted faults in real data, beside the share that they should find.

    python benchmarks/trust.py [--only NAME] [--quick] [--json]

The data lie in data/ of STRIATE_SHARED. Everything is planted at random with
the seed given in each section, in memory or in a temporary folder.
"""

import argparse
import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from _rows import Row, absent, alone, compared, main

SHARED = Path(os.environ.get("STRIATE_SHARED", Path(__file__).parents[2] / "shared")) / "data"


def reached(
    case: str, value: float, target: float | None = None, *, note: str = "planted or true"
) -> Row:
    """A share of what is to be found; the whole of it is 1."""
    return compared(case, "share", value, note, 1.0, target=target)


def at_most(case: str, value: float, allowed: float) -> Row:
    """An error that is to stay below a bound."""
    return compared(case, "share", value, "allowed", allowed, less=True, target=1.0)


def duplicates(quick: bool) -> Iterator[Row]:
    """Copies of training photographs in the test split of data/clothing, made in seven ways."""
    from PIL import Image

    import striate
    from striate.checking import check, glance
    from striate.data import decode
    from striate.images import View

    def jpeg(image: Any, quality: int) -> bytes:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return stream.getvalue()

    def resized(image: Any, scale: float) -> Any:
        return image.resize([max(1, round(side * scale)) for side in image.size])

    flip = Image.Transpose.FLIP_LEFT_RIGHT
    ways: dict[str, Callable[[Any], bytes]] = {
        "half": lambda image: jpeg(resized(image, 0.5), 90),
        "a third": lambda image: jpeg(resized(image, 1 / 3), 85),
        "1.5 times": lambda image: jpeg(resized(image, 1.5), 90),
        "quality 40": lambda image: jpeg(image, 40),
        "quality 15": lambda image: jpeg(image, 15),
        "mirrored": lambda image: jpeg(image.transpose(flip), 90),
        "mirrored, half, quality 50": lambda image: jpeg(resized(image.transpose(flip), 0.5), 50),
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "clothing"
        shutil.copytree(SHARED / "clothing", folder)
        source = sorted((folder / "train").glob("*/*.jpg"))
        random = np.random.default_rng(1)
        chosen = random.permutation(len(source))[: 40 if quick else 320]
        planted: dict[str, str] = {}
        kinds: dict[str, str] = {}
        for number, place in enumerate(chosen.tolist()):
            original = source[place]
            kind = ["exact", *ways][number % (1 + len(ways))]
            # Every fourth under another label: both a leak and a conflict. Not those in a mirror:
            # an arrow to the left and one to the right are no copies.
            label = original.parent.name
            if number % 4 == 3 and not kind.startswith("mirrored"):
                label = str(random.choice(sorted(p.name for p in (folder / "train").iterdir())))
            copy = folder / "test" / label / f"planted-{number}.jpg"
            if kind == "exact":
                shutil.copyfile(original, copy)
            else:
                with Image.open(original) as image:
                    copy.write_bytes(ways[kind](image.convert("RGB")))
            name = copy.relative_to(folder).as_posix()
            planted[name], kinds[name] = original.relative_to(folder).as_posix(), kind
        data = striate.data.open(folder)
        start = time.perf_counter()
        findings = check(data)
        seconds = time.perf_counter() - start
        wanted = {frozenset(pair) for pair in planted.items()}
        names = findings.dataset.inputs.name
        found = {
            frozenset((names(one), names(other)))
            for copies in findings.copies
            for one in copies.rows
            for other in copies.rows
            if one < other
        }
        yield reached("planted copies, recall", len(found & wanted) / len(wanted), 0.98)
        precise = len(found & wanted) / max(len(found), 1)
        yield reached("planted copies, precision", precise, 0.95, note=f"{len(found)} pairs found")
        for kind in ("exact", *ways):
            pairs = {frozenset((name, planted[name])) for name in planted if kinds[name] == kind}
            yield reached(
                f"planted copies, recall, {kind}", len(found & pairs) / max(len(pairs), 1)
            )
        leaking = {names(row) for row in findings.leaks.tolist()}
        share = len(leaking & set(planted)) / len(planted)
        yield reached("leaking test images, recall", share, 0.98)
        if findings.effect:
            effect = findings.effect
            yield compared("top-1 of a linear classifier without leaks", "share", effect.clean,
                           "with them", effect.all)  # fmt: skip
        yield alone("the whole check", "s", seconds, f"{len(data)} photographs")
        decoded = decode(data, [View(224, fraction=1.0)])
        start = time.perf_counter()
        rows = glance(decoded).leaks
        seconds = time.perf_counter() - start
        quickly = {decoded.dataset.inputs.name(row) for row in rows.tolist()}
        recall = len(quickly & set(planted)) / len(planted)
        yield reached("at a glance, recall", recall)
        yield reached("at a glance, precision", len(quickly & set(planted)) / max(len(quickly), 1))
        yield alone("at a glance", "s", seconds, "pixels of 224 x 224 x 3 decoded before")


def wrong_labels(quick: bool) -> Iterator[Row]:
    """One label in twenty exchanged for another, at random: how many are among the first suspects.

    The suspects are the first of the order by margin, twice as many as were planted; all that the
    data bring with them of wrong labels compete for the same places.
    """
    import striate
    from striate.checking import features, labels
    from striate.checking.appearance import VIEW, looks
    from striate.data import Labels, decode

    for name in ("clothing", "mnist"):
        data = striate.data.open(SHARED / name)
        if quick and len(data) > 7000:
            data = data.take(np.arange(0, len(data), 10))
        random = np.random.default_rng(2)
        planted = np.sort(random.permutation(len(data))[: len(data) // 20])
        targets = data.targets.numbers.copy()
        shift = random.integers(1, len(data.classes), len(planted))
        targets[planted] = (targets[planted] + shift) % len(data.classes)
        start = time.perf_counter()
        # What `check` does, without its other parts: its findings hold no order of all images.
        view = None if name == "mnist" else features.deep_view(400)
        data = replace(data, targets=Labels(data.classes, targets))
        decoded = decode(data, [VIEW, view] if view else [VIEW])
        seen = looks(decoded.pixels[VIEW])
        numbers = features.deep(decoded, view) if view else features.plain(decoded, seen.vectors)
        groups = np.arange(len(data))
        chances = labels.out_of_fold(numbers, targets, groups, classes=len(data.classes))
        found = labels.suspects(chances, targets)
        rows, order = found.rows, found.order
        seconds = time.perf_counter() - start
        recall = float(np.isin(planted, order[: 2 * len(planted)]).mean())
        case = f"{name}, {len(planted)} wrong labels"
        yield reached(f"{case}, recall", recall, 0.8)
        share = float(np.isin(planted, rows).mean())
        yield reached(f"{case}, recall of those named", share, note=f"{len(rows)} are named")
        precise = float(np.isin(rows, planted).mean())
        yield reached(f"{case}, precision of those named", precise)
        yield alone(case, "s", seconds, f"{len(data)} images")


COUNTS = (50_000, 100_000, 200_000)


def many(quick: bool) -> Iterator[Row]:
    """The index of 100,000 looks with planted copies: time, memory, recall; twice as many, too."""
    import tracemalloc

    from striate.checking import duplicates as index
    from striate.checking.appearance import Looks, codes_of

    def planted(count: int) -> tuple[Looks, int]:
        random = np.random.default_rng(3)
        vectors = random.standard_normal((count, 144)).astype(np.float32)
        copies = count // 100
        vectors[-copies:] = vectors[:copies] + 0.1 * random.standard_normal((copies, 144))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Looks(vectors, codes_of(vectors), np.zeros(count, np.bool_)), copies

    last = 0.0
    for count in [each // 5 for each in COUNTS[:2]] if quick else COUNTS:
        looks, copies = planted(count)
        marks = np.random.default_rng(4).integers(0, 256, (count, 16), np.uint8)
        start = time.perf_counter()
        pairs = index.find(looks, marks)
        seconds = time.perf_counter() - start
        right = (pairs.second - pairs.first == count - copies).sum()
        case = f"{count:,} pictures"
        yield reached(f"{case}, recall of copies", float(right / copies), 0.98)
        yield reached(f"{case}, precision", float(right / max(len(pairs), 1)), 0.95)
        note = f"{seconds / last:.2f} times the half" if last else ""
        yield alone(case, "s", seconds, note)
        last = seconds
        if count <= 100_000:
            tracemalloc.start()
            index.find(looks, marks)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            yield alone(f"{case}, memory at the peak", "MiB", peak / 2**20)


def unknowns(quick: bool) -> Iterator[Row]:
    """Photographs of other things shown to a clothing recognizer: how many it says "none of these"
    to, by several scores, each with the threshold that keeps 95 % of the validation images."""
    import torch

    import striate
    from striate.comparing import Wishes
    from striate.comparing.learning import run
    from striate.data import SPLITS
    from striate.models import classifier
    from striate.tasks.opening import task_of

    data = striate.data.open(SHARED / "clothing")
    task = task_of(data)
    plan = Wishes().plan(task, "transfer", 0)
    decoded = task.prepare(data, [plan])
    outcome = run(task, decoded, plan)
    ours = outcome.recognizer.predictor
    assert outcome.scores is not None
    error = outcome.scores.metrics["calibration_error"]
    yield at_most("clothing, transfer, expected calibration error", error, 0.05)
    files = {
        "things of ImageNet": sorted((SHARED / "imagenet_sample" / "images").rglob("*.*")),
        "photographs": sorted((SHARED / "photos").glob("*.jpg")),
        "blood cells": sorted((SHARED / "bccd").rglob("*.jp*g"))[:: 10 if quick else 1],
    }
    seen = {
        name: torch.from_numpy(outcome.recognizer.features(paths)) for name, paths in files.items()
    }
    pixels, data = decoded.pixels[ours.preprocessing.view], decoded.dataset
    rows = {name: np.flatnonzero(data.split == number) for number, name in enumerate(SPLITS)}
    for name, some in rows.items():
        seen[name] = torch.from_numpy(ours.features(list(pixels[some])))
    targets = torch.from_numpy(data.targets.numbers[rows["train"]])
    last = classifier(ours.model)[1]
    weight, bias = last.weight.detach(), last.bias.detach()
    scores = judges(seen["train"], targets, weight, bias, ours.calibration.temperature)
    for method, score in scores.items():
        threshold = torch.quantile(score(seen["validation"]), 0.05, interpolation="lower")
        kept = float((score(seen["test"]) >= threshold).float().mean())
        target = {"kept": 0.95, "refused": 0.7} if method.startswith("cosine") else {}
        yield reached(f"{method}, known test images kept", kept, target.get("kept"))
        for name, paths in files.items():
            refused = float((score(seen[name]) < threshold).float().mean())
            case, note = f"{method}, refused of {name}", f"{len(paths)} pictures"
            yield reached(case, refused, target.get("refused"), note=note)
    known = ours.knowing(seen["train"], targets, seen["validation"])
    others = replace(outcome.recognizer, predictor=known)
    answers = list(others.predict([path for paths in files.values() for path in paths]))
    refused = sum(not answer.known for answer in answers) / len(answers)
    yield reached("the recognizer itself, unknowns refused", refused, 0.7)
    kept = float(known.answers(pixels[rows["test"]])[1].mean())
    yield reached("the recognizer itself, known test images kept", kept, 0.95)


def judges(
    features: Any, targets: Any, weight: Any, bias: Any, temperature: float
) -> dict[str, Callable[[Any], Any]]:
    """Scores of features (N, D), high for what is known, by published methods.

    The largest probability (Hendrycks & Gimpel 2017, arXiv:1610.02136), the energy (Liu et al.
    2020, arXiv:2010.03759), the Mahalanobis distance to the class means (Lee et al. 2018,
    arXiv:1807.03888; the covariance of Ledoit & Wolf 2004), and the angle to them.
    """
    import torch
    from sklearn.covariance import ledoit_wolf
    from torch.nn.functional import normalize

    from striate.tasks.classification.familiarity import Familiarity

    count = int(targets.max()) + 1
    means = torch.stack([features[targets == k].mean(0) for k in range(count)])
    covariance, _ = ledoit_wolf((features - means[targets]).numpy(), assume_centered=True)
    inverse = torch.linalg.inv(torch.from_numpy(covariance).double())

    def mahalanobis(x: Any) -> Any:
        apart = (x[:, None] - means).double()
        return -torch.einsum("nkd,de,nke->nk", apart, inverse, apart).amin(1)

    return {
        "largest probability": lambda x: ((x @ weight.T + bias) / temperature).softmax(1).amax(1),
        "energy": lambda x: (x @ weight.T + bias).logsumexp(1),
        "distance to the class means": lambda x: -torch.cdist(x, means).amin(1),
        "Mahalanobis distance to them": mahalanobis,
        "cosine to them (striate)": Familiarity.fitted(features, targets, normalize(features)),
    }


SECTIONS: dict[str, Callable[[bool], Iterator[Row]]] = {
    "duplicates": duplicates,
    "wrong_labels": wrong_labels,
    "many": many,
    "unknowns": unknowns,
}


def measure(quick: bool, only: str | None = None) -> Iterator[Row]:
    for name, section in SECTIONS.items():
        if only not in (None, name):
            continue
        if name != "many" and not SHARED.is_dir():
            yield absent(name, "share", "planted or true", f"{SHARED} is not a folder")
            continue
        for row in section(quick):
            yield replace(row, case=f"{name}: {row.case.strip()}")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=SECTIONS, help="one section")


if __name__ == "__main__":
    main(measure, __doc__, options)
