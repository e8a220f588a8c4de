"""Detections as the service answers: Clarifai's regions, and arrays in Open Inference's terms."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate.tasks.contract import Output, Wanted
from striate.tasks.detection.prediction import Answer, found

OUTPUTS = (
    Output("boxes", "FP32", (-1, 4)),
    Output("labels", "INT64", (-1,)),
    Output("scores", "FP32", (-1,)),
    Output("counts", "INT64", (-1,)),
)
"""The detections of all pictures one after another, and how many each has."""


def regions(answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
    """`{"regions": [...]}`, best first: boxes in shares of the picture's sides, with classes."""
    listed: list[dict[str, Any]] = []
    for one in found(answer, names):
        if len(listed) == wanted.most or one.score < wanted.least:
            break
        if wanted.only is not None and one.label not in wanted.only:
            continue
        x0, y0, x1, y1 = one.box
        name = wanted.shown.get(one.label, one.label)
        listed.append(
            {
                "id": str(len(listed)),
                "region_info": {
                    "bounding_box": {
                        "top_row": y0 / answer.height,
                        "left_col": x0 / answer.width,
                        "bottom_row": y1 / answer.height,
                        "right_col": x1 / answer.width,
                    }
                },
                "data": {
                    "concepts": [
                        {"id": one.label, "name": name, "value": one.score, "app_id": "striate"}
                    ]
                },
            }
        )
    return {"regions": listed}


def arrays(answers: Sequence[Answer]) -> Mapping[str, NDArray[Any]]:
    """OUTPUTS of a batch."""
    each = [answer.detections for answer in answers]

    def joined(parts: list[Tensor], shape: tuple[int, ...], kind: type) -> NDArray[Any]:
        return np.concatenate([np.empty(shape, kind), *(p.numpy().astype(kind) for p in parts)])

    return {
        "boxes": joined([one.boxes for one in each], (0, 4), np.float32),
        "labels": joined([one.classes for one in each], (0,), np.int64),
        "scores": joined([one.scores for one in each], (0,), np.float32),
        "counts": np.array([len(one.scores) for one in each], np.int64),
    }
