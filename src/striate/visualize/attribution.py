"""Which pixels speak for a class: four methods beside occlusion, and a number to compare maps by.

    saliency     |dy/dx|, the largest channel          Simonyan et al. 2014, arXiv:1312.6034
    guided       the same by guided back-propagation   Springenberg et al. 2015, arXiv:1412.6806
    gradcam      maps weighted by their gradients      Selvaraju et al. 2017, arXiv:1610.02391
    integrated   integrated gradients                  Sundararajan et al. 2017, arXiv:1703.01365

y is the logit of the class. The last method is Captum's (extra `explain`). Captum's guided
back-propagation and Grad-CAM need every activation to be a module of its own that works out of
place; those here need nothing of the network, and no parameter that learns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import MissingExtra, ModelError, UnknownName
from striate.inference import evaluating
from striate.models.surgery import check_name
from striate.progress import stage
from striate.visualize.reading import (
    Probabilities,
    answer,
    batch_of,
    chosen,
    differentiating,
    finite,
    last_maps,
    softmax,
)
from striate.visualize.rectifying import going_back

Method = Literal["saliency", "guided", "gradcam", "integrated"]
STEPS = 50  # of the path that gradients are integrated along


@dataclass(frozen=True)
class Attribution:
    """How much the pixels of one image matter for a class.

    Attributes:
        map: (H, W) as the image; larger matters more. Integrated gradients also go below 0, which
            speaks against the class.
        pixels: (C, H, W) the same for each channel; None for Grad-CAM, which has places only.
        target: the class.
        layer: whose maps Grad-CAM weighed.
    """

    method: Method
    map: NDArray[np.float32]
    pixels: NDArray[np.float32] | None
    target: int
    layer: str | None = None

    @property
    def signed(self) -> bool:
        """Whether numbers below 0 mean something."""
        return self.method == "integrated"


def attribute(
    model: nn.Module,
    image: Tensor,
    target: int | None = None,
    *,
    method: Method = "gradcam",
    layer: str | None = None,
    baseline: Tensor | None = None,
) -> Attribution:
    """Which pixels of an image speak for a class.

    Args:
        image: (C, H, W) or (1, C, H, W), as the model takes it.
        target: the class; the most probable one where None.
        layer: whose maps Grad-CAM weighs; where None, the last one with more than one place.
        baseline: (C, H, W), where integrated gradients start; zeros where None, which is the mean
            color for images that were normalized.

    Raises:
        UnknownName: if there is no such method or layer; with the closest names.
        ModelError: if there is no such class, or the answer is not finite.
        MissingExtra: if Captum is needed and not installed.
    """
    if method not in get_args(Method):
        raise UnknownName("method", method, get_args(Method))
    images = batch_of(model, image)
    with evaluating(model):
        target = chosen(model, answer(model, images), target)
    if method == "gradcam":
        layer = layer or last_maps(model, images)
        found, pixels = grad_cam(model, images, target, layer), None
    elif method == "integrated":
        pixels = integrated(model, images, target, baseline)
        found = pixels.sum(dim=1)
    else:
        with differentiating(model):
            inputs = images.requires_grad_()
            if method == "guided":
                with going_back(model, "guided"):
                    score = answer(model, inputs * 1)[0, target]
            else:
                score = answer(model, inputs * 1)[0, target]
            if not score.requires_grad:
                raise ModelError("no gradient comes back from the model; use occlusion")
            (pixels,) = torch.autograd.grad(score, inputs)
        found = pixels.abs().amax(dim=1)
    return Attribution(
        method,
        finite(found, f"the {method} map")[0].float().cpu().numpy(),
        None if pixels is None else pixels[0].float().cpu().numpy(),
        target,
        layer if method == "gradcam" else None,
    )


def grad_cam(model: nn.Module, images: Tensor, target: int, layer: str) -> Tensor:
    """Equations 1 and 2: maps weighted by their mean gradients, their sum rectified; (1, H, W)."""
    check_name(model, layer)
    seen: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> Tensor | None:
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ModelError(f"{layer} gives no feature maps (N, C, h, w) for Grad-CAM to weigh")
        if not output.requires_grad:  # nothing before it needs a gradient
            output = output.requires_grad_()
        seen.append(output)
        return output * 1  # what comes next may work in place; what was kept stays as it is

    handle = model.get_submodule(layer).register_forward_hook(keep)
    try:
        with differentiating(model):
            score = answer(model, images.requires_grad_() * 1)[0, target]
            if not seen:
                raise ModelError(f"{layer} takes no part in what the model computes")
            (gradient,) = torch.autograd.grad(score, seen[-1], allow_unused=True)
    finally:
        handle.remove()
    if gradient is None:
        raise ModelError(f"the classes do not depend on {layer}; give a layer on their way")
    maps = seen[-1].detach()
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    places = F.relu((weights * maps).sum(dim=1, keepdim=True))
    size = images.shape[2:]
    return F.interpolate(places, size=size, mode="bilinear", align_corners=False)[:, 0]


def integrated(model: nn.Module, images: Tensor, target: int, baseline: Tensor | None) -> Tensor:
    """Captum's integrated gradients, (1, C, H, W)."""
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise MissingExtra("the method 'integrated'", "explain") from error
    start = torch.zeros_like(images) if baseline is None else batch_of(model, baseline)
    with differentiating(model):
        method = IntegratedGradients(lambda x: answer(model, x * 1))
        result = method.attribute(
            images, start, target=target, n_steps=STEPS, internal_batch_size=8
        )
    return result.detach()


