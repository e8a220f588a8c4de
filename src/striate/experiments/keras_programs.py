"""The lectures' two Keras programs, and why nobody writes a sigmoid into the second any more.

Logistic regression, then two convolutions with pooling and two full connections, as the programs
have them (`examples/keras_logistic_regression.py`, `keras_convolutional_network.py`): plain
gradient descent, batches of 128, pixels from 0 to 1, Glorot's first weights, 5 x 5 kernels that
keep the size. Keras itself is an extra, so the layers here are torch's.

Then the sigmoid gives place to others, each at a rate that suits it, as in AlexNet's comparison
(Krizhevsky et al. 2012, Figure 1).
"""

import numpy as np
import torch
from torch import Tensor, nn

from striate.evaluation import wilson_interval
from striate.experiments.judging import percent
from striate.experiments.learning import Curve, Pictures, fewer
from striate.experiments.material import opened
from striate.experiments.result import Line, Panel, Result, Row
from striate.images import View
from striate.inference import Preprocessing
from striate.layers import activation, initialize
from striate.models import Normalization, losses
from striate.training import Recipe, seeded

# On validation images after 60 steps: tanh and ReLU best of 0.5, 0.2, 0.1 and 0.05. Sigmoid keeps
# the program's rate, the other rectifiers take ReLU's, and ELU, which is steeper, half of it.
RATES = {
    "sigmoid": 0.5, "tanh": 0.2, "relu": 0.2, "leaky_relu": 0.2, "prelu": 0.2, "rrelu": 0.2,
    "elu": 0.1,
}  # fmt: skip
NAMES = {
    "relu": "ReLU", "leaky_relu": "leaky ReLU", "prelu": "parametric ReLU",
    "rrelu": "randomized ReLU", "elu": "ELU",
}  # fmt: skip
XU = {"relu": 12.45, "leaky_relu": 12.66, "prelu": 11.79, "rrelu": 11.19}  # % of CIFAR-10
RECIPE = Recipe(
    epochs=20, batch_size=128, learning_rate=0.5, momentum=0.0, nesterov=False,
    schedule="constant", threads=1,
)  # fmt: skip
KEPT = Preprocessing(View(28, channels=1, fit="squash"), Normalization((0.0,), (255.0,)))
QUICK, WHOLE = 18, 750  # steps of the ConvNets: two passes
IMAGES = {True: (4_000, 300, 500), False: (48_000, 1_000, 10_000)}
LEVEL = {True: 0.6, False: 0.95}  # accuracy that a fast learner soon has
TENTH = 0.1


def logistic() -> nn.Sequential:
    """`Dense(10, input_dim=784)` and the softmax, which is part of the loss here."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def convolutional(name: str) -> nn.Sequential:
    """The second program with another non-linearity in its three places."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding="same"), activation(name, channels=32), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding="same"), activation(name, channels=64), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(3136, 100), activation(name, channels=100),
        nn.Linear(100, 10),
    )  # fmt: skip


def fresh(name: str, seed: int) -> nn.Sequential:
    """A network with Keras' first weights."""
    network = logistic() if name == "logistic" else convolutional(name)
    with seeded(seed):
        initialize(network, "glorot")
    return network


def run(quick: bool, seed: int) -> Result:
    """Both programs, then every non-linearity."""
    digits = Pictures.of(fewer(opened("mnist"), *IMAGES[quick], seed=seed), KEPT)
    linear = fresh("logistic", seed)
    digits.learn(linear, RECIPE.but(epochs=1 if quick else RECIPE.epochs), seed=seed)
    points = np.unique(
        np.geomspace(3, QUICK if quick else WHOLE, 8 if quick else 24).astype(int)
    ).tolist()
    curves, right = {}, {"logistic": digits.right(linear)}
    for name, rate in RATES.items():
        network, recipe = fresh(name, seed), RECIPE.but(learning_rate=rate)
        curves[name] = digits.curve(network, recipe, points, seed=seed, title=f"digits, {name}")
        right[name] = digits.right(network)
    wrong = {name: 1 - float(each.mean()) for name, each in right.items()}
    shares = {name: vanishing(name, digits, seed) for name in ("sigmoid", "tanh", "relu")}
    rows = [
        *programs(wrong, points[-1]),
        *speed(curves, LEVEL[quick]),
        gradients(shares),
        variants(wrong, points[-1], len(right["relu"])),
    ]
    return Result(rows, panels(curves))


def parameters(network: nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())


