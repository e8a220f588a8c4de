"""What a predictor computes as one graph, for other runtimes: inputs, outputs, how it is traced."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn


def no_translations() -> dict[Any, Any]:
    """For graphs of operators that torch itself knows how to write."""
    return {}


@dataclass(frozen=True, eq=False)
class Graph:
    """A predictor as one network, from decoded inputs to its answer.

    Attributes:
        module: what is exported, in evaluation mode, on the CPU.
        examples: one tensor an input, no side of it 1 where it may have any size.
        shapes: by the name of each input, in order, the axes that may have any size.
        least: sizes that such axes have at least, by their names.
        outputs: their names, in order.
        defaults: inputs that may be left out when the graph is run, with the value they then have.
        about: of each input and output, one line for people who run the file without striate.
        translations: how operators are written in ONNX that torch does not know how to write.
        metadata: further values that the exported file tells of the predictor, plain JSON.
        beside: files of text for people who run the graph by themselves: what their names end in,
            after the export's own without its suffix, and what they hold.
        formats: what it can be exported to: "onnx", "openvino", "torch".
    """

    module: nn.Module
    examples: tuple[Tensor, ...]
    shapes: Mapping[str, Mapping[int, str]]
    outputs: tuple[str, ...]
    least: Mapping[str, int] = field(default_factory=dict)
    defaults: Mapping[str, Tensor] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    translations: Callable[[], dict[Any, Any]] = no_translations
    metadata: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    formats: tuple[str, ...] = ("onnx", "openvino", "torch")
