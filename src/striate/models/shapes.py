"""What shapes the places of all parts make together: a Gaussian, and what it says of places that
were found one by one (Cootes et al. 1995, Section 3; here without a cut after some components)."""

import torch
from torch import Tensor, nn

STEPS = 8  # that the search for the most probable shape takes
ENDLESS = 1e3  # a reach that no place exceeds


class ShapePrior(nn.Module):
    """Places (N, K, 2) in shares of what is looked at, to the most probable ones.

    Errors of single places are taken to be Gaussian up to `reach` and rarer than exponential
    beyond (Huber 1964): one wild place moves the others by no more than a near one. Each step is
    a linear map of places that were brought within reach of the last.

    As built, it leaves places as they are.
    """

    mean: Tensor
    gain: Tensor
    reach: Tensor

    def __init__(self, parts: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(2 * parts))
        self.register_buffer("gain", torch.eye(2 * parts))
        self.register_buffer("reach", torch.tensor(ENDLESS))

    def forward(self, places: Tensor) -> Tensor:
        wanted = places.flatten(1) - self.mean
        found = torch.zeros_like(wanted)
        for _ in range(STEPS):
            off = torch.minimum(torch.maximum(wanted - found, -self.reach), self.reach)
            found = (found + off) @ self.gain
        return (found + self.mean).view_as(places)

    def learn(self, mean: Tensor, covariance: Tensor, *, noise: float, reach: float) -> None:
        """Takes mean (2 K,) and covariance (2 K, 2 K) of shapes, and the variance of the errors of
        single places."""
        count = len(mean)
        covariance = covariance.double()
        noisy = covariance + noise * torch.eye(count, dtype=torch.float64)
        self.gain.copy_(torch.linalg.solve(noisy, covariance))
        self.mean.copy_(mean)
        self.reach.fill_(reach)