@dataclass(frozen=True)
class Curves:
    """How a class fares while the pixels that a map holds for important go, or come.

    Attributes:
        shares: (n,) of all pixels, from 0 to 1.
        deletion: (n,) the class's probability with that share taken out; should fall at once.
        insertion: (n,) with that share put in; should rise at once.
    """

    shares: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]

    @property
    def deletion_area(self) -> float:
        """The area under the deletion curve, in [0, 1]; smaller is better."""
        return float(np.trapezoid(self.deletion, self.shares))

    @property
    def insertion_area(self) -> float:
        """The area under the insertion curve, in [0, 1]; larger is better."""
        return float(np.trapezoid(self.insertion, self.shares))


def curves(
    model: nn.Module,
    image: Tensor,
    map: NDArray[np.floating],
    target: int | None = None,
    *,
    steps: int = 32,
    batch_size: int = 8,
    probabilities: Probabilities = softmax,
) -> Curves:
    """Deletion and insertion (Petsiuk, Das & Saenko 2018, arXiv:1806.07421, Section 4.1).

    Pixels are taken out of the image, to 0, the mean color; and put into a blurred one. A map
    smaller than the image is stretched. Equal numbers go in the order of their places.

    Args:
        image: (C, H, W) or (1, C, H, W), as the model takes it.
        map: (h, w), larger where it matters more: give an occlusion map of p(class) with a minus.
        probabilities: as `occlusion`.
    """
    images = batch_of(model, image)
    size = (images.shape[2], images.shape[3])
    ranks = stretched(map, size).flatten().argsort(descending=True, stable=True).argsort()
    counts = torch.linspace(0, ranks.numel(), steps + 1).round().long()
    masks = (ranks[None] < counts[:, None]).view(-1, 1, *size).to(images)  # 1: important, so far
    soft = blurred(images, max(1.0, max(size) / 20))
    ends = ((images, torch.zeros_like(images)), (soft, images))  # what each goes from and to
    results: list[list[float]] = [[], []]
    with evaluating(model), stage("deletion and insertion", 2 * len(masks)) as bar:
        target = chosen(model, probabilities(answer(model, images).double().cpu()), target)
        for (before, after), result in zip(ends, results, strict=True):
            for some in masks.split(batch_size):
                logits = answer(model, before * (1 - some) + after * some)
                result += probabilities(logits.double().cpu())[:, target].tolist()
                bar.advance(len(some))
    shares = counts.double().numpy() / ranks.numel()
    return Curves(shares, np.array(results[0]), np.array(results[1]))


def stretched(map: NDArray[np.floating], size: Sequence[int]) -> Tensor:
    """A map brought to (H, W)."""
    if map.ndim != 2 or not np.isfinite(map).all():
        raise ModelError(f"a map is (h, w) of finite numbers, not {map.shape}")
    values = torch.as_tensor(np.array(map, np.float64))[None, None]
    if tuple(map.shape) == tuple(size):
        return values[0, 0]
    return F.interpolate(values, size=tuple(size), mode="bilinear", align_corners=False)[0, 0]


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Images (N, C, H, W) through a Gaussian of `sigma` pixels, their borders repeated."""
    radius = max(1, round(2.5 * sigma))
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, -1)
    for turn in (0, 1):
        shape = (len(kernel), 1, 1, -1) if turn else (len(kernel), 1, -1, 1)
        around = (radius, radius, 0, 0) if turn else (0, 0, radius, radius)
        padded = F.pad(images, around, mode="replicate")
        images = F.conv2d(padded, kernel.reshape(shape), groups=len(kernel))
    return images
