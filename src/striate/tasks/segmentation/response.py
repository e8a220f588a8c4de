"""Class maps as the service answers: a region for each class, with its mask, and arrays."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from striate.ops.run_lengths import encoded, to_text
from striate.tasks.contract import Output, Wanted
from striate.tasks.segmentation.prediction import Answer, areas_of

OUTPUTS = (Output("labels", "UINT8", (-1,)), Output("sizes", "INT64", (-1, 2)))
"""The class numbers of all pictures one after another, row by row, and their heights and widths."""


def regions(answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
    """`{"regions": [...]}`, the largest first: of each class the box around it, its mask, and its
    share of the picture as the value of its concept."""
    labels = answer.labels
    height, width = labels.shape
    listed: list[dict[str, Any]] = []
    for one in areas_of(labels, names):
        if len(listed) == wanted.most or one.share < wanted.least:
            break
        if wanted.only is not None and one.label not in wanted.only:
            continue
        mask = labels == names.index(one.label)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        shown = wanted.shown.get(one.label, one.label)
        concept = {"id": one.label, "name": shown, "value": one.share, "app_id": "striate"}
        listed.append(
            {
                "id": str(len(listed)),
                "region_info": {
                    "bounding_box": {
                        "top_row": int(rows[0]) / height,
                        "left_col": int(columns[0]) / width,
                        "bottom_row": (int(rows[-1]) + 1) / height,
                        "right_col": (int(columns[-1]) + 1) / width,
                    },
                    "mask": {
                        "size": [height, width],
                        "counts": to_text(encoded(mask)),
                        "image": base64.b64encode(one_bit(mask)).decode(),
                    },
                },
                "data": {"concepts": [concept]},
            }
        )
    return {"regions": listed}


def arrays(answers: Sequence[Answer]) -> Mapping[str, NDArray[Any]]:
    """OUTPUTS of a batch."""
    flat = [answer.labels.ravel() for answer in answers]
    sizes = [answer.labels.shape for answer in answers]
    return {
        "labels": np.concatenate([np.empty(0, np.uint8), *flat]),
        "sizes": np.array(sizes, np.int64).reshape(-1, 2),
    }


def as_png(labels: NDArray[np.uint8]) -> bytes:
    """Class numbers (H, W) as an indexed PNG."""
    from striate.visualize.masks import indexed

    return _png(indexed(labels))


def one_bit(mask: NDArray[np.bool_]) -> bytes:
    """A mask (H, W) as a PNG of one bit a pixel."""
    return _png(Image.fromarray(mask))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
