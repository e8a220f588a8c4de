"""LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document
recognition", Proc. IEEE 86(11), Section II.B): convolve, pool, convolve, pool, decide.

The layers keep the names of the paper's Figure 2.
"""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError
from striate.layers.activations import ScaledTanh
from striate.layers.initialization import initialize
from striate.layers.radial_basis import RBFOutput, discriminative_loss
from striate.layers.subsampling import Subsampling
from striate.layers.table_convolution import LENET5_C3, TableConv2d
from striate.models.normalization import Normalization
from striate.models.stages import Stages, rectified

BACKGROUND, INK = -0.1, 1.175  # of the paper's images (Section II.B)


class PadTo(nn.Module):
    """A border around images smaller than `size`, half on each side: 28 x 28 digits become 32 x 32.

    Args:
        size: height and width.
        value: of the border.
    """

    def __init__(self, size: int, *, value: float = 0.0):
        super().__init__()
        self.size, self.value = size, value

    def forward(self, images: Tensor) -> Tensor:
        down = max(self.size - images.shape[-2], 0)
        right = max(self.size - images.shape[-1], 0)
        if not down and not right:
            return images
        border = (right // 2, right - right // 2, down // 2, down - down // 2)
        return F.pad(images, border, value=self.value)

    def extra_repr(self) -> str:
        return f"{self.size}, value={self.value}"


def lenet5(*, classes: int = 10, channels: int = 1, image_size: int = 32) -> Stages:
    """The modern form: rectifiers, max-pooling, a linear output. 61,706 parameters.

    Args:
        classes: how many.
        channels: of an image.
        image_size: height and width; smaller images (28 x 28 digits) are padded with zeros to it.
    """
    grid = ((image_size - 4) // 2 - 4) // 2
    if grid < 1:
        raise ModelError(
            f"image_size {image_size} leaves nothing after s4; lenet5 needs 16 or more"
        )
    model = Stages(
        {
            "pad": PadTo(image_size),
            "c1": rectified(nn.Conv2d(channels, 6, 5)),
            "s2": nn.MaxPool2d(2),
            "c3": rectified(nn.Conv2d(6, 16, 5)),
            "s4": nn.MaxPool2d(2),
            "flatten": nn.Flatten(),
            "c5": rectified(nn.Linear(16 * grid * grid, 120)),
            "f6": rectified(nn.Linear(120, 84)),
            "output": nn.Linear(84, classes),
        },
        channels=channels,
    )
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return model


class LeNet5(Stages):
    """The network of the paper, which learns by the paper's second criterion."""

    def losses(
        self, images: Tensor, targets: Tensor, *, label_smoothing: float = 0.0
    ) -> dict[str, Tensor]:
        """Eq. 9."""
        loss = discriminative_loss(self(images), targets, label_smoothing=label_smoothing)
        return {"discriminative": loss}


def lenet5_1998(
    *, classes: int = 10, channels: int = 1, image_size: int = 32, drawn: bool = True
) -> LeNet5:
    """The network of the paper: 60,000 trainable parameters, and ten drawn digits as the output.

    Sigmoids instead of rectifiers, pooling that learns, C3 connected by Table I, and an output that
    measures the distance to a target a class; logits are its negative.

    Args:
        classes: how many.
        channels: of an image.
        image_size: height and width; smaller images get a border of background. 32 alone leaves
            C5 a single place.
        drawn: whether the targets of ten classes are the drawn digits 0 to 9; other numbers of
            classes always get random codes.
    """
    grid = ((image_size - 4) // 2 - 4) // 2 - 4
    if grid != 1:
        raise ModelError(f"image_size {image_size} does not leave C5 one place; give 32 to 35")
    model = LeNet5(
        {
            "pad": PadTo(image_size, value=BACKGROUND),
            "c1": nn.Sequential(nn.Conv2d(channels, 6, 5), ScaledTanh()),
            "s2": nn.Sequential(Subsampling(6), ScaledTanh()),
            "c3": nn.Sequential(TableConv2d(LENET5_C3, kernel_size=5), ScaledTanh()),
            "s4": nn.Sequential(Subsampling(16), ScaledTanh()),
            "c5": nn.Sequential(nn.Conv2d(16, 120, 5), ScaledTanh()),
            "flatten": nn.Flatten(),
            "f6": nn.Sequential(nn.Linear(120, 84), ScaledTanh()),
            "output": RBFOutput(classes, drawn=drawn),
        },
        channels=channels,
    )
    initialize(model, "lecun")  # Appendix A: uniform within 2.4 / fan-in
    return model


def paper_and_ink(measured: Normalization) -> Normalization:
    """The paper's values: -0.1 for the background, 1.175 for ink, whichever of them is bright.

    Args:
        measured: mean and deviation of the training pixels; most of them are background.
    """
    bright = sum(measured.mean) / len(measured.mean) > 127.5
    low, high = (INK, BACKGROUND) if bright else (BACKGROUND, INK)  # of the values 0 and 255
    std = 255 / (high - low)
    channels = len(measured.mean)
    return Normalization((round(-low * std, 6),) * channels, (round(std, 6),) * channels)


def codes(names: Sequence[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The options of `lenet5_1998` for these classes, and what a person should know of them."""
    if list(names) == [str(digit) for digit in range(10)]:
        return {}, ()
    note = (
        "lenet5_1998: the drawn targets of the paper are for the digits 0 to 9; these "
        f"{len(names)} classes have random codes"
    )
    return {"drawn": False}, (note,)
