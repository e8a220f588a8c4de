"""Networks written in Keras, as networks of ours: to fit, inspect, save and serve without Keras.

Every layer becomes the torch layer that computes the same, with its weights; what differs between
the two worlds is settled here once. Keras reads images (N, H, W, C), ours (N, C, H, W): kernels
turn with them, and so do the rows of a full connection that reads flattened maps. Keras ends in
probabilities, ours in logits: the softmax at the end is taken off.

Keras itself is not imported: who hands over a model has it. It runs on the torch backend
(`KERAS_BACKEND=torch`); on the others as well, since only names and arrays are read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.stages import Stages

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "softplus": nn.Softplus,
    "silu": nn.SiLU,
}


def from_keras(model: Any) -> Stages:
    """The same network in torch, in eval mode; logits instead of probabilities.

    Args:
        model: a built `keras.Sequential` whose last layer gives a softmax or logits. Its layers are
            those of `LAYERS`; stages of the result carry their names.

    Returns:
        Images (N, C, H, W), scaled as the Keras model expects them, to logits (N, classes). A model
        that reads vectors reads images of one channel, row by row.

    Raises:
        ModelError: another kind of model, or a layer, setting or activation that has no twin here.
    """
    if type(model).__name__ != "Sequential" or not model.built:
        raise ModelError(
            f"{type(model).__name__} {model.name!r} is no built keras.Sequential; add its layers "
            "to one, with the input's shape"
        )
    shape = tuple(model.input_shape[1:])
    if len(shape) not in (1, 3):
        raise ModelError(f"{model.name!r} reads {shape}; expected images or vectors")
    reader = Reader()
    if len(shape) == 1:
        reader.stages["input"] = nn.Flatten()
        channels = 1
    else:
        channels = shape[0 if of_channels_first(model) else 2]
    for layer in model.layers:
        kind = type(layer).__name__
        if kind not in LAYERS:
            raise ModelError(f"layer {layer.name!r}: no twin of Keras' {kind} is known")
        if reader.closed:
            raise ModelError(f"layer {layer.name!r} stands behind a softmax; that must be the last")
        LAYERS[kind](reader, layer)
    if not isinstance(last := list(reader.stages.values())[-1], nn.Linear):
        raise ModelError(f"{model.name!r} ends in {last}; a classifier ends in a softmax or logits")
    return Stages(reader.stages, channels=channels).eval()


@dataclass
class Reader:
    """What has been read so far.

    Attributes:
        stages: torch's layers by name.
        order: where Keras has each number of flattened maps that torch flattens channel first; None
            before there is a difference.
        closed: a softmax was read.
    """

    stages: dict[str, nn.Module] = field(default_factory=dict)
    order: Tensor | None = None
    closed: bool = False

    def add(self, layer: Any, *modules: nn.Module) -> None:
        """A stage of the layer's name: its modules, then its activation."""
        activation = layer.get_config().get("activation", "linear")
        parts = list(modules)
        if activation == "softmax":
            self.closed = True
        elif activation in ACTIVATIONS:
            parts.append(ACTIVATIONS[activation]())
        elif activation != "linear":
            raise ModelError(f"layer {layer.name!r}: no twin of activation {activation!r} is known")
        if parts:
            name = layer.name.replace(".", "_")
            self.stages[name] = parts[0] if len(parts) == 1 else nn.Sequential(*parts)


def dense(reader: Reader, layer: Any) -> None:
    if len(layer.input.shape) != 2:
        raise ModelError(f"layer {layer.name!r} reads {tuple(layer.input.shape)}; flatten it first")
    kernel, bias = kernel_and_bias(layer)  # (inputs, outputs)
    if reader.order is not None:
        kernel, reader.order = kernel[reader.order], None
    linear = nn.Linear(kernel.shape[0], kernel.shape[1], bias is not None)
    fill(linear, kernel.T, bias)
    reader.add(layer, linear)


def convolution(reader: Reader, layer: Any) -> None:
    kernel, bias = kernel_and_bias(layer)  # (height, width, inputs / groups, outputs)
    before, padding = margins(layer, layer.kernel_size, layer.dilation_rate, 0.0)
    convolution = nn.Conv2d(
        kernel.shape[2] * layer.groups,
        kernel.shape[3],
        layer.kernel_size,
        layer.strides,
        padding,
        layer.dilation_rate,
        layer.groups,
        bias is not None,
    )
    fill(convolution, kernel.permute(3, 2, 0, 1), bias)
    reader.add(layer, *before, convolution)


def max_pooling(reader: Reader, layer: Any) -> None:
    before, padding = margins(layer, layer.pool_size, (1, 1), -torch.inf)
    reader.add(layer, *before, nn.MaxPool2d(layer.pool_size, layer.strides, padding))


