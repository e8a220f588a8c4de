"""What the checks find of planted faults in real data, beside the share that they should find.

    python benchmarks/trust.py [--only NAME] [--quick] [--json]

The data lie in ../shared/data, or where STRIATE_SHARED says. Everything is planted at random with
the seed given in each section, in memory or in a temporary folder.
"""

import argparse
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

SHARED = Path(os.environ.get("STRIATE_SHARED", Path(__file__).parents[2] / "shared")) / "data"


@dataclass(frozen=True)
class Fit:
    """One number and what it should reach; `at_most` turns the comparison round."""

    case: str
    value: float
    target: float | None = None
    at_most: bool = False
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        good = self.value <= self.target if self.at_most else self.value >= self.target
        return "good" if good else "SHORT"


def duplicates(quick: bool) -> Iterator[Fit]:
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
            # Every fourth under another label: both a leak and a conflict.
            label = original.parent.name
            if number % 4 == 3:
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
        names = findings.dataset.images.name
        found = {
            frozenset((names(one), names(other)))
            for copies in findings.copies
            for one in copies.rows
            for other in copies.rows
            if one < other
        }
        yield Fit("planted copies: recall", len(found & wanted) / len(wanted), 0.98)
        precise = len(found & wanted) / max(len(found), 1)
        yield Fit("planted copies: precision", precise, 0.95, note=f"{len(found)} pairs found")
        for kind in ("exact", *ways):
            pairs = {frozenset((name, planted[name])) for name in planted if kinds[name] == kind}
            yield Fit(f"  recall, {kind}", len(found & pairs) / max(len(pairs), 1))
        for pair in sorted(map(sorted, found - wanted)):
            yield Fit(f"  not planted: {' = '.join(pair)}", 1)
        leaking = {names(row) for row in findings.leaks.tolist()}
        yield Fit("leaking test images: recall", len(leaking & set(planted)) / len(planted), 0.98)
        if findings.effect:
            yield Fit("  top-1 of a linear classifier with leaks", findings.effect.all)
            yield Fit("  top-1 without them", findings.effect.clean)
        yield Fit("  seconds of the whole check", seconds, note=f"{len(data)} photographs")
        decoded = decode(data, [View(224, fraction=1.0)])
        start = time.perf_counter()
        rows = glance(decoded).leaks
        seconds = time.perf_counter() - start
        quickly = {decoded.dataset.images.name(row) for row in rows.tolist()}
        recall = len(quickly & set(planted)) / len(planted)
        yield Fit("glance(), before a comparison: recall", recall)
        yield Fit("  precision", len(quickly & set(planted)) / max(len(quickly), 1))
        yield Fit("  seconds", seconds, note="pixels of 224 x 224 x 3 decoded before")


