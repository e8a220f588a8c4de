"""What detectors need and ONNX has operators of its own for: suppression, and RoI align."""

from typing import Any

import torch
from torch import Tensor

from striate.layers.roi_align import roi_align
from striate.ops.boxes import non_maximum_suppression

LOWEST = -3.0e38  # scores below are of rows that are not detections
EVERY = 2**30  # boxes at most


@torch.library.custom_op("striate::kept", mutates_args=())
def kept(boxes: Tensor, scores: Tensor, overlap: float) -> Tensor:
    """`non_maximum_suppression` in each of G groups: which of (G, K, 4) stay, (G, K) bool.

    Scores (G, K) of -inf mark rows that are not detections.
    """
    stays = torch.zeros_like(scores, dtype=torch.bool)
    for stay, box, score in zip(stays, boxes, scores, strict=True):
        rows = torch.nonzero(score > LOWEST).flatten()
        stay[rows[non_maximum_suppression(box[rows], score[rows], overlap)]] = True
    return stays


@kept.register_fake
def _(boxes: Tensor, scores: Tensor, overlap: float) -> Tensor:
    return torch.empty_like(scores, dtype=torch.bool)


@torch.library.custom_op("striate::aligned", mutates_args=())
def aligned(maps: Tensor, boxes: Tensor, level: Tensor, size: int) -> Tensor:
    """`roi_align` of boxes (K, 4), in pixels of the maps (L, C, H, W), each from its level (K,)."""
    read = maps.new_zeros(len(boxes), maps.shape[1], size, size)
    for number, x in enumerate(maps):
        mine = level == number
        read[mine] = roi_align(x[None], [boxes[mine]], size=size)
    return read


@aligned.register_fake
def _(maps: Tensor, boxes: Tensor, level: Tensor, size: int) -> Tensor:
    return maps.new_empty(boxes.shape[0], maps.shape[1], size, size)


def translations() -> dict[Any, Any]:
    """How these two are written in ONNX."""
    from onnxscript import opset18

    op: Any = opset18

    def suppression(boxes: Any, scores: Any, overlap: float) -> Any:
        each = op.Unsqueeze(scores, op.Constant(value_ints=[1]))  # (G, 1, K): no classes
        found = op.NonMaxSuppression(
            boxes,
            each,
            op.Constant(value_ints=[EVERY]),
            op.Constant(value_floats=[overlap]),
            op.Constant(value_floats=[LOWEST]),
        )  # (rows, 3): group, 0, number
        none = op.Less(each, each)
        count = op.Shape(found, end=1)
        stays = op.Expand(op.Cast(op.Constant(value_ints=[1]), to=9), count)
        return op.Squeeze(op.ScatterND(none, found, stays), op.Constant(value_ints=[1]))

    def align(maps: Any, boxes: Any, level: Any, size: int) -> Any:
        return op.RoiAlign(
            maps,
            boxes,
            level,
            coordinate_transformation_mode="half_pixel",
            output_height=size,
            output_width=size,
            sampling_ratio=2,
        )

    def ranking(scores: Any, stable: bool, dim: int = -1, descending: bool = False) -> Any:
        return op.TopK(scores, op.Shape(scores), largest=int(descending))  # of equal ones the first

    return {
        torch.ops.aten.sort.stable: ranking,
        torch.ops.striate.kept.default: suppression,
        torch.ops.striate.aligned.default: align,
    }