def average_pooling(reader: Reader, layer: Any) -> None:
    before, padding = margins(layer, layer.pool_size, (1, 1), 0.0)
    if before:
        raise ModelError(f"layer {layer.name!r}: no twin of an average padded unevenly is known")
    pooling = nn.AvgPool2d(layer.pool_size, layer.strides, padding, count_include_pad=False)
    reader.add(layer, pooling)


def global_average(reader: Reader, layer: Any) -> None:
    reader.add(layer, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))


def flatten(reader: Reader, layer: Any) -> None:
    shape = tuple(layer.input.shape[1:])
    if len(shape) == 3 and layer.data_format == "channels_last":
        reader.order = torch.arange(int(np.prod(shape))).reshape(shape).permute(2, 0, 1).flatten()
    reader.add(layer, nn.Flatten())


def batch_normalization(reader: Reader, layer: Any) -> None:
    maps = len(layer.input.shape) == 4
    if layer.axis % len(layer.input.shape) != (len(layer.input.shape) - 1):
        raise ModelError(f"layer {layer.name!r}: normalizes axis {layer.axis}, not the channels")
    numbers = [torch.tensor(np.asarray(weight)) for weight in layer.get_weights()]
    if reader.order is not None and not maps:
        numbers = [weight[reader.order] for weight in numbers]
    mean, variance = numbers[-2:]
    twin = (nn.BatchNorm2d if maps else nn.BatchNorm1d)(
        len(mean), eps=layer.epsilon, momentum=1 - layer.momentum
    )
    # Keras leaves out the weights that are switched off; there torch's 1 and 0 stay.
    fill(
        twin,
        numbers[0] if layer.scale else None,
        numbers[int(layer.scale)] if layer.center else None,
    )
    fill_buffers(twin, mean, variance)
    reader.add(layer, twin)


def dropout(reader: Reader, layer: Any) -> None:
    reader.add(layer, nn.Dropout(layer.rate))


def activation(reader: Reader, layer: Any) -> None:
    reader.add(layer)


def rectifier(reader: Reader, layer: Any) -> None:
    if layer.max_value is not None or layer.negative_slope or layer.threshold:
        raise ModelError(f"layer {layer.name!r}: only the plain rectifier has a twin here")
    reader.add(layer, nn.ReLU())


def leaky_rectifier(reader: Reader, layer: Any) -> None:
    reader.add(layer, nn.LeakyReLU(layer.negative_slope))


def softmax(reader: Reader, layer: Any) -> None:
    reader.closed = True


LAYERS: dict[str, Callable[[Reader, Any], None]] = {
    "Activation": activation,
    "AveragePooling2D": average_pooling,
    "BatchNormalization": batch_normalization,
    "Conv2D": convolution,
    "Dense": dense,
    "Dropout": dropout,
    "Flatten": flatten,
    "GlobalAveragePooling2D": global_average,
    "LeakyReLU": leaky_rectifier,
    "MaxPooling2D": max_pooling,
    "ReLU": rectifier,
    "Softmax": softmax,
}


def of_channels_first(model: Any) -> bool:
    """Whether any layer says so; Keras has one order for a whole network."""
    return any(getattr(layer, "data_format", None) == "channels_first" for layer in model.layers)


def margins(
    layer: Any, window: tuple[int, int], dilation: tuple[int, int], value: float
) -> tuple[list[nn.Module], tuple[int, int]]:
    """What Keras' padding is in torch: a layer in front where it is uneven, and the even part.

    "same" gives ceil(side / stride) places; of what that lacks, the larger half goes behind.
    """
    if layer.padding == "valid":
        return [], (0, 0)
    if layer.padding != "same":
        raise ModelError(f"layer {layer.name!r}: no twin of padding {layer.padding!r} is known")
    first = 2 if layer.data_format == "channels_first" else 1
    sides = tuple(layer.input.shape[first : first + 2])
    lacking = []
    for side, size, stride, step in zip(sides, window, layer.strides, dilation, strict=True):
        if side is None and stride > 1:
            raise ModelError(f"layer {layer.name!r}: 'same' with a stride needs images of one size")
        reach = step * (size - 1)
        lacking.append(
            reach
            if stride == 1
            else max(-(-side // stride) * stride - stride + reach + 1 - side, 0)
        )
    rows, columns = lacking
    if rows % 2 == columns % 2 == 0:
        return [], (rows // 2, columns // 2)
    around = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    return [nn.ConstantPad2d(around, value)], (0, 0)


def kernel_and_bias(layer: Any) -> tuple[Tensor, Tensor | None]:
    kernel, *bias = (torch.tensor(np.asarray(weight)) for weight in layer.get_weights())
    return kernel, bias[0] if bias else None


@torch.no_grad()
def fill(twin: Any, weight: Tensor | None, bias: Tensor | None) -> None:
    for parameter, values in ((twin.weight, weight), (twin.bias, bias)):
        if values is not None:
            parameter.copy_(values)


def fill_buffers(twin: Any, mean: Tensor, variance: Tensor) -> None:
    twin.running_mean.copy_(mean)
    twin.running_var.copy_(variance)