def wrong_labels(quick: bool) -> Iterator[Fit]:
    """One label in twenty exchanged for another, at random: how many are among the first suspects.

    The suspects are the first of the order by margin, twice as many as were planted; all that the
    data bring with them of wrong labels compete for the same places.
    """
    import striate
    from striate.checking import features, labels
    from striate.checking.appearance import VIEW, looks
    from striate.data import decode

    for name in ("clothing", "mnist"):
        data = striate.data.open(SHARED / name)
        if quick and len(data) > 7000:
            data = data.take(np.arange(0, len(data), 10))
        random = np.random.default_rng(2)
        planted = np.sort(random.permutation(len(data))[: len(data) // 20])
        targets = data.targets.copy()
        shift = random.integers(1, len(data.classes), len(planted))
        targets[planted] = (targets[planted] + shift) % len(data.classes)
        start = time.perf_counter()
        # What `check` does, without its other parts: its findings hold no order of all images.
        view = None if name == "mnist" else features.deep_view(400)
        decoded = decode(replace(data, targets=targets), [VIEW, view] if view else [VIEW])
        seen = looks(decoded.pixels[VIEW])
        numbers = features.deep(decoded, view) if view else features.plain(decoded, seen.vectors)
        alone = np.arange(len(data))
        chances = labels.out_of_fold(numbers, targets, alone, classes=len(data.classes))
        found = labels.suspects(chances, targets)
        rows, order = found.rows, found.order
        seconds = time.perf_counter() - start
        recall = float(np.isin(planted, order[: 2 * len(planted)]).mean())
        yield Fit(f"{name}, {len(planted)} wrong labels: recall", recall, 0.8)
        share = float(np.isin(planted, rows).mean())
        yield Fit("  recall of those named", share, note=f"{len(rows)} are named")
        yield Fit("  precision of those named", float(np.isin(rows, planted).mean()))
        yield Fit("  seconds", seconds, note=f"{len(data)} images")


def many(quick: bool) -> Iterator[Fit]:
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
    for count in (10_000, 20_000) if quick else (50_000, 100_000, 200_000):
        looks, copies = planted(count)
        marks = np.random.default_rng(4).integers(0, 256, (count, 16), np.uint8)
        start = time.perf_counter()
        pairs = index.find(looks, marks)
        seconds = time.perf_counter() - start
        right = (pairs.second - pairs.first == count - copies).sum()
        yield Fit(f"{count:,} looks: recall of copies", float(right / copies), 0.98)
        yield Fit("  precision", float(right / max(len(pairs), 1)), 0.95)
        note = f"{seconds / last:.2f} times the half" if last else ""
        yield Fit("  seconds", seconds, note=note)
        last = seconds
        if count <= 100_000:
            tracemalloc.start()
            index.find(looks, marks)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            yield Fit("  MiB at the peak, above the looks", peak / 2**20)


def unknowns(quick: bool) -> Iterator[Fit]:
    """Photographs of other things shown to a clothing recognizer: how many it says "none of these"
    to, by several scores, each with the threshold that keeps 95 % of the validation images."""
    import torch

    import striate
    from striate.approaches import run_approach
    from striate.data import SPLITS, decode
    from striate.evaluation import calibration_error
    from striate.images import View
    from striate.models import classifier

    data = striate.data.open(SHARED / "clothing")
    decoded = decode(data, [View(224, fraction=1.0)])
    outcome = run_approach("transfer", decoded)
    ours = outcome.recognizer
    error = calibration_error(outcome.probabilities, outcome.targets)
    yield Fit("clothing, transfer: expected calibration error", error, 0.05, at_most=True)
    files = {
        "things of ImageNet": sorted((SHARED / "imagenet_sample" / "images").rglob("*.*")),
        "photographs": sorted((SHARED / "photos").glob("*.jpg")),
        "blood cells": sorted((SHARED / "bccd").rglob("*.jp*g"))[:: 10 if quick else 1],
    }
    seen = {name: torch.from_numpy(ours.features(paths)) for name, paths in files.items()}
    pixels = decoded.pixels[ours.preprocessing.view]
    rows = {name: np.flatnonzero(data.split == number) for number, name in enumerate(SPLITS)}
    for name, some in rows.items():
        seen[name] = torch.from_numpy(ours.features(list(pixels[some])))
    targets = torch.from_numpy(data.targets[rows["train"]])
    last = classifier(ours.model)[1]
    weight, bias = last.weight.detach(), last.bias.detach()
    scores = judges(seen["train"], targets, weight, bias, ours.calibration.temperature)
    for method, score in scores.items():
        threshold = torch.quantile(score(seen["validation"]), 0.05, interpolation="lower")
        kept = float((score(seen["test"]) >= threshold).float().mean())
        target = {"kept": 0.95, "refused": 0.7} if method.startswith("cosine") else {}
        yield Fit(f"{method}: known test images kept", kept, target.get("kept"))
        for name, paths in files.items():
            refused = float((score(seen[name]) < threshold).float().mean())
            case, note = f"  refused of {name}", f"{len(paths)} pictures"
            yield Fit(case, refused, target.get("refused"), note=note)
    known = ours.knowing(seen["train"], targets, seen["validation"])
    answers = list(known.predict([path for paths in files.values() for path in paths]))
    refused = sum(not answer.known for answer in answers) / len(answers)
    yield Fit("the recognizer itself: unknowns refused", refused, 0.7)
    kept = float(known.answers(pixels[rows["test"]])[1].mean())
    yield Fit("  known test images kept", kept, 0.95)


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

    from striate.recognizer import Familiarity

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


SECTIONS: dict[str, Callable[[bool], Iterator[Fit]]] = {
    "duplicates": duplicates,
    "wrong_labels": wrong_labels,
    "many": many,
    "unknowns": unknowns,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    for name, section in SECTIONS.items():
        if options.only in (None, name):
            for fit in section(options.quick):
                if options.json:
                    print(json.dumps({"section": name, **asdict(fit)}), flush=True)
                    continue
                sign = "<=" if fit.at_most else ">="
                target = "" if fit.target is None else f"{sign} {fit.target:g}"
                line = f"{fit.case:48} {fit.value:9.4g} {target:>8} {fit.verdict:6}{fit.note}"
                print(line.rstrip(), flush=True)


if __name__ == "__main__":
    main()
