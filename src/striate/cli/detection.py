"""What `train` and `predict` do where things are found in pictures."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate.cli.options import plain_name, see_writable
from striate.cli.show import percent, print_json, printable
from striate.errors import ImageError, UserError

if TYPE_CHECKING:
    from striate.data import BoxedDataset, Dataset
    from striate.tasks.detection import Detector, Findings, Measured

LEAKS = "--keep-leaks: in detection, what was learned from is never scored; leave it out"
DOUBTS = 10  # that are told one by one


def without_boxes(data: "Dataset") -> "Dataset":
    """The set, if its images have one class each.

    Raises:
        UserError: if they have boxes.
    """
    from striate.data import BoxedDataset

    if isinstance(data, BoxedDataset):
        raise UserError(
            f"{data.name}: its images have boxes: striate train {data.name} --task detection"
        )
    return data


def train_detector(
    data: "Dataset",
    given: str,
    *,
    model: str | None,
    weights: str,
    epochs: int | None,
    folder: Path | None,
    resume: bool,
    seed: int,
    json: bool,
) -> None:
    """Learns a detector and says how good it is.

    Args:
        given: what the person called the data.
    """
    from striate.tasks.detection import DEFAULT, Ask, learn
    from striate.tasks.detection.learning import begun

    data = with_boxes(data)
    name = model or DEFAULT
    folder = folder or Path(f"striate-{plain_name(data.name)}-{plain_name(name)}")
    see_writable(folder)
    tell_doubts(data)
    ask = Ask(weights=weights, epochs=epochs, folder=folder, resume=resume, seed=seed)
    try:
        outcome = learn(data, name, ask)
    except KeyboardInterrupt:
        if begun(folder):
            again = f"striate train {given} --task detection --model {name} --resume {folder}"
            print(f"saved; to go on: {printable(again)}", file=sys.stderr)
        raise
    path = folder / "recognizer.safetensors"
    outcome.detector.save(path)
    learned, test = outcome.learned, outcome.measured
    if json:
        row: dict[str, Any] = {
            "task": "detection",
            "method": name,
            "seconds": learned.seconds,
            "validation": learned.validation,
            "test": test.to_json() if test else None,
            "recognizer": str(path),
            "run": str(folder),
            "history": list(learned.history),
            "notes": [*learned.notes, *outcome.told],
        }
        print_json(row)
        return
    for note in (*learned.notes, *outcome.told):
        print(f"note: {printable(note)}")
    if test is not None:
        print_measured(test, "test")
    print(f"recognizer: {printable(str(path))}")


def with_boxes(data: "Dataset") -> "BoxedDataset":
    """The set, if its images have boxes.

    Raises:
        UserError: if they have none.
    """
    from striate.data import BoxedDataset

    if not isinstance(data, BoxedDataset):
        raise UserError(
            f"{data.name}: no boxes; detection reads PASCAL VOC (Annotations/) and COCO "
            "(annotations/*.json) folders"
        )
    return data


def tell_doubts(data: "BoxedDataset") -> None:
    """Says which boxes were mended, dropped or look wrong; of many, the first and the number."""
    for doubt in data.doubts[:DOUBTS]:
        print(f"{printable(doubt.image)}: {printable(doubt.text)}", file=sys.stderr)
    if len(data.doubts) > DOUBTS:
        print(
            f"and {len(data.doubts) - DOUBTS} more boxes: striate check {printable(data.name)}",
            file=sys.stderr,
        )


def print_measured(test: "Measured", split: str) -> None:
    """How good a detector is, class by class."""
    print(
        f"mean average precision {percent(test.map50)} on {len(test.rows)} "
        f"{'' if split == 'all' else split + ' '}images, "
        f"{test.seconds:.2g} s an image"
    )
    for name, value in test.average_precisions.items():
        if value == value:  # a class that is nowhere in these images has none
            print(f"  {printable(name)} {percent(value)}")
    for name, reason in test.broken:
        print(f"{printable(name)}: {printable(reason)}", file=sys.stderr)


def predict_boxes(
    detector: "Detector", paths: Iterator[str], *, total: int, top: int | None, draw: Path | None,
    json: bool,
) -> int:  # fmt: skip
    """Prints what is in each picture; returns how many could be read."""
    from striate.progress import track

    if draw is not None:
        see_writable(draw)
    read = 0
    for number, findings in enumerate(track(detector.predict(paths), "predict", total), 1):
        read += findings.error is None
        if json:
            row = findings.to_json()
            if "objects" in row:
                row["objects"] = row["objects"][:top]
            print_json(row)
        elif findings.error is None:
            print(line(findings, top))
        else:
            print(f"{printable(findings.name)}: {findings.error}", file=sys.stderr)
        if draw is not None and findings.error is None:
            stem = Path(findings.name).stem
            picture(findings, detector.classes, draw / f"{number:05d}-{plain_name(stem)}.png")
    return read


def line(findings: "Findings", top: int | None) -> str:
    """`cells.jpg  WBC 99.0 % at 10 20 110 140, ...`."""
    things = ", ".join(
        f"{printable(each.label)} {percent(each.score)} at "
        + " ".join(str(round(side)) for side in each.box)
        for each in findings.objects[:top]
    )
    return f"{printable(findings.name)}  {things or 'nothing'}"


def picture(findings: "Findings", classes: tuple[str, ...], path: Path) -> None:
    """A picture with the boxes of what is at least half sure, as a PNG, whole or not there."""
    from striate import images
    from striate.files import writing
    from striate.visualize.boxes import Frame, color_of, drawn

    try:
        pixels = images.read(os.fspath(findings.name), at_least=None)
    except ImageError as error:  # it was read a moment ago
        raise UserError(f"{findings.name} {error}") from error
    frames = [
        Frame(each.box, f"{each.label} {each.score:.2f}", color_of(classes.index(each.label)))
        for each in reversed(findings.objects)
        if each.score >= 0.5
    ]
    with writing(path) as temporary:
        drawn(pixels, frames).save(temporary, format="PNG")
