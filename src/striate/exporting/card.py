"""A model card (Mitchell et al. 2019, arXiv:1810.03993): what a recognizer is and is not good for.

Every number stands in the recognizer's own provenance; what is missing there is said to be.
"""

import json
from typing import Any

from striate.evaluation import wilson_interval
from striate.recognizer import Recognizer

FITS = {
    "crop": "the central square, its side {fraction:g} of the shorter side",
    "squash": "the whole picture, both sides brought to {size} pixels",
    "pad": "the whole picture on a gray square",
}


def card(recognizer: Recognizer, file: str) -> str:
    """The card in Markdown of the recognizer in a file of that name."""
    sections = {
        "What it answers": answers(recognizer),
        "Data": data(recognizer.provenance),
        "How it learned": recipe(recognizer),
        "How well": scores(recognizer.provenance),
        "Confidence": confidence(recognizer),
        "What it sees": sees(recognizer),
        "What it does not know": LIMITS,
    }
    parts = [f"# {plain(file)}"]
    for title, lines in sections.items():
        parts.append(f"## {title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def answers(recognizer: Recognizer) -> list[str]:
    names = [f"{number}. {plain(name)}" for number, name in enumerate(recognizer.classes)]
    return [f"One of {len(names)} classes for a picture, or none of these:", "", *names]


def data(provenance: dict[str, Any]) -> list[str]:
    known = provenance.get("data")
    if not isinstance(known, dict):
        return ["Not recorded."]
    return [f"- set: {plain(known.get('name', 'not recorded'))}",
            f"- fingerprint: `{plain(known.get('fingerprint', 'not recorded'))}`"]  # fmt: skip


def recipe(recognizer: Recognizer) -> list[str]:
    provenance = recognizer.provenance
    lines = [
        f"- approach: {plain(provenance.get('approach', 'not recorded'))}",
        f"- network: {plain(recognizer.architecture.get('name') or 'of the user')}",
        f"- seed: {plain(provenance.get('seed', 'not recorded'))}",
    ]
    if "recipe" in provenance:
        text = json.dumps(provenance["recipe"], indent=2, default=str).replace("`", "'")
        lines += ["", "```json", text, "```"]
    return lines


def scores(provenance: dict[str, Any]) -> list[str]:
    """Scores on the test images, each with its 95 % interval (Wilson 1927)."""
    test = provenance.get("test")
    if not isinstance(test, dict) or not test.get("images"):
        return ["Not recorded: nobody should rely on it before `striate evaluate`."]
    count = int(test["images"])
    lines = [f"On {count:,} test images that took no part in learning or in any choice:", ""]
    lines += ["| score | value | 95 % interval |", "|---|---|---|"]
    for name in ("top1", "top5"):
        if isinstance(test.get(name), int | float):
            low, high = wilson_interval(float(test[name]), count)
            lines.append(f"| {name} | {test[name]:.1%} | {low:.1%} to {high:.1%} |")
    return lines


def confidence(recognizer: Recognizer) -> list[str]:
    test = recognizer.provenance.get("test")
    error = test.get("calibration_error") if isinstance(test, dict) else None
    known = recognizer.familiarity
    rule = (
        f"the largest probability is below {recognizer.calibration.threshold:.4f}"
        if known is None
        else "the cosine between its features and the nearest class's mean direction is below "
        f"{known.threshold:.4f}"
    )
    return [
        f"- temperature: {recognizer.calibration.temperature:.4f}, fitted on validation images",
        "- expected calibration error on the test images: "
        + (f"{error:.3f}" if isinstance(error, int | float) else "not recorded"),
        f'- "none of these" where {rule}; 95 % of the validation images are kept',
    ]


def sees(recognizer: Recognizer) -> list[str]:
    rule = recognizer.preprocessing
    view = rule.view
    return [
        f"- {FITS[view.fit].format(fraction=view.fraction, size=view.size)}, as {view.size} x "
        f"{view.size} pixels, {'RGB' if view.channels == 3 else 'gray'}, resampled bicubic with "
        "antialiasing (inside the file)",
        f"- then (pixel - mean) / deviation: mean {list(rule.mean)}, deviation {list(rule.std)}"
        + (", blue first" if rule.bgr else ""),
        "- decoding stays outside: give RGB uint8, upright (EXIF orientation applied), in sRGB, "
        "alpha over white; large JPEGs, which striate decodes at 1/2 to 1/8 of their size, differ "
        "by a little where every pixel is given",
    ]


LIMITS = [
    "- It has seen the classes above and nothing else; of another thing it can say only that it is "
    "none of these, and it will miss some.",
    "- The scores hold for pictures like the test images: another camera, light, crop or country "
    "may give others. Measure on your own before you rely on it.",
    "- Probabilities are calibrated on average, not for every class or kind of picture.",
    "- Nothing was measured about fairness between groups of people, nor about pictures made to "
    "deceive it.",
]


def plain(value: object) -> str:
    """Text of the user's in Markdown: one line, without markup."""
    line = " ".join(str(value).split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in line if c.isprintable())
