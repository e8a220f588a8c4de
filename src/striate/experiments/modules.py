"""What the modules of the lectures are worth, one at a time, on CIFAR-10.

One small network - three convolutions, each rectified and pooled, two full connections of 128 and
the classifier - learns as it is, then with one thing changed: overlapping pooling, response
normalization (both of AlexNet, Sections 3.3 and 3.4), no padding, random views, dropout. What is
done in testing is compared on the networks that are there: halved weights beside sampled networks,
one view beside ten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.augment import Augmentation, named
from striate.evaluation.classification import in_top_k
from striate.experiments.judging import Lead, percent
from striate.experiments.learning import Pictures, fewer
from striate.experiments.material import opened
from striate.experiments.result import Line, Panel, Result, Row, Verdict
from striate.inference import evaluating
from striate.layers import Dropout, LocalResponseNorm, Pool2d, dropout_ensemble, initialize
from striate.progress import track
from striate.tasks.classification.problem import split
from striate.training import Recipe, seeded

WIDTHS = (16, 32, 48)
KERNELS = (5, 5, 3)
HIDDEN = 128
VIEWS: Augmentation = named.AIRBENCH  # mirror images, shifts by up to 2 of 32 pixels
RECIPE = Recipe(
    epochs=5, batch_size=64, learning_rate=0.02, nesterov=False, weight_decay=5e-4, warmup=0.05,
    clip=5.0, threads=1,
)  # fmt: skip
IMAGES = {True: (800, 200, 300), False: (20_000, 1_000, 6_000)}
SEEDS = {True: 1, False: 2}
MANY = (1, 2, 5, 10)  # views of a picture in testing
SAMPLES = (1, 4, 16)  # networks that dropout draws
TOGETHER = 500  # pictures at a time
EXACT = 1e-5
LEARNED = 0.4  # accuracy, ten classes
Right = NDArray[np.float64]  # (seeds, N)


@dataclass(frozen=True)
class Form:
    """What is changed."""

    title: str
    overlapping: bool = False
    normalized: bool = False
    padded: bool = True
    dropout: float = 0.0
    augmentation: Augmentation = RECIPE.augmentation


PLAIN = Form("as it is")
OVERLAPPING = Form("overlapping pooling", overlapping=True)
NORMALIZED = Form("normalization", normalized=True)
UNPADDED = Form("no padding", padded=False)
VARIED = Form("random views", augmentation=VIEWS)
DROPPED = Form("dropout", dropout=0.5)
FORMS = (PLAIN, OVERLAPPING, NORMALIZED, UNPADDED, VARIED, DROPPED)


def network(form: Form, *, classes: int = 10) -> nn.Sequential:
    """Images (N, 3, 32, 32) to logits. Pooling halves the side, whether windows overlap or not."""
    layers: list[nn.Module] = []
    inputs = 3
    for width, kernel in zip(WIDTHS, KERNELS, strict=True):
        layers += [
            nn.Conv2d(inputs, width, kernel, padding=kernel // 2 if form.padded else 0),
            nn.ReLU(),
            *([LocalResponseNorm()] if form.normalized else []),
            Pool2d(3, stride=2, padding="same") if form.overlapping else Pool2d(2),
        ]
        inputs = width
    inputs *= sides(form)[-1] ** 2
    layers.append(nn.Flatten())
    for _ in range(2):
        layers += [nn.Linear(inputs, HIDDEN), nn.ReLU(), Dropout(form.dropout)]
        inputs = HIDDEN
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


def sides(form: Form) -> list[int]:
    """Of the maps, from the picture to what is flattened.

    >>> sides(PLAIN), sides(UNPADDED)
    ([32, 16, 8, 4], [32, 14, 5, 1])
    """
    found = [32]
    for kernel in KERNELS:
        found.append((found[-1] - (0 if form.padded else kernel - 1)) // 2)
    return found


def fresh(form: Form, seed: int) -> nn.Module:
    """The network with He's weights."""
    with seeded(seed):
        return initialize(network(form), "he")


