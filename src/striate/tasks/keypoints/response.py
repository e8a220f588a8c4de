"""Points as the service answers: Clarifai's regions, each a point, and arrays in Open Inference's
terms."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.tasks.contract import Output, Wanted
from striate.tasks.keypoints.prediction import Answer

AROUND = 0.02  # of the longer side: half of the box about a point, for callers that know boxes only


def outputs(parts: int) -> tuple[Output, ...]:
    """Places in pixels from the upper left corner, and scores."""
    return (Output("places", "FP32", (-1, parts, 2)), Output("scores", "FP32", (-1, parts)))


def regions(answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
    """`{"regions": [...]}`, in the order of the parts: of each its point in shares of the picture's
    sides, a small box about it, and the parts that a skeleton joins it to.

    All parts are told, however few a caller wants: they are one answer.
    """
    sides = np.array([answer.width, answer.height], np.float64)
    reach = AROUND * sides.max() / sides
    listed: list[dict[str, Any]] = []
    for part, (name, place, score) in enumerate(
        zip(names, answer.places / sides, answer.scores.tolist(), strict=True)
    ):
        if score < wanted.least or (wanted.only is not None and name not in wanted.only):
            continue
        (left, top), (right, bottom) = (
            (place - reach).clip(0, 1).tolist(),
            (place + reach).clip(0, 1).tolist(),
        )
        joined = [names[b if a == part else a] for a, b in answer.lines if part in (a, b)]
        listed.append(
            {
                "id": str(part),
                "region_info": {
                    "bounding_box": {
                        "top_row": top, "left_col": left, "bottom_row": bottom, "right_col": right,
                    },
                    "point": {"row": float(place[1]), "col": float(place[0]), "joined": joined},
                },
                "data": {
                    "concepts": [
                        {
                            "id": name,
                            "name": wanted.shown.get(name, name),
                            "value": score,
                            "app_id": "striate",
                        }
                    ]
                },
            }
        )  # fmt: skip
    return {"regions": listed}


def arrays(answers: Sequence[Answer], parts: int) -> Mapping[str, NDArray[Any]]:
    """`outputs` of a batch."""
    places = [answer.places for answer in answers]
    scores = [answer.scores for answer in answers]
    return {
        "places": np.array(places, np.float32).reshape(-1, parts, 2),
        "scores": np.array(scores, np.float32).reshape(-1, parts),
    }
