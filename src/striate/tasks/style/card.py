"""What only a painter has to say on a model card."""

from striate.tasks.contract import Predictor
from striate.tasks.pictures.card import whole_picture
from striate.tasks.style.judging import PAINTING, SIDE
from striate.tasks.style.painter import Painter

LIMITS = [
    "- It has learned one painting's style and paints whatever it is shown with it.",
    f"- Strokes are as large as in that painting at {PAINTING} pixels: in a picture of twice the "
    "size they look half as large.",
]


def sections(predictor: Predictor) -> dict[str, list[str]]:
    """Titles to lines of Markdown."""
    found = {"What it reads": whole_picture(), "What it does not know": LIMITS}
    if isinstance(predictor, Painter):
        judging = predictor.judging
        found["How it is scored"] = [
            f"- By {judging.network}: the share of the content and style loss of a photograph, a "
            f"square of {SIDE} pixels, that painting removes; the style counts {judging.style:g} "
            "times, the content once."
        ]
    return found