def run(quick: bool, seed: int) -> Result:
    """Every form learns; then what can be done in testing."""
    pictures = Pictures.of(fewer(opened("cifar10"), *IMAGES[quick], seed=seed))
    recipe = RECIPE.but(epochs=2) if quick else RECIPE
    networks = {
        form: [
            pictures.learn(fresh(form, each), recipe.but(augmentation=form.augmentation), seed=each)
            for each in range(seed, seed + SEEDS[quick])
        ]
        for form in FORMS
    }
    right = {
        form: np.stack([pictures.right(one) for one in some]).astype(float)
        for form, some in networks.items()
    }
    views = {
        form: [in_views(pictures, one, seed) for one in networks[form]] for form in (PLAIN, VARIED)
    }
    drawn = [in_samples(pictures, one, seed) for one in networks[DROPPED]]
    rows = [
        single_layer(seed), *dropout(right, drawn), *modules(right), *augmentation(right, views)
    ]  # fmt: skip
    return Result(rows, panels(right, views, drawn))


def in_views(pictures: Pictures, model: nn.Module, seed: int) -> dict[int, Right]:
    """(N,) whether each test picture is right by the mean probabilities of so many random views."""
    view, preprocessing = pictures.problem.preprocessing.view, pictures.problem.preprocessing
    pixels, targets = split(pictures.data, view, "test")
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(len(images), len(pictures.problem.classes))
    found: dict[int, Right] = {}
    for count in track(range(1, MANY[-1] + 1), "views of test pictures"):
        with evaluating(model), torch.no_grad():
            for start in range(0, len(images), TOGETHER):
                some = VIEWS(images[start : start + TOGETHER], generator)
                total[start : start + TOGETHER] += model(preprocessing(some)).softmax(1)
        if count in MANY:
            found[count] = in_top_k(total.numpy(), targets).astype(float)
    return found


def in_samples(pictures: Pictures, model: nn.Module, seed: int) -> dict[int, Right]:
    """(N,) whether each test picture is right by the geometric mean of so many drawn networks."""
    preprocessing = pictures.problem.preprocessing
    pixels, targets = split(pictures.data, preprocessing.view, "test")
    found: dict[int, Right] = {}
    for count in track(SAMPLES, "networks drawn by dropout"):
        parts = [
            dropout_ensemble(
                model, preprocessing.tensor(pixels[start : start + TOGETHER]),
                samples=count, seed=seed,
            )
            for start in range(0, len(pixels), TOGETHER)
        ]  # fmt: skip
        found[count] = in_top_k(torch.cat(parts).numpy(), targets).astype(float)
    return found


def single_layer(seed: int, *, hidden: int = 8) -> Row:
    """Halved weights and the geometric mean of all 2^hidden networks, where one layer is hidden."""
    with seeded(seed):
        units, last = torch.randn(5, hidden).relu(), nn.Linear(hidden, 10)
    masks = torch.tensor(list(product((0.0, 1.0), repeat=hidden)))  # (2^hidden, hidden)
    with torch.no_grad():
        halved = last(units * 0.5).softmax(1)
        mean = geometric_mean(last(units * masks[:, None]))
    apart = float((halved - mean).abs().max())
    return Row(
        f"one hidden layer: halved weights and the geometric mean of all {2**hidden} networks",
        "equivalent",
        f"probabilities differ by {apart:.0e} at most",
        "same" if apart < EXACT else "different",
    )


def geometric_mean(logits: Tensor) -> Tensor:
    """Of the distributions of networks (M, N, classes), normalized: (N, classes)."""
    return logits.log_softmax(2).mean(0).softmax(1)


def gain(what: str, said: str, better: Right, worse: Right) -> Row:
    """Whether the first is ahead as was said: on these pictures, and with every seed."""
    lead = Lead.of(better, worse)
    each = better.mean(1) - worse.mean(1)
    verdict, why = lead.judged(behind="a small network that learns for minutes is not held back so")
    if (np.sign(each) != np.sign(lead.points)).any():
        verdict, why = "not reachable here", "seeds do not agree"
    elif max(better.mean(), worse.mean()) < LEARNED and verdict == "different":
        why = "they have hardly begun to learn"
    ours = f"{percent(better.mean())} against {percent(worse.mean())}: {lead}"
    return Row(what, said, ours, verdict, why)


