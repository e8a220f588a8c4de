"""What a network is made of, layer by layer: sizes, parameters, cost and receptive fields."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from striate.errors import ModelError
from striate.models.networks import create, entry, sized
from striate.models.recording import Row, recording, run, size_of
from striate.models.skeletons import skeleton
from striate.models.stages import Stages
from striate.ops.receptive import Field


@dataclass(frozen=True)
class Description:
    """A network's stages and, in `layers`, every single layer; printed, it is a table of stages."""

    name: str
    input: tuple[int, ...]
    stages: tuple[Row, ...]
    layers: tuple[Row, ...]
    parameters: int
    multiply_adds: int

    @property
    def activation_bytes(self) -> int:
        """What all layers together keep of one image."""
        return sum(row.activation_bytes for row in self.layers)

    @property
    def neurons(self) -> int:
        """The outputs of all layers that have weights and decide something by them."""
        return sum(
            torch.Size(row.output).numel()
            for row in self.layers
            if row.parameters and "Norm" not in row.kind
        )

    @property
    def connections(self) -> int:
        """Pairs of a unit and what it reads, its bias too (`models.connections`)."""
        return sum(row.connections for row in self.layers)

    def to_json(self) -> str:
        """One object: name, input, totals, stages and layers."""
        totals = {
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "activation_bytes": self.activation_bytes,
            "neurons": self.neurons,
            "connections": self.connections,
        }
        rows = {
            "stages": [as_plain(row) for row in self.stages],
            "layers": [as_plain(row) for row in self.layers],
        }
        return json.dumps({"name": self.name, "input": self.input, **totals, **rows})

    def table(self, *, layers: bool = False) -> str:
        """Lines of text: one a stage, or one a layer."""
        heads = ("layer", "kind", "output", "parameters", "multiply-adds", "sees", "every", "from")
        body = [cells(row) for row in (self.layers if layers else self.stages)]
        beside = self.parameters - sum(row.parameters for row in self.stages)
        if beside:  # auxiliary classifiers, which are not on the way to the logits
            body.append(("", "beside the way", "", f"{beside:,}", "", "", "", ""))
        total = ("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", "", "", "")
        lines = [heads, *body, total]
        widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
        shape = " x ".join(map(str, self.input))
        return "\n".join(
            [f"{self.name}, input {shape}"]
            + [f"{self.neurons:,} neurons, {self.connections:,} connections"]
            + ["  ".join(map(aligned, line, widths, range(len(heads)))).rstrip() for line in lines]
        )

    def __str__(self) -> str:
        return self.table()


def describe(
    network: str | nn.Module, image_size: int | None = None, *, channels: int | None = None
) -> Description:
    """Describes a network of ours by name, or any module, without computing anything where it can.

    Args:
        network: a name, or a module that reads images (or vectors, if it begins with a full
            connection).
        image_size: height and width; the published one where None.
        channels: of an image; found in the first convolution where None.

    Raises:
        UnknownName: if no network has this name.
        ModelError: if the module cannot read such images.

    >>> print(describe("lenet5").stages[1].output)
    (6, 28, 28)
    """
    if isinstance(network, str):
        known = entry(network)
        image_size = image_size or known.image_size
        with skeleton():
            module = create(network, channels=channels, **sized(network, image_size))
    else:
        module = network
    name = type(module).__name__
    if isinstance(module, Stages):
        name, image_size = module.name, image_size or module.image_size
    shape = input_shape(module, image_size, channels)
    tensor = next(
        (t for t in (*module.parameters(), *module.buffers()) if t.is_floating_point()), None
    )
    images = torch.zeros(1, *shape, dtype=tensor.dtype if tensor is not None else None)
    try:
        with recording(module) as (calls, tracer):
            run(module, images, tracer, "meta")
    except (NotImplementedError, RuntimeError):  # a module that needs to see numbers
        device = tensor.device if tensor is not None else torch.device("cpu")
        try:
            with recording(module) as (calls, tracer):
                run(module, images, tracer, device)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{name} cannot read {tuple(images.shape)}: {reason}") from error
    whole = next(row for row in calls if row[0] == "")[1]
    children = {child for child, _ in module.named_children()}
    return Description(
        name=name,
        input=shape,
        stages=tuple(row for path, row, _ in calls if path in children),
        layers=tuple(row for _, row, leaf in calls if leaf),
        parameters=size_of(module),
        multiply_adds=whole.multiply_adds,
    )


def input_shape(
    network: nn.Module, image_size: int | None, channels: int | None
) -> tuple[int, ...]:
    """The shape of one image, or of one vector, that the network reads."""
    for module in network.modules():
        if isinstance(module, nn.Linear) and image_size is None and channels is None:
            return (module.in_features,)
        if isinstance(module, nn.Conv2d):
            channels = channels or module.in_channels
            break
    if channels is None or image_size is None:
        lacking = "image_size" if channels else "channels and image_size"
        raise ModelError(
            f"{type(network).__name__} does not say what images it reads; give {lacking}"
        )
    return channels, image_size, image_size


def as_plain(row: Row) -> dict[str, Any]:
    """A row for JSON, its field as size, stride and offset, each down and across."""
    plain = asdict(row)
    if row.field is not None:
        down, across = row.field
        plain["field"] = {
            key: [getattr(down, key), getattr(across, key)] for key in ("size", "stride", "offset")
        }
    return plain


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table."""
    down, across = row.field or (None, None)
    return (
        row.name,
        row.kind,
        " x ".join(map(str, row.output)),
        f"{row.parameters:,}" if row.parameters else "",
        f"{row.multiply_adds:,}" if row.multiply_adds else "",
        *(both(down, across, key) for key in ("size", "stride", "offset")),
    )


def both(down: Field | None, across: Field | None, key: str) -> str:
    """One number where both ways agree."""
    if down is None or across is None:
        return ""
    one, other = getattr(down, key), getattr(across, key)
    return f"{one}" if one == other else f"{one} x {other}"


def aligned(text: str, width: int, column: int) -> str:
    """Names to the left, numbers to the right."""
    return text.ljust(width) if column < 3 else text.rjust(width)
