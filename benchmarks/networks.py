"""AlexNet and GoogLeNet, one image at a time, beside the same networks written in torch's layers.

One thread: `python benchmarks/networks.py [--quick] [--json]`.
"""

from collections.abc import Iterator

import torch
from _rows import Row, main, paired
from torch import Tensor, nn

from striate.models import NETWORKS, create, folded
from striate.models.googlenet import TABLE


def measure(quick: bool) -> Iterator[Row]:
    """Forward at batch 1, in inference mode."""
    torch.set_num_threads(1)
    rounds = 3 if quick else 21
    for name, by_hand in CASES.items():
        ours, size = create(name).eval(), NETWORKS[name].image_size
        image, case = torch.randn(1, 3, size, size), f"{name}, forward, batch 1"
        yield row(case, ours, by_hand().eval(), image, rounds, target=1.0)
    model = create("efficientnet_lite0").eval().to(memory_format=torch.channels_last)
    images = torch.randn(8, 3, FOLDED_SIDE, FOLDED_SIDE).to(memory_format=torch.channels_last)
    quick_one = folded(model).to(memory_format=torch.channels_last)
    case = "efficientnet_lite0 folded, forward, batch 8"
    yield row(case, quick_one, model, images, rounds, peer="not folded")


def row(
    case: str,
    ours: nn.Module,
    theirs: nn.Module,
    images: Tensor,
    rounds: int,
    *,
    peer: str = "torch's layers by hand",
    target: float | None = None,
) -> Row:
    """Both on the same images, in turns."""

    def run(model: nn.Module) -> Tensor:
        with torch.inference_mode():
            return model(images)

    return paired(case, lambda: run(ours), lambda: run(theirs), peer=peer, target=target,
                  rounds=rounds)  # fmt: skip


def alexnet_by_hand() -> nn.Module:
    """Krizhevsky et al. 2012 as a plain nn.Sequential."""
    return nn.Sequential(
        nn.Conv2d(3, 96, 11, 4), nn.ReLU(True), nn.LocalResponseNorm(5, 5e-4, 0.75, 2),
        nn.MaxPool2d(3, 2), nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(True),
        nn.LocalResponseNorm(5, 5e-4, 0.75, 2), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(True),
        nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(True),
        nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(True), nn.MaxPool2d(3, 2),
        nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(True), nn.Dropout(),
        nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 1000),
    )  # fmt: skip


def rectified(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
    return nn.Sequential(conv, nn.ReLU(True))


class ModuleByHand(nn.Module):
    """One Inception module."""

    def __init__(self, inputs: int, widths: tuple[int, ...]):
        super().__init__()
        one, three_reduce, three, five_reduce, five, pool = widths
        self.branches = nn.ModuleList([
            rectified(inputs, one, 1),
            nn.Sequential(rectified(inputs, three_reduce, 1), rectified(three_reduce, three, 3)),
            nn.Sequential(rectified(inputs, five_reduce, 1), rectified(five_reduce, five, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), rectified(inputs, pool, 1)),
        ])  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class GoogLeNetByHand(nn.Module):
    """Szegedy et al. 2015, Table 1, without the auxiliary classifiers."""

    def __init__(self) -> None:
        super().__init__()
        pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
        layers: list[nn.Module] = [
            rectified(3, 64, 7, 2), pool(), nn.LocalResponseNorm(5, 1e-4, 0.75, 1),
            rectified(64, 64, 1), rectified(64, 192, 3),
            nn.LocalResponseNorm(5, 1e-4, 0.75, 1), pool(),
        ]  # fmt: skip
        inputs = 192
        for name, widths in TABLE.items():
            layers.append(ModuleByHand(inputs, widths))
            inputs = widths.one + widths.three + widths.five + widths.pool
            if name in ("inception3b", "inception4e"):
                layers.append(pool())
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(1024, 1000)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.layers(images).mean((2, 3)))


CASES = {"alexnet": alexnet_by_hand, "googlenet": GoogLeNetByHand}
FOLDED_SIDE = 224


if __name__ == "__main__":
    main(measure, __doc__)
