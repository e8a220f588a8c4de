"""What is detected in a picture: an answer in numbers, and the same in words."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from striate.models.matching import Detections
from striate.tasks.contract import Prediction
from striate.tasks.detection.reading import Source


class Answer(NamedTuple):
    """The detections in one picture, in pixels of its file, best first; and its size."""

    detections: Detections
    height: int
    width: int

    @classmethod
    def of(cls, decoded: Detections, source: Source) -> "Answer":
        """Of detections in the pixels that were decoded of a picture."""
        boxes = source.boxes(decoded.boxes)
        return cls(replace(decoded, boxes=boxes), source.height, source.width)


@dataclass(frozen=True)
class Found:
    """One object in a picture: x0 y0 x1 y1 in its pixels, its class, and a score in [0, 1]."""

    box: tuple[float, float, float, float]
    label: str
    score: float


@dataclass(frozen=True)
class Findings(Prediction):
    """The objects in one picture, best first.

    Attributes:
        size: height and width of the picture, in the pixels that boxes are told in; not told where
            None.
    """

    objects: tuple[Found, ...] = ()
    size: tuple[int, int] | None = None

    def fields(self, top: int | None) -> dict[str, Any]:
        return {
            "objects": [
                {"box": list(each.box), "label": each.label, "score": each.score}
                for each in self.objects[:top]
            ]
        }

    def line(self, top: int | None) -> str:
        """`WBC 99.0 % at 10 20 110 140, ...`; "nothing"."""
        words = (
            f"{each.label} {100 * each.score:.1f} % at "
            + " ".join(str(round(edge)) for edge in each.box)
            for each in self.objects[:top]
        )
        return ", ".join(words) or "nothing"


def found(answer: Answer, names: tuple[str, ...]) -> tuple[Found, ...]:
    """The objects of an answer, their classes by name."""
    one = answer.detections
    rows = zip(one.boxes.tolist(), one.classes.tolist(), one.scores.tolist(), strict=True)
    return tuple(
        Found((box[0], box[1], box[2], box[3]), names[number], score) for box, number, score in rows
    )