def programs(wrong: dict[str, float], steps: int) -> list[Row]:
    """What the two programs build and reach."""
    rows = []
    for what, said, name in (
        ("logistic regression: parameters", 7_850, "logistic"),
        ("the sigmoid ConvNet: parameters", 366_806, "sigmoid"),
    ):
        ours = parameters(fresh(name, 0))
        rows.append(Row(what, f"{said:,}", f"{ours:,}", "same" if ours == said else "different"))
    rows.append(
        Row(
            "a linear classifier on MNIST: test error (LeCun et al. 1998, Figure 9)",
            "12.0 %",
            percent(wrong["logistic"]),
            "same" if round(wrong["logistic"], 2) == 0.12 else "different",
            "the paper's learned on squared errors, the lectures' program on the cross-entropy",
        )
    )
    better = wrong["sigmoid"] < wrong["logistic"]
    rows.append(
        Row(
            f"the sigmoid ConvNet's test error after {steps} steps",
            "more complex models do better",
            f"{percent(wrong['sigmoid'])}, logistic regression {percent(wrong['logistic'])}",
            "same" if better else "different",
            "" if better else "it has hardly begun to learn",
        )
    )
    return rows


def speed(curves: dict[str, Curve], level: float) -> list[Row]:
    """How many images each needs, beside the rectifier."""
    rows = []
    quick = curves["relu"].until(level)
    for name, said in (
        ("sigmoid", "sigmoid very slow, ReLU quick to train"),
        ("tanh", "tanh very slow; on CIFAR-10 ReLU is 6 times as fast (AlexNet, Figure 1)"),
    ):
        slow = curves[name].until(level)
        later = quick is not None and (slow is None or slow > quick)
        times = f", {slow / quick:.1f} times as many" if slow and quick else ""
        rows.append(
            Row(
                f"images until {level:.0%} of validation images are right".replace("%", " %"),
                said,
                f"{name} {images(slow, curves[name])}, ReLU {images(quick, curves['relu'])}{times}",
                "same" if later else "different",
                "" if later else f"on digits, with Glorot's weights, {name} is as quick",
            )
        )
    return rows


def images(steps: int | None, curve: Curve) -> str:
    """How many a number of steps sees."""
    if steps is None:
        return f"more than {curve.steps[-1] * RECIPE.batch_size:,}"
    return f"{steps * RECIPE.batch_size:,}"


def vanishing(name: str, digits: Pictures, seed: int) -> float:
    """Root mean square of the gradient of the first layer's weights, as a share of the last's, on
    the first batch."""
    network = fresh(name, seed)
    batch = next(digits.problem.batches(digits.data, RECIPE, seed=seed, start=0))
    sum(losses(network, batch.images, batch.targets).values(), torch.zeros(())).backward()
    first, *_, last = (
        each.grad for each in network.parameters() if each.grad is not None and each.ndim > 1
    )
    return root_mean_square(first) / root_mean_square(last)


def root_mean_square(values: Tensor) -> float:
    return float(values.square().mean().sqrt())


def gradients(shares: dict[str, float]) -> Row:
    """Whether they vanish on the way down."""
    vanishes = shares["sigmoid"] < TENTH * shares["relu"]
    return Row(
        "gradient of the first layer's weights as a share of the last layer's, before learning",
        "ReLU solves the vanishing of gradients",
        ", ".join(f"{name} {share:.3g}" for name, share in shares.items()),
        "same" if vanishes else "different",
        "counted so where the sigmoid's is below a tenth of ReLU's",
    )


def variants(wrong: dict[str, float], steps: int, count: int) -> Row:
    """The rectifiers side by side."""
    best = min(NAMES, key=lambda name: wrong[name])
    high = wilson_interval(wrong[best], count)[1]
    apart = [name for name in NAMES if wilson_interval(wrong[name], count)[0] > high]
    as_said = sorted(XU, key=lambda name: XU[name]) == sorted(XU, key=lambda name: wrong[name])
    return Row(
        "test error of ReLU and its variants",
        "CIFAR-10: " + ", ".join(f"{NAMES[name]} {error} %" for name, error in XU.items())
        + " (Xu et al. 2015, Table 3)",
        "MNIST: " + ", ".join(f"{NAMES[name]} {percent(wrong[name], 2)}" for name in NAMES),
        ("same" if as_said else "different") if apart else "not reachable here",
        f"after {steps} steps, on digits"
        if apart
        else f"on digits the intervals of all overlap with that of {NAMES[best]}",
    )  # fmt: skip


def panels(curves: dict[str, Curve]) -> list[Panel]:
    """Accuracy against images seen."""

    def line(name: str) -> Line:
        curve = curves[name]
        seen = curve.steps * float(RECIPE.batch_size)
        return Line(NAMES.get(name, name), seen, 100 * curve.accuracy)

    across, up = "images seen", "% right on validation"
    return [
        Panel(
            "Saturating and not", across, up, [line(name) for name in ("sigmoid", "tanh", "relu")]
        ),
        Panel("Rectifiers", across, up, [line(name) for name in NAMES]),
    ]