def dropout(right: Mapping[Form, Right], drawn: list[dict[int, Right]]) -> list[Row]:
    """Dropout, and its two rules."""
    halved, sampled = right[DROPPED], np.stack([one[SAMPLES[-1]] for one in drawn])
    lead = Lead.of(halved, sampled)
    near = abs(lead.points) < 1 or lead.verdict == "not reachable here"
    return [
        gain("dropout in both hidden full connections, CIFAR-10",
             "16.6 to 15.6 % of errors on CIFAR-10 (Hinton et al. 2012); slower convergence",
             halved, right[PLAIN]),
        Row(f"two hidden layers: halved weights and the geometric mean of {SAMPLES[-1]} networks",
            "a pretty good approximation",
            f"{percent(halved.mean())} and {percent(sampled.mean())}: {lead}",
            "same" if near else "different",
            "" if near else f"more than a point apart: {SAMPLES[-1]} networks are few"),
    ]  # fmt: skip


def modules(right: Mapping[Form, Right]) -> list[Row]:
    """Pooling, normalization, padding."""
    plain = right[PLAIN]
    return [
        gain("pooling 3 x 3 at stride 2 against 2 x 2, CIFAR-10",
             "0.4 points of top-1, 0.3 of top-5 on ImageNet (Krizhevsky et al. 2012, Section 3.4)",
             right[OVERLAPPING], plain),
        gain("local response normalization, CIFAR-10",
             "1.4 and 1.2 points on ImageNet; 13 to 11 % of errors on CIFAR-10 (Section 3.3)",
             right[NORMALIZED], plain),
        gain(f"padding with zeros, CIFAR-10: maps of {sides(PLAIN)[1:]} against "
             f"{sides(UNPADDED)[1:]} pixels",
             "it avoids shrinking the spatial extent rapidly", plain, right[UNPADDED]),
    ]  # fmt: skip


def augmentation(
    right: Mapping[Form, Right], views: Mapping[Form, list[dict[int, Right]]]
) -> list[Row]:
    """In training, in testing, in both."""
    last = MANY[-1]
    ten = {form: np.stack([one[last] for one in some]) for form, some in views.items()}
    shares = {
        "neither": right[PLAIN], "in testing": ten[PLAIN],
        "in training": right[VARIED], "in both": ten[VARIED],
    }  # fmt: skip
    means = {name: float(each.mean()) for name, each in shares.items()}
    best = max(means, key=lambda name: means[name])
    verdict: Verdict = "same"
    why = ""
    if best != "in both":
        verdict, why = Lead.of(shares["in both"], shares[best]).judged(f"best {best}")
    return [
        gain("random views in training, CIFAR-10", "adds robustness",
             right[VARIED], right[PLAIN]),
        gain(f"the mean of {last} views in testing, CIFAR-10, learned with views",
             "39.0 to 37.5 % of errors (top-1), ten crops (Krizhevsky et al. 2012, Section 6)",
             ten[VARIED], right[VARIED]),
        Row("views in neither, in testing, in training, in both, CIFAR-10",
            "done in train AND in test",
            ", ".join(f"{name} {percent(share)}" for name, share in means.items()),
            verdict, why),
    ]  # fmt: skip


def panels(
    right: Mapping[Form, Right],
    views: Mapping[Form, list[dict[int, Right]]],
    drawn: list[dict[int, Right]],
) -> list[Panel]:
    """Every form a dot for each seed; views and drawn networks by their number."""

    def by_number(name: str, some: list[dict[int, Right]]) -> Line:
        numbers = np.array(sorted(some[0]), float)
        y = [100 * np.mean([one[int(number)].mean() for one in some]) for number in numbers]
        return Line(name, numbers, np.array(y))

    dots = [
        Line(form.title, np.full(len(each), place + 0.5), 100 * each.mean(1), dots=True)
        for place, (form, each) in enumerate(right.items())
    ]
    y = np.concatenate([line.y for line in dots])
    limits = (0.0, float(len(dots)), float(y.min()) - 1, float(y.max()) + 1)
    halved = np.full(2, 100 * right[DROPPED].mean())
    return [
        Panel("One thing changed", "", "% right", dots, limits),
        Panel("Views in testing", "views", "% right",
              [by_number("in training, too" if form is VARIED else "in testing alone", some)
               for form, some in views.items()]),
        Panel("Dropout in testing", "networks drawn", "% right",
              [by_number("geometric mean", drawn),
               Line("halved weights", np.array([1.0, SAMPLES[-1]]), halved)]),
    ]  # fmt: skip
