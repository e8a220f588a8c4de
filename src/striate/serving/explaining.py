"""A heat map for a picture: made by the model's task in time, and sent as JSON or PNG."""

import io
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from striate.errors import InputError, ModelError, UnknownName, UserError
from striate.progress import Stage, reporting
from striate.serving.models import Served
from striate.serving.refusals import (
    INVALID_REQUEST,
    LATE,
    NO_SUCH_PATH,
    UNREADABLE,
    Refused,
)
from striate.tasks.contract import Explained


class Watch:
    """A reporter that ends the work when nobody waits for it any more."""

    def __init__(self, deadline: float, stop: threading.Event):
        self._deadline, self._stop = deadline, stop

    def stage(self, name: str, total: int | None) -> AbstractContextManager[Stage]:
        self.advance()
        return nullcontext(self)

    def advance(self, steps: int = 1, note: str = "") -> None:
        if self._stop.is_set() or time.monotonic() > self._deadline:
            raise Refused(504, LATE)


def explain(
    served: Served, data: bytes, name: str | None, deadline: float, stop: threading.Event,
    question: str | None = None,
) -> Explained:  # fmt: skip
    """Where in a picture lies what is said of it.

    Args:
        name: of a class; of the first one where None.
        deadline: when it ends without an answer (monotonic).
        stop: set by whoever does not want it any more.
        question: that is asked about the picture, where the model answers some.

    Raises:
        Refused: 400 if the model cannot be asked that, 404 if it has no such class, 422 if the
            picture cannot be read, 504 after the deadline.
    """
    with reporting(Watch(deadline, stop)):
        try:
            options = {} if question is None else {"question": question}
            predictor = served.task.answering(served.predictor, options)
            return served.task.explained(predictor, served.classes, data, name)
        except UnknownName:
            raise Refused(404, NO_SUCH_PATH, "there is no such class") from None
        except InputError as error:
            raise Refused(422, UNREADABLE, str(error)) from None
        except (ModelError, UserError) as error:
            raise Refused(400, INVALID_REQUEST, str(error)) from None


def to_json(found: Explained) -> dict[str, Any]:
    """All but the pixels."""
    return {
        "class": found.name,
        "probability": found.probability,
        "box": [round(edge, 6) for edge in found.box],
        "map": [[round(float(value), 6) for value in row] for row in found.map],
        "largest": round(float(found.map.max()), 6),
    }


def to_png(found: Explained) -> bytes:
    """The map over the picture."""
    from PIL import Image

    from striate.visualize import heat

    buffer = io.BytesIO()
    Image.fromarray(heat(found.pixels, found.map, signed=True)).save(buffer, "PNG")
    return buffer.getvalue()
