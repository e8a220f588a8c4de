"""Color statistics of one picture given to another: Reinhard, Ashikhmin, Gooch & Shirley, "Color
Transfer between Images" (IEEE Computer Graphics and Applications 21(5), 2001).

In a space of one light and two colors that hardly depend on each other in natural pictures
(Ruderman et al. 1998: logarithms of what the three kinds of cones see), mean and deviation of each
are made those of the painting. Nothing else of it is learned: what a network has to surpass.
"""

import torch
from torch import Tensor, nn

CONES = ((0.3811, 0.5783, 0.0402), (0.1967, 0.7244, 0.0782), (0.0241, 0.1288, 0.8444))  # Eq. 4
SUMS = ((1.0, 1.0, 1.0), (1.0, 1.0, -2.0), (1.0, -1.0, 0.0))  # Equation 6
LENGTHS = (3**-0.5, 6**-0.5, 2**-0.5)
DARKEST = 1.0  # of 255, for there is no logarithm of nothing
FLATTEST = 1e-3  # deviation, below which nothing is stretched further


class ColorStatistics(nn.Module):
    """Pictures (N, 3, H, W) in [0, 255] to pictures whose colors have the statistics that `fit`
    was shown."""

    cones: Tensor
    axes: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        sums, lengths = torch.tensor(SUMS), torch.tensor(LENGTHS)
        self.register_buffer("cones", torch.tensor(CONES), persistent=False)
        self.register_buffer("axes", lengths[:, None] * sums, persistent=False)
        self.register_buffer("back", torch.linalg.inv(self.axes), persistent=False)
        self.register_buffer("colors", torch.linalg.inv(self.cones), persistent=False)
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("deviation", torch.ones(3))

    def fit(self, painting: Tensor) -> None:
        """Takes mean and deviation of a picture (1, 3, H, W)."""
        values = self.split(painting)
        self.mean.copy_(values.mean((0, 2, 3)))
        self.deviation.copy_(values.std((0, 2, 3), correction=0))

    def forward(self, pictures: Tensor) -> Tensor:
        values = self.split(pictures)
        mean = values.mean((2, 3), keepdim=True)
        deviation = (values - mean).square().mean((2, 3), keepdim=True).sqrt()
        scale = self.deviation[:, None, None] / deviation.clamp(min=FLATTEST)
        return self.joined((values - mean) * scale + self.mean[:, None, None])

    def split(self, pictures: Tensor) -> Tensor:
        """Into light, yellow against blue, red against green (Section 2)."""
        return mixed(self.axes, mixed(self.cones, pictures.clamp(min=DARKEST)).log10())

    def joined(self, values: Tensor) -> Tensor:
        """`split`, undone."""
        logarithms = mixed(self.get_buffer("back"), values)
        return mixed(self.get_buffer("colors"), 10.0**logarithms)


def mixed(matrix: Tensor, pictures: Tensor) -> Tensor:
    """Channels (N, 3, H, W) multiplied by a matrix (3, 3)."""
    return nn.functional.conv2d(pictures, matrix[:, :, None, None])
