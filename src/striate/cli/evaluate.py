"""striate evaluate: how good a recognizer is on a set."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from striate.cli.options import BatchSize, Data, Json, ModelFile, Seed
from striate.cli.show import percent, print_json, print_table, printable, table
from striate.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from striate.data import Dataset
    from striate.recognizer import Recognizer

Split = Literal["train", "validation", "test", "all"]


def evaluate(
    model: ModelFile,
    data: Data,
    split: Annotated[
        Split, typer.Option(help="The part to score; `all` where nothing was learned from it.")
    ] = "test",
    seed: Seed = 0,
    batch_size: BatchSize = 64,
    json: Json = False,
) -> None:
    """Scores a recognizer: top-1 and top-5 with 95 % intervals, calibration, every class.

    Where the folder has no test/ of its own, a fifth is drawn by the seed: take the seed that the
    recognizer was learned with, or what it learned from is scored.

    \b
    Examples:
        striate evaluate striate-photos/finetune.safetensors photos/
        striate evaluate photos.safetensors new-photos/ --split all --json
    """
    import striate

    recognizer = striate.recognizer.load_trained(model)
    dataset = striate.data.open(data, seed=seed)
    part = dataset if split == "all" else getattr(dataset, split)
    if not len(part):
        raise DataError(f"{data}: the {split} split has no image")
    result = scores(recognizer, part, batch_size)
    result = {"model": model, "data": data, "split": split, **result}
    if json:
        print_json(result)
        return
    show(result)


def scores(recognizer: "Recognizer", part: "Dataset", batch_size: int) -> dict[str, Any]:
    """All numbers, as plain JSON values."""
    import numpy as np

    from striate.data import decode
    from striate.evaluation import (
        calibration_error,
        confusion,
        precision_recall,
        top_k,
        wilson_interval,
    )

    numbers = class_numbers(recognizer.classes, part.classes)
    decoded = decode(part, [recognizer.preprocessing.view])
    # Decoding may take classes out; their images are in `left_out`.
    kept = [part.classes.index(name) for name in decoded.dataset.classes]
    targets = np.asarray([numbers[k] for k in kept])[decoded.dataset.targets]
    probabilities = computed(recognizer, decoded.pixels[recognizer.preprocessing.view], batch_size)
    counts = confusion(probabilities, targets)
    precision, recall = precision_recall(counts)

    def share(k: int) -> dict[str, Any]:
        value = top_k(probabilities, targets, k)
        return {"value": value, "interval": list(wilson_interval(value, len(targets)))}

    return {
        "images": len(targets),
        "top1": share(1),
        "top5": share(5) if len(recognizer.classes) > 5 else None,
        "calibration_error": calibration_error(probabilities, targets),
        "classes": [
            {"name": name, "images": int(counts[k].sum()), "precision": p, "recall": r}
            for k, (name, p, r) in enumerate(
                zip(recognizer.classes, precision.tolist(), recall.tolist(), strict=True)
            )
        ],
        "left_out": [
            {"name": each.name, "reason": each.reason} for each in decoded.dataset.left_out
        ],
    }


def class_numbers(known: tuple[str, ...], classes: tuple[str, ...]) -> list[int]:
    """For each class of the data its number in the recognizer."""
    places = {name: number for number, name in enumerate(known)}
    strange = [name for name in classes if name not in places]
    if strange:
        raise DataError(
            f"the recognizer does not know the classes {', '.join(map(repr, strange[:6]))}; "
            f"it knows {', '.join(map(repr, known[:6]))}{' ...' if len(known) > 6 else ''}"
        )
    return [places[name] for name in classes]


def computed(
    recognizer: "Recognizer", pixels: "NDArray[np.uint8]", batch_size: int
) -> "NDArray[np.float32]":
    """Probabilities of all images, with a bar."""
    import numpy as np

    from striate.progress import stage

    parts = []
    with stage("evaluate", len(pixels)) as bar:
        for first in range(0, len(pixels), batch_size):
            parts.append(recognizer.probabilities(pixels[first : first + batch_size]))
            bar.advance(len(parts[-1]))
    return np.concatenate(parts)


def show(result: dict[str, Any]) -> None:
    """The numbers for people."""
    print(f"{printable(result['data'])}, {result['split']}: {result['images']} images")
    for name, key in (("top-1", "top1"), ("top-5", "top5")):
        if result[key]:
            low, high = result[key]["interval"]
            print(
                f"{name} {percent(result[key]['value'])} (95 %: {percent(low)} to {percent(high)})"
            )
    print(f"calibration error {percent(result['calibration_error'])}")
    body = [
        (row["name"], str(row["images"]), percent(row["precision"]), percent(row["recall"]))
        for row in result["classes"]
    ]
    heads = ("class", "images", "precision", "recall")
    print_table(table(heads, body, right=heads[1:]))
    if result["left_out"]:
        print(f"{len(result['left_out'])} left out:")
        for each in result["left_out"]:
            print(f"  {printable(each['name'])}: {printable(each['reason'])}")
