"""What only generators have to say on a model card."""

from striate.tasks.contract import Predictor
from striate.tasks.generation.sampler import FromNoise, Sampler

LIMITS = [
    "- What it makes shows nothing that exists; do not pass it off as a photograph, nor as data.",
    "- It makes what is usual in the training pictures, and leaves out more than it makes up: "
    "recall tells how much of the test pictures' variety it has.",
    "- A sample may be a training picture again; the share of copies was counted on a few hundred "
    "samples, by pixels alone.",
]


def sections(predictor: Predictor) -> dict[str, list[str]]:
    """Titles to lines of Markdown."""
    found = {}
    if isinstance(predictor, Sampler):
        color = "gray" if predictor.channels == 1 else "RGB"
        found["What it makes"] = [
            f"- pictures of {predictor.size} x {predictor.size} pixels, {color}"
        ]
    if isinstance(predictor, FromNoise):
        told = ", and the class that is wanted" if predictor.told else ""
        found["What it makes"].append(f"- each of {predictor.noise} numbers of noise{told}")
    return {**found, "What it does not do": LIMITS}
