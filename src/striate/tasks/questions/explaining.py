"""Where the answer to a question comes from: what of its probability is lost where a part of the
picture is hidden (Zeiler & Fergus 2014, Section 4.2)."""

import warnings
from typing import Any

from numpy.typing import NDArray
from torch import Tensor, nn

from striate import images as pictures
from striate.errors import ModelError, UnknownName, UserError
from striate.tasks.contract import Explained, Predictor
from striate.tasks.pictures.hiding import CELLS, PARTS, pooled, shown
from striate.tasks.questions.choosing import Chooser
from striate.tasks.questions.eyes import Eye
from striate.visualize import approximate_occlusion

NEEDED = (
    'give --question, as in: striate explain MODEL photo.jpg --question "what is on the table?"'
)


class Asking(nn.Module):
    """Pictures, preprocessed, to logits (N, answers) of one question."""

    def __init__(self, eye: Eye, decision: nn.Module):
        super().__init__()
        self.eye, self.decision = eye.network, decision

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.decision(self.eye(images))
        return found


def looking(predictor: Predictor) -> tuple[Chooser, Eye]:
    """One that sees, and what it sees by.

    Raises:
        ModelError: if it does not, or chooses among no answers.
    """
    if not isinstance(predictor, Chooser):
        raise ModelError("only what chooses among known answers tells what it looks at")
    if predictor.eye is None:
        raise ModelError("this one does not look at the picture, so no part of it matters")
    return predictor, predictor.eye


def explain(predictor: Predictor, data: bytes, name: str | None) -> Explained:
    """Hides a seventh of the picture, each way, at about 28 places each way.

    Args:
        predictor: with a question (`Chooser.about`).
        data: of the picture's file.
        name: of the answer that is asked about; the best one where None.

    Raises:
        ModelError: if the predictor does not look, or has no question.
        UnknownName: if it knows no such answer.
        ImageError: if the picture cannot be read.
    """
    chooser, eye = looking(predictor)
    if chooser.question is None:
        raise ModelError("no question is asked about the picture")
    one = chooser.prepare(data)
    probabilities = chooser.probabilities(chooser.logits([one]))[0]
    known = chooser.answers.index
    if name is not None and name not in known:
        raise UnknownName("answer", name, chooser.answers.words)
    target = int(probabilities.argmax()) if name is None else known[name] - 1
    view = eye.preprocessing.view
    assert one.pixels is not None
    with warnings.catch_warnings():  # what follows the last maps is computed whole, as it must be
        warnings.simplefilter("ignore", UserWarning)
        maps = approximate_occlusion(
            Asking(eye, chooser.decision(one.words)),
            eye.preprocessing.tensor(one.pixels[None]),
            target,
            size=max(1, view.size // PARTS),
            stride=max(1, view.size // CELLS),
            probabilities=chooser.probabilities,
        ).maps
    return Explained(
        chooser.answers.words[target],
        float(probabilities[target]),
        pictures.to_rgb(one.pixels),
        shown(data, view),
        pooled(maps.over_pixels()),
    )


def page(
    predictor: Predictor, item: str, name: str | None
) -> tuple[NDArray[Any], dict[str, object]]:
    """The map over the picture, and what was found.

    Raises:
        UserError: if there is no question.
    """
    from striate.visualize import heat

    chooser, _ = looking(predictor)
    if chooser.question is None or not item:
        raise UserError(NEEDED)
    found = explain(chooser, pictures.load(item), name)
    facts = {
        "question": chooser.question,
        "answer": found.name,
        "probability": found.probability,
        "most_lost": float(found.map.max()),
    }
    return heat(found.pixels, found.map, signed=True), facts
