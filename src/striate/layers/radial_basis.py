"""The output of LeNet-5: distances to drawn characters (LeCun et al. 1998, Section II.B).

A unit answers with the squared Euclidean distance of the 84 numbers of F6 from a fixed target of
-1 and +1: a picture of its class, 7 wide and 12 high. So characters that look alike get codes that
are alike, and a language model behind the network knows which confusions are likely.
"""

import torch
from torch import Tensor, nn

from striate.errors import ModelError

# The ten digits, ours after the paper's Figure 3.
DIGITS = """
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
..###..  ...##..  .#####.  .#####.  .....#.  #######  ..####.  #######  .#####.  .#####.
.##.##.  .####..  ##...##  ##...##  ....##.  ##.....  .##....  ##...##  ##...##  ##...##
##...##  ...##..  .....##  .....##  ...###.  ##.....  ##.....  .....##  ##...##  ##...##
##...##  ...##..  .....##  .....##  ..####.  ######.  ##.....  ....##.  ##...##  ##...##
##...##  ...##..  ....##.  ..####.  .##.##.  .....##  ######.  ...##..  .#####.  .######
##...##  ...##..  ...##..  .....##  ##..##.  .....##  ##...##  ...##..  ##...##  .....##
##...##  ...##..  ..##...  .....##  #######  .....##  ##...##  ..##...  ##...##  .....##
.##.##.  ...##..  .##....  ##...##  ....##.  ##...##  ##...##  ..##...  ##...##  ....##.
..###..  .######  #######  .#####.  ....##.  .#####.  .#####.  ..##...  .#####.  .####..
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
.......  .......  .......  .......  .......  .......  .......  .......  .......  .......
"""


def digit_targets() -> Tensor:
    """(10, 84) of -1 and +1: the drawn digits 0 to 9, each read row by row."""
    rows = [line.split() for line in DIGITS.strip().splitlines()]
    pictures = ["".join(row[digit] for row in rows) for digit in range(10)]
    return torch.tensor([[1.0 if dot == "#" else -1.0 for dot in p] for p in pictures])


def random_targets(classes: int, *, inputs: int = 84, seed: int = 0) -> Tensor:
    """(classes, inputs) of -1 and +1 with even odds: the paper's choice where nothing is drawn."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2, (classes, inputs), generator=generator).float() * 2 - 1


class RBFOutput(nn.Module):
    """Squared distances to one fixed target a class; as logits, so with the sign turned.

    The softmax of the logits is the probability of the class under a Gaussian around each target,
    and their cross-entropy is the paper's criterion (Eq. 9) without its rubbish class.

    Args:
        classes: 10 are the digits; any other number gets random targets.
        targets: (classes, inputs), instead of those.

    Raises:
        ModelError: `targets` that are not one row a class.
    """

    targets: Tensor

    def __init__(self, classes: int = 10, *, targets: Tensor | None = None):
        super().__init__()
        if targets is None:
            targets = digit_targets() if classes == 10 else random_targets(classes)
        if targets.ndim != 2 or len(targets) != classes:
            raise ModelError(
                f"targets must be ({classes}, inputs), a row a class, not {tuple(targets.shape)}"
            )
        self.register_buffer("targets", targets)

    def distances(self, features: Tensor) -> Tensor:
        """(N, inputs) to (N, classes) in [0, inf): the outputs of the paper's units."""
        return (features[:, None] - self.targets).square().sum(2)  # (N, classes)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs) to logits (N, classes), none above 0."""
        return -self.distances(features)

    def extra_repr(self) -> str:
        classes, inputs = self.targets.shape
        return f"{inputs}, {classes}"
