"""DeepFace (Taigman, Yang, Ranzato & Wolf 2014, CVPR): faces that are lined up share no filters.

The layers of Figure 2. Convolutions and pooling tell edges and texture apart; from L4 on every
place of the face has its own filters, and F7 reads the whole of it.
"""

import torch
from torch import Tensor, nn

from striate.errors import ModelError
from striate.layers import LocallyConnected2d

SIDE = 152
PERSONS = 4030  # of the Social Face Classification set

# fmt: off
LAYERS = (  # name, filters, kernel, stride; M2 pools, L* are locally connected
    ("C1", 32, 11, 1),
    ("M2", 32,  3, 2),
    ("C3", 16,  9, 1),
    ("L4", 16,  9, 1),
    ("L5", 16,  7, 2),
    ("L6", 16,  5, 1),
)
# fmt: on
F7 = 4096


class DeepFace(nn.Module):
    """Faces (N, 3, side, side), lined up, to logits (N, persons).

    Args:
        classes: persons.
        image_size: pixels a side; the paper's kernels need 122 and more.
        factor: what the widths of all layers are divided by, for small sets.
        dropout: after F7, which alone has it (Section 3.3).
    """

    def __init__(
        self,
        *,
        classes: int = PERSONS,
        image_size: int = SIDE,
        factor: int = 1,
        dropout: float = 0.5,
    ):
        super().__init__()
        self.layers = nn.ModuleDict()
        channels, side = 3, image_size
        for name, filters, kernel, stride in LAYERS:
            width = max(1, filters // factor)
            if side < kernel:
                raise ModelError(f"faces of {image_size} pixels leave nothing for {name} to read")
            if name == "M2":
                self.layers[name] = nn.MaxPool2d(kernel, stride, ceil_mode=True)
                side = -(-(side - kernel) // stride) + 1
                continue
            if name.startswith("C"):
                self.layers[name] = nn.Conv2d(channels, width, kernel)
                side = side - kernel + 1
            else:
                self.layers[name] = LocallyConnected2d(
                    channels, width, kernel, input_size=(side, side), stride=stride
                )
                side = (side - kernel) // stride + 1
            channels = width
        self.layers["F7"] = nn.Linear(channels * side**2, F7 // factor)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(F7 // factor, classes)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """Every layer's output by its name in Figure 2, rectified; `F7` is (N, 4096 / factor)."""
        outputs, x = {}, images
        for name, layer in self.layers.items():
            x = layer(x.flatten(1) if name == "F7" else x)
            x = outputs[name] = x if name == "M2" else torch.relu(x)
        return outputs

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.dropout(self.features(images)["F7"]))
        return logits


def normalized(features: Tensor, largest: Tensor) -> Tensor:
    """F7 (N, D) in [0, 1] and of unit length: each divided by its largest value on the training set
    (D,), above a small number, then by the length (Section 4)."""
    return nn.functional.normalize((features / largest.clamp(min=0.05)).clamp(max=1))
