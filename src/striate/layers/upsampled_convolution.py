"""A picture enlarged to twice its sides and convolved by 3 x 3 kernels, in fewer multiplications.

Each place of an enlargement by repetition stands four times, so that a window of 3 x 3 places shows
four numbers of the map before: 4 products where the sum takes 9. Which four, and with what sums of
the weights, depends on whether row and column are even; a transposed convolution of stride 2 with
the right 4 x 4 kernel does all of it. That such an enlargement with a convolution leaves no
checkerboard, as an unbound transposed convolution does, is from Odena et al. 2016, "Deconvolution
and Checkerboard Artifacts" (Distill).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Row 2 i + a of the answer reads rows i - 1 to i + 1: what each of four places of a kernel of
# stride 2 takes of the three weights.
SUMS = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))


class UpsampledConvolution(nn.Conv2d):
    """Maps (N, in_channels, H, W) to (N, out_channels, 2 H, 2 W): nearest enlargement, reflection
    at the borders, a 3 x 3 convolution."""

    sums: Tensor

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__(in_channels, out_channels, 3)
        self.register_buffer("sums", torch.tensor(SUMS), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Beyond the border an enlarged map, reflected, is the map's own edge again."""
        kernel = self.sums @ self.weight.transpose(0, 1) @ self.sums.T
        edged = F.pad(maps, (1, 1, 1, 1), mode="replicate")
        return F.conv_transpose2d(edged, kernel, self.bias, stride=2, padding=3)
