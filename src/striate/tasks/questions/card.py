"""What only questions have to say on a model card."""

from striate.tasks.contract import Predictor
from striate.tasks.pictures.card import preprocessing
from striate.tasks.questions.bag import Bag
from striate.tasks.questions.choosing import Chooser
from striate.tasks.questions.neurons import Neurons
from striate.tasks.questions.several import Several

LIMITS = [
    "- Many questions are answered by what is usual: see how far the same method comes without the "
    "picture before you believe that it looks.",
    "- Words of a question that no training question had say nothing; they are named beside the "
    "answer.",
]
CHOSEN = (
    "- It chooses among the answers of the training questions; any other it gets wrong, however "
    "plain it is in the picture."
)


def sections(predictor: Predictor) -> dict[str, list[str]]:
    """Titles to lines of Markdown."""
    found: dict[str, list[str]] = {}
    seen = predictor.preprocessing if isinstance(predictor, Chooser | Several) else None
    found["Preprocessing"] = (
        ["The picture is not looked at."] if seen is None else preprocessing(seen)
    )
    known = []
    if isinstance(predictor, Neurons | Several):
        known.append(f"- {len(predictor.words) - 1:,} words, which are inside the file")
    if isinstance(predictor, Bag):
        known.append(f"- {len(predictor.bag.terms):,} words and runs of words")
    if isinstance(predictor, Chooser):
        known.append(f"- {len(predictor.answers.words):,} answers")
    if known:
        found["Words"] = known
    limits = LIMITS if isinstance(predictor, Several) else [CHOSEN, *LIMITS]
    return {**found, "What it does not know": limits}
