"""What only captions have to say on a model card."""

from striate.tasks.captions.describer import Describer
from striate.tasks.captions.neighbors import Neighbors
from striate.tasks.contract import Predictor
from striate.tasks.pictures.card import preprocessing

LIMITS = [
    "- It has learned words from the training captions and gives no others; what it cannot name it "
    "calls something else, as surely.",
    "- It repeats what is usual there: colors, numbers and who does what are often wrong.",
    "- BLEU counts words that agree with those of people; a wrong sentence of usual words scores.",
]


def sections(predictor: Predictor) -> dict[str, list[str]]:
    """Titles to lines of Markdown."""
    found = {}
    if isinstance(predictor, Describer | Neighbors):
        found["Preprocessing"] = preprocessing(predictor.preprocessing)
    if isinstance(predictor, Describer):
        search = predictor.search
        found["Words"] = [
            f"- {len(predictor.vocabulary) - 1:,} words, which are inside the file",
            f"- sentences are found by {search.how}"
            + (f", width {search.width}, power {search.power:g}" if search.how == "beam" else ""),
        ]
    return {**found, "What it does not know": LIMITS}
