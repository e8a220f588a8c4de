"""What is computed of a picture before whitening: which layer of which network, and how its maps
become vectors."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import InputError, ModelError
from striate.inference import Preprocessing, device_of, evaluating
from striate.inference.outputs import outputs_of
from striate.inference.reading import Input, Named, batches
from striate.models import cut, folded
from striate.models.stages import Stages
from striate.ops.memory import channels_last
from striate.recognizer import Recognizer
from striate.retrieval.aggregation import Aggregation
from striate.tasks.contract import batch_of

LARGEST = 4096  # pixels a side


@dataclass(frozen=True)
class Description:
    """How pictures are described.

    Attributes:
        layer: a stage or module by name; where None, the last one that still has places.
        size: pixels a side that pictures are brought to; where None, what the network saw when it
            was trained.
        aggregation: of the layer's maps.
    """

    layer: str | None = None
    size: int | None = None
    aggregation: Aggregation = field(default_factory=Aggregation)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "layer": self.layer, "size": self.size, "aggregation": self.aggregation.to_json()
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `to_json` gave, back.

        Raises:
            TypeError, LookupError, ValueError: if it is not of that form.
        """
        layer, size = values["layer"], values["size"]
        if layer is not None and not isinstance(layer, str):
            raise TypeError(f"layer is {layer!r}")
        if size is not None and (type(size) is not int or not 1 <= size <= LARGEST):
            raise ValueError(f"size is {size!r}")
        return cls(layer, size, Aggregation.from_json(values["aggregation"]))


class Describer:
    """Pictures to vectors (R, D), by a recognizer of pictures.

    Of a network, the whole picture is seen, brought to a square. A recognizer without feature maps
    (a bag of visual words) gives what its decision reads, one vector.

    Attributes:
        side: pixels a side of a prepared picture, where that is fixed.
        prepare: a picture, as a path, bytes or pixels, to what `vectors` takes.

    Raises:
        ModelError: if the recognizer does not read pictures, or has no features.
        UnknownName: if the network has no such layer.
    """

    def __init__(self, recognizer: Recognizer, description: Description):
        if recognizer.task.takes != "image":
            raise ModelError(
                f"pictures are indexed; this recognizer takes {recognizer.task.takes}s"
            )
        self.recognizer, self.description = recognizer, description
        self.predictor = recognizer.predictor
        self.network: nn.Module | None = None
        self.side: int | None = self.predictor.size
        self.prepare: Callable[[Any], NDArray[np.uint8]] = self.predictor.prepare
        try:
            model, preprocessing = self.predictor.inside()
        except ModelError:
            if description.layer is not None or description.size is not None:
                raise
        else:
            self._look_into(model, preprocessing)

    def _look_into(self, model: nn.Module, preprocessing: Preprocessing) -> None:
        from striate.tasks.pictures.predictor import viewed

        layer = self.description.layer
        view = replace(
            preprocessing.view, fit="squash", size=self.description.size or preprocessing.view.size
        )
        self.side = view.size
        device = device_of(model)
        model = channels_last(folded(model)).to(device)
        blank = torch.zeros(1, view.channels, view.size, view.size, device=device)
        self.layer = layer or last_maps(model, blank)
        if self.layer is None:
            raise ModelError("no layer of this network has feature maps; give one with --layer")
        self.network = cut(model, self.layer)
        self.preprocessing = replace(preprocessing, view=view)
        self.prepare = lambda item: viewed(item, view)

    def vectors(self, batch: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Vectors (N, R, D) float32 of length 1 of prepared pictures, at least one."""
        if self.network is None:
            rows = self.predictor.features(batch)
            return self.description.aggregation(torch.from_numpy(rows))
        maps = outputs_of(self.network, self.preprocessing, np.stack(batch))
        return self.description.aggregation(maps)

    def each(
        self, inputs: Iterable[Input | Named], *, batch_size: int = 32
    ) -> Iterator[tuple[list[str], Tensor, list[tuple[str, InputError]]]]:
        """A batch at a time: names and vectors (N, R, D) of those that could be read, and the
        others with the reason. The next are read meanwhile; memory does not grow."""
        size = batch_of(self.predictor, batch_size)
        for labels, prepared in batches(inputs, self.prepare, size):
            good, broken = [], []
            for label, one in zip(labels, prepared, strict=True):
                if isinstance(one, InputError):
                    broken.append((label, one))
                else:
                    good.append((label, one))
            found = self.vectors([one for _, one in good]) if good else torch.empty(0, 1, 0)
            yield [label for label, _ in good], found, broken


def last_maps(model: nn.Module, images: Tensor) -> str | None:
    """The last stage or module whose output for images still has rows and columns of places, more
    than one where any has. What comes after it may not fit images of that size."""
    shapes: dict[str, tuple[int, ...]] = {}
    ours = isinstance(model, Stages)
    parts = dict(model.named_children() if ours else model.named_modules())
    handles = [
        one.register_forward_hook(noting(shapes, name))
        for name, one in parts.items()
        if name and not isinstance(one, nn.AdaptiveAvgPool2d)  # it makes any size one size
    ]
    try:
        with torch.no_grad(), evaluating(model), suppress(ModelError, RuntimeError, ValueError):
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    if ours:
        order: list[str] = model.stage_names  # type: ignore[assignment]
        shapes = {name: shapes[name] for name in order if name in shapes}
    maps = [name for name, shape in shapes.items() if len(shape) == 4]
    several = [name for name in maps if shapes[name][2] * shapes[name][3] > 1]
    return next(reversed(several or maps), None)


def noting(shapes: dict[str, tuple[int, ...]], name: str) -> Callable[..., None]:
    """A hook that writes down the shape of what a module gave, in the order of the calls."""

    def note(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            shapes.pop(name, None)
            shapes[name] = tuple(output.shape)

    return note
