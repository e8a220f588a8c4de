"""A network as its paper draws it: named stages, one after another, the last giving the logits.

Every network of `striate.models` is one. What a stage hands on is its entry in `features`; so deep
features, style losses, detectors and dreams need no hooks, and surgery knows where to cut.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn

from striate.errors import ModelError
from striate.ops.sizes import output_size


class Stages(nn.Module):
    """Images (N, channels, H, W), normalized, to logits (N, classes).

    Args:
        stages: every stage by name, in order. No stage may change its input in place, and the last
            one is the classifier.
        channels: how many channels an image has.
    """

    name = "network"  # `create` says which, and for what images
    image_size: int | None = None

    def __init__(self, stages: Mapping[str, nn.Module], *, channels: int):
        super().__init__()
        self.channels = channels
        self.stage_names = list(stages)
        for name, stage in stages.items():
            self.add_module(name, stage)

    def stages(self) -> Iterator[tuple[str, nn.Module]]:
        """Every stage with its name, in order, the classifier last."""
        return ((name, cast(nn.Module, self._modules[name])) for name in self.stage_names)

    @property
    def chain(self) -> list[str]:
        """The names of the first stages, each of which reads what the one before it hands on, and
        nothing else; of most networks all."""
        return self.stage_names

    def above(self, stage: str) -> nn.Module:
        """What follows a stage: its output in, logits out. The layers are the network's own.

        Raises:
            ModelError: if something else is read there, too.
        """
        first = self.stage_names.index(stage) + 1
        return nn.Sequential(OrderedDict(list(self.stages())[first:]))

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """What each stage before the classifier hands on, by name; the last entry is what it reads.

        An entry is taken after the stage's rectifier: `conv4_2` is never negative.
        """
        outputs: dict[str, Tensor] = {}
        x = images
        for name, stage in list(self.stages())[:-1]:
            x = outputs[name] = self._run(name, stage, x, images)
        return outputs

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for name, stage in self.stages():
            x = self._run(name, stage, x, images)
        return x

    def losses(
        self, images: Tensor, targets: Tensor, *, label_smoothing: float = 0.0
    ) -> dict[str, Tensor]:
        """Each named loss that the network's paper minimizes the sum of, a scalar.

        Args:
            images: (N, channels, H, W), normalized.
            targets: (N,) class numbers.
            label_smoothing: share of each label that is spread evenly over all classes.
        """
        loss = F.cross_entropy(self(images), targets, label_smoothing=label_smoothing)
        return {"cross_entropy": loss}

    def _run(self, name: str, stage: nn.Module, x: Tensor, images: Tensor) -> Tensor:
        try:
            return stage(x)
        except (RuntimeError, ValueError) as error:
            # The check costs nothing while all is well. Running out of memory is no mistake of the
            # images, so what cannot be explained by their shape goes on as it is.
            reason = explain(name, stage, x, images, self.channels)
            if reason is None:
                raise
            raise ModelError(reason) from error


def losses(
    model: nn.Module, images: Tensor, targets: Tensor, *, label_smoothing: float = 0.0
) -> dict[str, Tensor]:
    """What any classifier minimizes the sum of: its paper's losses, or else the cross-entropy.

    Args:
        model: one of ours, also inside a module that computes it otherwise, or any other.
        images, targets, label_smoothing: as `Stages.losses` takes them.
    """
    ours = next((part for part in model.modules() if isinstance(part, Stages)), None)
    if ours is not None and type(ours).losses is not Stages.losses:
        return ours.losses(images, targets, label_smoothing=label_smoothing)
    loss = F.cross_entropy(model(images), targets, label_smoothing=label_smoothing)
    return {"cross_entropy": loss}


def explain(name: str, stage: nn.Module, x: Tensor, images: Tensor, channels: int) -> str | None:
    """One line that says why `stage` could not read `x`; None where shapes are not to blame."""
    if images.ndim != 4:
        return f"images must be (N, {channels}, H, W), not {tuple(images.shape)}"
    if images.shape[1] != channels:
        return (
            f"the network reads images of {channels} channels, not {images.shape[1]}; "
            f"build it with channels={images.shape[1]}"
        )
    size = f"{images.shape[2]} x {images.shape[3]}"
    if x.ndim == 2:
        layer = next((m for m in stage.modules() if isinstance(m, nn.Linear)), None)
        if layer is not None and layer.in_features != x.shape[1]:
            return (
                f"{name} reads {layer.in_features} numbers, and images of {size} give "
                f"{x.shape[1]}; build the network with image_size={images.shape[-1]}"
            )
        return None
    try:
        shrunk(stage, min(x.shape[2:]))
    except ModelError:
        return (
            f"images of {size} are too small: only {x.shape[2]} x {x.shape[3]} is left at {name}; "
            "give larger images"
        )
    return None


def rectified(layer: nn.Conv2d | nn.Linear) -> nn.Sequential:
    """A layer with the rectifier behind it."""
    return nn.Sequential(layer, nn.ReLU(inplace=True))


def grid_of(layers: Mapping[str, nn.Module], image_size: int) -> tuple[int, int]:
    """Rows and columns that convolutions and poolings leave of square images.

    Raises:
        ModelError: naming the layer for which too little was left.
    """
    size = image_size
    for name, stage in layers.items():
        try:
            size = shrunk(stage, size)
        except ModelError as error:
            raise ModelError(
                f"images of {image_size} x {image_size} are too small: only {size} x {size} "
                f"is left at {name}; give a larger image_size"
            ) from error
    return size, size


def shrunk(stage: nn.Module, size: int) -> int:
    """What the windows of a stage, one after another, leave of a side."""
    for layer in stage.modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            ceil = isinstance(layer, nn.MaxPool2d) and layer.ceil_mode
            size = output_size(
                size,
                down(layer.kernel_size),
                stride=down(layer.stride),
                padding=down(layer.padding),
                rounding="ceil" if ceil else "floor",
            )
    return size


def down(value: Any) -> Any:
    """A layer's setting for rows, where it has one for rows and one for columns."""
    return value[0] if isinstance(value, tuple) else value
