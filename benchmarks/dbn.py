"""Belief nets beside the same networks begun at random, by the number of labels; the autoencoder.

    python benchmarks/dbn.py MNIST labels --folder runs --out labels.svg
    python benchmarks/dbn.py MNIST autoencoder --folder runs

`labels`: machines learn from all training pictures; then back-propagation goes on from their
weights, and from random ones, with some of the labels, drawn several times. Each run is a line of
rows.jsonl in the folder as soon as it is known; what stands there is not learned again.
`autoencoder`: 784-1000-500-250-30, pre-trained and tuned on the cross-entropy, beside as many
principal components. Everything is chosen on validation pictures; the test pictures score what is
kept.
"""

import argparse
import json
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from striate import data
from striate.data import Decoded
from striate.data.batches import Batch, Batches
from striate.data.dataset import ASIDE
from striate.data.splits import TEST, TRAIN
from striate.inference.outputs import outputs_of
from striate.models.autoencoder import WIDTHS, Autoencoder
from striate.models.dbn import HIDDEN, begin
from striate.models.dbn import dbn as network
from striate.tasks.classification import dbn
from striate.tasks.classification.problem import ClassificationProblem
from striate.tasks.contract import Ask
from striate.tasks.pictures.stacking import MACHINE, Seen, stacked
from striate.training import Problem, Recipe, fit, seeded
from striate.training.problem import CPU

TUNED = Recipe(epochs=20, batch_size=100, learning_rate=2e-3, optimizer="adamw")


def processor() -> float:
    """Seconds of processor time so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def errors(given: argparse.Namespace) -> None:
    """Test errors for each number of labels, begun both ways."""
    dataset = data.open(given.data)
    decoded = data.decode(dataset, dbn.views(dataset, Ask()))
    some, gaussian = dbn.seen(decoded)
    given.folder.mkdir(parents=True, exist_ok=True)
    kept = given.folder / "rows.jsonl"
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    done = {(row["labels"], row["begun"], row["draw"]) for row in rows}
    start, clock = processor(), time.perf_counter()
    own = MACHINE.but(epochs=given.passes)
    stack = stacked(
        some, HIDDEN, own, gaussian=gaussian, folder=given.folder / "machines", resume=True
    )
    spent, waited = processor() - start, time.perf_counter() - clock
    print(f"machines: {spent:.0f} s of processor, {waited:.0f} s")
    whole = len(some.pixels)
    for count in (min(whole, int(each)) for each in given.counts.split(",")):
        for draw in range(1 if count == whole else given.draws):
            for begun, machines in (("pre-trained", stack.machines), ("random", None)):
                if (count, begun, draw) in done:
                    continue
                start, clock = processor(), time.perf_counter()
                row = {
                    "labels": count, "begun": begun, "draw": draw,
                    **tuned(decoded, count, draw, machines, given.epochs),
                    "processor": processor() - start, "seconds": time.perf_counter() - clock,
                }  # fmt: skip
                rows.append(row)
                with kept.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(json.dumps(row), flush=True)
    table(rows)
    if given.out:
        given.out.write_text(curves(rows))


def tuned(
    decoded: Decoded, count: int, seed: int, machines: Any, epochs: int | None
) -> dict[str, float]:
    """Validation and test error, in %, of a network that learned from so many labels."""
    few = fewer(decoded, count, seed)
    rule = dbn.seen(few)[0].preprocessing
    ask = Ask(seed=seed, epochs=epochs)
    recipe = dbn.plan(few.dataset, ask, dbn.TUNED)
    with seeded(seed):
        model = network(
            classes=len(few.dataset.classes), channels=rule.view.channels,
            image_size=rule.view.size,
        )  # fmt: skip
    if machines is not None:
        begin(model, machines)
    problem = ClassificationProblem(few.dataset.classes, preprocessing=rule)
    problem.every = max(1, recipe.epochs // 10)
    run = fit(model, problem, few, recipe, seed=seed)
    test = np.flatnonzero(few.dataset.split == TEST)
    logits = outputs_of(model.eval(), rule, few.pixels[rule.view][test])
    wrong = logits.argmax(1).numpy() != few.dataset.targets.single()[test]
    return {"validation": 100 * (1 - run.best["top1"]), "test": 100 * float(wrong.mean())}


def fewer(decoded: Decoded, count: int, seed: int) -> Decoded:
    """The set with so many of its training pictures, as many of each class as can be."""
    dataset = decoded.dataset
    random = np.random.default_rng((seed, count))
    train = random.permutation(np.flatnonzero(dataset.split == TRAIN))
    targets = dataset.targets.single()[train]
    rank = np.empty(len(train), int)  # of each picture within its class
    for number in np.unique(targets):
        rank[targets == number] = np.arange((targets == number).sum())
    split = dataset.split.copy()
    split[train[np.argsort(rank, kind="stable")[count:]]] = ASIDE
    return Decoded(replace(dataset, split=split), decoded.pixels)


def table(rows: list[dict[str, Any]]) -> None:
    """Mean and spread over the draws of the labels."""
    print(f"{'labels':>8}{'begun':>14}{'test error':>12}{'spread':>9}{'draws':>7}{'processor':>11}")
    for count, begun, some in grouped(rows):
        found = [row["test"] for row in some]
        spread = f"{stdev(found):.2f}" if len(found) > 1 else "-"
        seconds = mean(row["processor"] for row in some)
        print(f"{count:8,}{begun:>14}{mean(found):10.2f} %{spread:>9}{len(some):7}{seconds:9.0f} s")


def grouped(rows: list[dict[str, Any]]) -> Iterator[tuple[int, str, list[dict[str, Any]]]]:
    """The draws of each number of labels and each beginning."""
    for count, begun in sorted({(row["labels"], row["begun"]) for row in rows}):
        yield count, begun, [r for r in rows if (r["labels"], r["begun"]) == (count, begun)]


def curves(rows: list[dict[str, Any]]) -> str:
    """An SVG of test error by number of labels, both in powers of ten, one line a beginning."""
    points: dict[str, list[tuple[int, float]]] = {}
    for count, begun, some in grouped(rows):
        points.setdefault(begun, []).append((count, mean(row["test"] for row in some)))
    at = lambda count, error: (60 + 130 * np.log10(count / 100), 200 - 110 * np.log10(error))
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 240" font-size="12" '
             'font-family="sans-serif"><rect width="520" height="240" fill="white"/>']  # fmt: skip
    for error in (1, 2, 5, 10, 20, 50):
        y = at(100, error)[1]
        parts.append(f'<path d="M60 {y:.0f}H460" stroke="#ddd"/>')
        parts.append(f'<text x="52" y="{y + 4:.0f}" text-anchor="end">{error} %</text>')
    for count in sorted({row["labels"] for row in rows}):
        x = at(count, 1)[0]
        parts.append(f'<text x="{x:.0f}" y="222" text-anchor="middle">{count:,}</text>')
    for number, (begun, some) in enumerate(points.items()):
        color = ("#1f6feb", "#d1242f")[number % 2]
        places = [at(*one) for one in some]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in places]
        parts.append(f'<text x="330" y="{30 + 18 * number}" fill="{color}">{begun}</text>')
    return "\n".join([*parts, "</svg>\n"])


class Reconstruction(Problem[Seen, Batch]):
    """What an autoencoder reads, given back: cross-entropy in, squared error a picture out."""

    score = "negative_error"

    def prepare(self, data: Seen) -> Seen:
        return data

    def examples(self, data: Seen) -> int:
        return len(data.pixels)

    def batches(
        self, data: Seen, recipe: Recipe, *, seed: int, start: int,
        device: torch.device = CPU,
    ) -> Iterator[Batch]:  # fmt: skip
        some = Batches(data.pixels, data.targets, size=recipe.batch_size, seed=seed, start=start)
        for batch in some:
            images = data.preprocessing(batch.images.to(device))
            yield replace(batch, images=images.flatten(1))

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        assert isinstance(model, Autoencoder)
        return model.losses(batch.images)

    def evaluate(self, model: nn.Module, data: Seen) -> dict[str, float]:
        return {"negative_error": -squared_error(model, data, data.held_out)}

    def identity(self, data: Seen) -> dict[str, Any]:
        return data.identity


def squared_error(model: nn.Module, seen: Seen, pixels: np.ndarray) -> float:
    """Sum over a picture's pixels in [0, 1], mean over pictures."""
    total = 0.0
    with torch.no_grad():
        for first in range(0, len(pixels), 1000):
            images = seen.preprocessing.tensor(np.array(pixels[first : first + 1000])).flatten(1)
            total += float((model(images).sigmoid() - images).square().sum())
    return total / len(pixels)


