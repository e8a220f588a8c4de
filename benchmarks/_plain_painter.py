"""Johnson et al.'s feed-forward style transfer as one writes it first, in plain PyTorch: the peer
of `benchmarks/style.py`. The recipe is that of pytorch/examples' fast_neural_style."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.models import Normalization, Stages
from striate.models.image_transformation import ImageTransformation
from striate.style import Weights


class PlainPainter(nn.Module):
    """The same network of torch's own layers, with the same weights."""

    def __init__(self, ours: ImageTransformation):
        super().__init__()
        convolutions = [m for m in ours.modules() if isinstance(m, nn.Conv2d)]
        self.layers = nn.ModuleList()
        for one in convolutions:
            side = one.kernel_size[0]
            layer = nn.Conv2d(one.in_channels, one.out_channels, side, one.stride)
            layer.load_state_dict(one.state_dict())
            self.layers.append(layer)
        self.norms = nn.ModuleList(
            nn.InstanceNorm2d(one.out_channels, affine=True) for one in convolutions[:-1]
        )

    def forward(self, pictures: Tensor) -> Tensor:
        x, last = pictures / 127.5 - 1, len(self.layers) - 1
        kept = x
        for number, layer in enumerate(self.layers):
            if last - 2 <= number < last:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = layer(F.pad(x, (layer.kernel_size[0] // 2,) * 4, mode="reflect"))
            if number == last:
                return 127.5 + 150 * torch.tanh(x)
            x = self.norms[number](x)
            inner = 3 <= number < last - 2
            if inner and number % 2 == 0:
                x = kept = x + kept
            else:
                x = F.relu(x)
                kept = x if number == 2 else kept
        raise AssertionError("the last layer has answered")


class PlainLoss:
    """Losses of a batch by autograd, through VGG as torch computes it."""

    def __init__(
        self, network: Stages, content: str, style: tuple[str, ...], painting: Tensor,
        norm: Normalization, weights: Weights,
    ):  # fmt: skip
        last = network.stage_names.index(style[-1])
        self.stages = list(network.stages())[: last + 1]
        nn.ModuleList(stage for _, stage in self.stages).requires_grad_(False).eval()
        self.content, self.style = content, style
        self.norm, self.weights = norm, weights
        with torch.no_grad():
            maps = self.maps(painting)
            self.wanted = {name: gram(maps[name]) for name in style}

    def maps(self, pictures: Tensor) -> dict[str, Tensor]:
        x, found = self.norm(pictures), {}
        for name, stage in self.stages:
            x = stage(x)
            found[name] = x
        return found

    def __call__(self, painted: Tensor, photos: Tensor) -> Tensor:
        with torch.no_grad():
            kept = self.maps(photos)[self.content]
        maps = self.maps(painted)
        error = (maps[self.content] - kept).square().mean((1, 2, 3)) / kept.square().mean((1, 2, 3))
        loss = self.weights.content * error.mean()
        for name, wanted in self.wanted.items():
            error = (gram(maps[name]) - wanted).square().mean((1, 2)) / wanted.square().mean()
            loss = loss + self.weights.style * error.mean() / len(self.style)
        down = (painted[:, :, 1:] - painted[:, :, :-1]).square().sum()
        across = (painted[..., 1:] - painted[..., :-1]).square().sum()
        return loss + self.weights.variation * (down + across) / 255**2 / painted.numel()


def gram(maps: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, C)."""
    flat = maps.flatten(2)
    return torch.bmm(flat, flat.transpose(1, 2)) / flat.shape[2]
