"""How deep a network may be before its first weights decide whether it learns at all.

Plain networks of 8, 20 and 56 layers in the form of He et al. 2016, Section 4.2 (three stages of
3 x 3 convolutions; here 8, 16 and 32 maps, digits, and a first step that halves their side), as
they are, with batch normalization, and with skip connections as well. First weights are those of
AlexNet (a normal deviation of 0.01), Glorot and Bengio's, He's, and orthogonal ones for rectifiers.

A layer of rectifiers multiplies the mean square of what it reads by fan-in x variance / 2: by 1
with He's and orthogonal weights, by about 1/2 with Glorot's, by 0.004 or less with a deviation of
0.01.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from striate.errors import Diverged
from striate.experiments.judging import percent
from striate.experiments.learning import Curve, Pictures, fewer
from striate.experiments.material import opened
from striate.experiments.result import Line, Panel, Result, Row
from striate.inference import evaluating
from striate.layers import initialize
from striate.models.resnet import Basic
from striate.training import Recipe, seeded

FIRST = ("normal", "glorot", "he", "orthogonal")
NAMES = {
    "normal": "N(0, 0.01)", "glorot": "Glorot", "he": "He", "orthogonal": "orthogonal",
    "plain": "as they are", "normalized": "batch normalization", "residual": "skip connections",
}  # fmt: skip
FORMS = ("plain", "normalized", "residual")
DEPTHS = (8, 20, 56)
WIDTHS = (8, 16, 32)
DEVIATION = 0.01
RECIPE = Recipe(
    epochs=1, batch_size=64, learning_rate=0.02, nesterov=False, schedule="constant", clip=5.0,
    threads=1,
)  # fmt: skip
IMAGES = {True: (4_000, 300, 300), False: (48_000, 1_000, 10_000)}
STEPS = {True: (35, 2), False: (300, 6)}  # and how often networks are scored
DEPTHS_LEARNED = {True: (8, 20), False: DEPTHS}
LEARNED = 0.5  # accuracy, ten classes: well above chance
CHANCE = 0.1
Key = tuple[str, str, int]  # form, first weights, depth


def network(form: str, depth: int) -> nn.Sequential:
    """Digits (N, 1, 28, 28) to logits; 6 n + 2 layers with weights."""
    count = (depth - 2) // 3
    layers: list[nn.Module] = convolution(1, WIDTHS[0], 2, normalized=form != "plain")
    inputs = WIDTHS[0]
    for width in WIDTHS:
        strides = [1 if width == WIDTHS[0] else 2] + [1] * (count - 1)
        if form == "residual":
            for stride in strides[::2]:
                layers.append(Basic(inputs, width, stride, "A"))
                inputs = width
        else:
            for stride in strides:
                layers += convolution(inputs, width, stride, normalized=form == "normalized")
                inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


def convolution(inputs: int, outputs: int, stride: int, *, normalized: bool) -> list[nn.Module]:
    """3 x 3, perhaps normalized, rectified."""
    first = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=not normalized)
    return [first, *([nn.BatchNorm2d(outputs)] if normalized else []), nn.ReLU()]


def drawn(model: nn.Sequential, first: str, seed: int) -> nn.Sequential:
    """The network with its first weights."""
    with seeded(seed):
        if first != "normal":
            return begun(model, first)
        for layer in model.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, std=DEVIATION)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
    return model


def begun(model: nn.Sequential, first: str) -> nn.Sequential:
    initialize(model, first, gain=math.sqrt(2) if first == "orthogonal" else 1.0)
    return model


def signals(model: nn.Sequential, images: Tensor) -> list[float]:
    """Root mean square of what each convolution hands on, rectified."""
    found, x = [], images
    with evaluating(model), torch.no_grad():
        for layer in model:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                found.append(float(x.double().square().mean().sqrt()))
    return found


def run(quick: bool, seed: int) -> Result:
    """What a signal becomes on its way up; then every network learns for as many steps."""
    digits = Pictures.of(fewer(opened("mnist"), *IMAGES[quick], seed=seed))
    batch = next(digits.problem.batches(digits.data, RECIPE, seed=seed, start=0))
    ways = {
        first: signals(drawn(network("plain", DEPTHS[-1]), first, seed), batch.images)
        for first in FIRST
    }
    curves = {
        (form, first, depth): learned(digits, form, first, depth, quick, seed)
        for form in FORMS for first in FIRST for depth in DEPTHS_LEARNED[quick]
    }  # fmt: skip
    return Result([*passing(ways), *reaching(curves)], [way_panel(ways), *learning_panels(curves)])


def learned(digits: Pictures, form: str, first: str, depth: int, quick: bool, seed: int) -> Curve:
    """Accuracy on the way; chance from where the losses stopped being finite."""
    steps, often = STEPS[quick]
    points = np.linspace(0, steps, often + 1).astype(int)[1:].tolist()
    title = f"{depth} layers, {NAMES[form]}, {NAMES[first]}"
    try:
        return digits.curve(
            drawn(network(form, depth), first, seed), RECIPE, points, seed=seed, title=title
        )
    except Diverged:
        return Curve(np.array(points), np.full(len(points), CHANCE), diverged=True)


def passing(ways: Mapping[str, list[float]]) -> list[Row]:
    """What theory says of a signal on its way up, and what is measured."""
    fan_in = 9 * WIDTHS[0]
    rows = []
    for first, factor in (
        ("normal", fan_in * DEVIATION**2 / 2), ("glorot", 0.5), ("he", 1.0), ("orthogonal", 1.0)
    ):  # fmt: skip
        way = ways[first]
        count = len(way) // 3  # the first stage: all layers have one fan-in
        measured = (way[count - 1] / way[0]) ** (2 / (count - 1)) if way[count - 1] else 0.0
        near = factor / 2 < measured < 2 * factor
        rows.append(
            Row(
                f"{NAMES[first]}: what a layer multiplies the mean square by",
                f"{factor:.2g}",
                f"{measured:.2g} in the mean of {count} layers",
                "same" if near else "different",
                "" if near else "zeros around maps and few maps take some away",
            )
        )
    return rows


def reaching(curves: Mapping[Key, Curve]) -> list[Row]:
    """Which networks learned, beside what papers say."""
    ends = {key: float(curve.accuracy[-1]) for key, curve in curves.items()}
    deep = max(depth for _, _, depth in ends)
    middle = max(depth for _, _, depth in ends if depth < deep)
    good = {key for key, accuracy in ends.items() if accuracy >= LEARNED}

    def row(what: str, said: str, keys: list[Key], same: bool, why: str) -> Row:
        ours = ", ".join(
            f"{NAMES[form]}, {NAMES[first]}, {depth}: "
            + (
                "diverged"
                if curves[form, first, depth].diverged
                else percent(ends[form, first, depth], 0)
            )
            for form, first, depth in keys
        )
        return Row(what, said, ours, "same" if same else "different", "" if same else why)

    small = [("plain", "normal", depth) for depth in (8, middle, deep)]
    pair = [("plain", first, depth) for first in ("glorot", "he") for depth in (middle, deep)]
    every = [("normalized", first, deep) for first in FIRST]
    depths = [(form, "he", depth) for form in FORMS[1:] for depth in (middle, deep)]
    fallen = ends["normalized", "he", middle] - ends["normalized", "he", deep]
    return [
        row(
            "a deviation of 0.01, no normalization",
            "8 layers learn, much deeper ones do not (He et al. 2015, Section 2.2)",
            list(dict.fromkeys(small)),
            small[0] in good and not {small[1], small[2]} & good,
            f"0.01 fits AlexNet's fan-in of thousands; here it is {9 * WIDTHS[0]}, and 8 layers "
            "are deep already",
        ),
        row(
            "Glorot's weights and He's, rectifiers, no normalization",
            "of 22 layers both learn, He's sooner; of 30 He's alone (He et al. 2015, Figures 2, 3)",
            list(dict.fromkeys(pair)),
            deep > middle and ("plain", "he", deep) in good
            and ("plain", "glorot", deep) not in good,
            f"counted so where He's alone learn in {deep} layers",
        ),
        row(
            "orthogonal weights as good as He's",
            "signals keep their length (Saxe et al. 2014)",
            [("plain", first, middle) for first in ("he", "orthogonal")],
            abs(ends["plain", "he", middle] - ends["plain", "orthogonal", middle]) < CHANCE,
            "counted so within 10 points",
        ),
        row(
            "batch normalization",
            "one may be less careful about first weights (Ioffe & Szegedy 2015)",
            every,
            good.issuperset(every),
            "after so few steps not all are above 50 %",
        ),
        row(
            "deeper, with batch normalization, without and with skip connections",
            "plain networks get worse with depth, residual ones do not (He et al. 2016, Figure 6)",
            depths,
            fallen > 0 and ends["residual", "he", deep] > ends["normalized", "he", deep],
            "of a few hundred steps on digits, there of 64,000 on CIFAR-10",
        ),
    ]  # fmt: skip


def way_panel(ways: Mapping[str, list[float]]) -> Panel:
    """Signals layer by layer."""
    lines = []
    for first, way in ways.items():
        size = np.array(way)
        size = size[size > 0]
        lines.append(Line(NAMES[first], np.arange(1.0, len(size) + 1), np.log10(size)))
    limits = (1, len(ways["he"]), -12, 1)
    return Panel(
        "What becomes of a signal", "layer", "log10 of its root mean square", lines, limits
    )


def learning_panels(curves: Mapping[Key, Curve]) -> list[Panel]:
    """How far each network comes: a panel for each form, accuracy at the end by depth, and the way
    of the deepest ones with He's weights."""
    depths = sorted({depth for _, _, depth in curves})
    places = np.array(depths, float)
    panels = []
    for form in FORMS:
        lines = [
            Line(NAMES[first], places,
                 np.array([100 * curves[form, first, depth].accuracy[-1] for depth in depths]))
            for first in FIRST
        ]  # fmt: skip
        panels.append(Panel(f"Learned: {NAMES[form]}", "layers", "% right on validation", lines,
                            (depths[0], depths[-1], 0, 100)))  # fmt: skip
    deep = [
        Line(NAMES[form], curves[form, "he", depths[-1]].steps.astype(float),
             100 * curves[form, "he", depths[-1]].accuracy)
        for form in FORMS
    ]  # fmt: skip
    return [*panels, Panel(f"{depths[-1]} layers, He's weights", "steps", "% right", deep)]
