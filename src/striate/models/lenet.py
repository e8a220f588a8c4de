"""LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document
recognition", Proc. IEEE 86(11), Section II.B): convolve, pool, convolve, pool, decide.

The layers keep the names of the paper's Figure 2.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.stages import Stages, rectified


class PadTo(nn.Module):
    """Zeros around images smaller than `size`, half on each side: 28 x 28 digits become 32 x 32."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        down = max(self.size - images.shape[-2], 0)
        right = max(self.size - images.shape[-1], 0)
        if not down and not right:
            return images
        return F.pad(images, (right // 2, right - right // 2, down // 2, down - down // 2))

    def extra_repr(self) -> str:
        return f"{self.size}"


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
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return model
