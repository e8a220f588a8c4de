"""The output of LeNet-5: distances to drawn characters (LeCun et al. 1998, Section II.B).

A unit answers with the squared Euclidean distance of the 84 numbers of F6 from a fixed target of
-1 and +1: a picture of its class, 7 wide and 12 high. So characters that look alike get codes that
are alike, and a language model behind the network knows which confusions are likely.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError

RUBBISH = 10.0  # j of Eq. 9, which the paper does not give; see docs/networks.md

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

    The softmax of the logits is the probability of the class under a Gaussian around each target.

    Args:
        classes: 10 are the digits where `drawn`; any other number gets random targets.
        targets: (classes, inputs), instead of those.
        drawn: whether ten classes are the digits 0 to 9, in this order.

    Raises:
        ModelError: `targets` that are not one row a class.
    """

    targets: Tensor

    def __init__(self, classes: int = 10, *, targets: Tensor | None = None, drawn: bool = True):
        super().__init__()
        if targets is None:
            digits = drawn and classes == 10
            targets = digit_targets() if digits else random_targets(classes)
        if targets.ndim != 2 or len(targets) != classes:
            raise ModelError(
                f"targets must be ({classes}, inputs), a row a class, not {tuple(targets.shape)}"
            )
        self.register_buffer("targets", targets)

    @property
    def in_features(self) -> int:
        """How many numbers it reads, as `nn.Linear` calls it."""
        return self.targets.shape[1]

    @property
    def out_features(self) -> int:
        """How many classes it tells apart, as `nn.Linear` calls it."""
        return self.targets.shape[0]

    def distances(self, features: Tensor) -> Tensor:
        """(N, inputs) to (N, classes) in [0, inf): the outputs of the paper's units."""
        return (features[:, None] - self.targets).square().sum(2)  # (N, classes)

    def forward(self, features: Tensor) -> Tensor:
        """(N, inputs) to logits (N, classes), none above 0."""
        return -self.distances(features)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}"


def discriminative_loss(
    logits: Tensor, targets: Tensor, *, j: float = RUBBISH, label_smoothing: float = 0.0
) -> Tensor:
    """The paper's second criterion (Eq. 9): y_D + log(e^-j + sum of e^-y_i), its mean over images.

    A distance y of a wrong class is pushed up the less, the larger it is already: beyond j hardly
    at all. That is a cross-entropy with one more class, rubbish, whose logit is always -j.

    Args:
        logits: (N, classes), the negative distances.
        targets: (N,) in [0, classes).
        j: positive.
        label_smoothing: share of the label that is spread evenly over all classes, rubbish aside.

    >>> discriminative_loss(torch.tensor([[-1.0, -2.0]]), torch.tensor([0]), j=3.0).exp()
    tensor(1.5032)
    """
    rubbish = logits.new_full((len(logits), 1), -j)
    classes = logits.shape[1]
    wanted = F.one_hot(targets, classes + 1).to(logits.dtype)
    wanted = (1 - label_smoothing) * wanted
    wanted[:, :classes] += label_smoothing / classes
    return F.cross_entropy(torch.cat([logits, rubbish], 1), wanted)