def autoencoder(given: argparse.Namespace) -> None:
    """The squared error of test pictures from a code of 30 numbers, beside principal components."""
    dataset = data.open(given.data)
    decoded = data.decode(dataset, dbn.views(dataset, Ask()))
    some, _ = dbn.seen(decoded)
    rule = some.preprocessing
    test = decoded.pixels[rule.view][decoded.dataset.split == TEST]
    start, clock = processor(), time.perf_counter()
    stack = stacked(
        some, WIDTHS, MACHINE.but(epochs=given.passes), linear=True,
        folder=given.folder / "autoencoder", resume=True,
    )  # fmt: skip
    model = Autoencoder.of(stack.machines)
    before = squared_error(model, some, test)
    recipe = TUNED.but(epochs=given.tuning)
    run = fit(
        model, Reconstruction(), some, recipe, folder=given.folder / "autoencoder/tuned",
        resume=True,
    )  # fmt: skip
    seconds = f"{processor() - start:.0f} s of processor, {time.perf_counter() - clock:.0f} s"
    flat = rule.tensor(np.array(some.pixels)).flatten(1).double()
    center = flat.mean(0)
    directions = torch.linalg.eigh((flat - center).T @ (flat - center))[1][:, -WIDTHS[-1] :]
    away = rule.tensor(np.array(test)).flatten(1).double() - center
    principal = float((away - away @ directions @ directions.T).square().sum(1).mean())
    print(f"squared error of a test picture, {WIDTHS[-1]} numbers ({seconds})")
    print(f"  machines unrolled         {before:8.2f}")
    print(f"  tuned                     {squared_error(model, some, test):8.2f}   "
          f"validation {-run.best['negative_error']:.2f}")  # fmt: skip
    print(f"  principal components      {principal:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("data")
    parser.add_argument("what", choices=("labels", "autoencoder"))
    parser.add_argument("--folder", type=Path, default=Path("dbn-runs"))
    parser.add_argument("--counts", default="100,1000,10000,60000")
    parser.add_argument("--draws", type=int, default=3, help="of the labels")
    parser.add_argument("--passes", type=int, default=15, help="of each machine")
    parser.add_argument("--epochs", type=int, help="of back-propagation")
    parser.add_argument("--tuning", type=int, default=20, help="passes of the autoencoder")
    parser.add_argument("--out", type=Path, help="an SVG of the curves")
    given = parser.parse_args()
    {"labels": errors, "autoencoder": autoencoder}[given.what](given)


if __name__ == "__main__":
    main()
