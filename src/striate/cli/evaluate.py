"""striate evaluate: how good recognizers are on a set."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from striate.cli.detection import without_boxes
from striate.cli.detectors import evaluate_detectors
from striate.cli.options import BatchSize, Json, Seed
from striate.cli.show import percent, print_json, print_table, printable, table
from striate.errors import DataError, UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from striate.data import Dataset, Decoded
    from striate.evaluation import Looks
    from striate.recognizer import Recognizer

Split = Literal["train", "validation", "test", "all"]


def evaluate(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL... DATA",
            help="Recognizers (.safetensors), and last a folder, a list or a catalog name.",
            show_default=False,
        ),
    ],
    split: Annotated[
        Split, typer.Option(help="The part to score; `all` where nothing was learned from it.")
    ] = "test",
    ensemble: Annotated[
        bool, typer.Option(help="Score the mean of all recognizers, and not each.")
    ] = False,
    crops: Annotated[int, typer.Option(help="Windows of a picture to average: 1 or 10.")] = 1,
    scales: Annotated[
        str, typer.Option(metavar="256,288", help="Sides of the squares windows are taken from.")
    ] = "",
    dense: Annotated[
        bool, typer.Option(help="Every window, by sliding the network over the picture.")
    ] = False,
    tree: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Classes of classes: lines of class<tab>class above."),
    ] = None,
    seed: Seed = 0,
    batch_size: BatchSize = 64,
    json: Json = False,
) -> None:
    """Scores recognizers: top-1 and top-5 with 95 % intervals, calibration, every class.

    Several are compared with the best of them, image by image; with --ensemble their mean is
    scored. Where the folder has no test/ of its own, a fifth is drawn by the seed: take the seed
    that the recognizer was learned with, or what it learned from is scored. Detectors are scored on
    a folder with boxes: average precision of each class, and the kinds of mistakes.

    \b
    Examples:
        striate evaluate striate-photos/finetune.safetensors photos/
        striate evaluate striate-photos/*.safetensors photos/
        striate evaluate a.safetensors b.safetensors photos/ --ensemble --crops 10 --json
        striate evaluate photos.safetensors new-photos/ --split all --tree animals.txt
    """
    import striate
    from striate.evaluation import Looks, open_tree
    from striate.tasks.detection import is_detector
    from striate.tasks.detection.exported import is_exported

    *models, data = paths
    if not models:
        raise UserError(
            f"evaluate needs MODEL and DATA: striate evaluate photos.safetensors {data}"
        )
    try:
        looks = Looks(crops, _sides(scales), dense)
    except ValueError as error:
        raise UserError(str(error)) from error
    if any(is_detector(model) or is_exported(model) for model in models):
        if ensemble or dense or tree is not None or looks != Looks():
            raise UserError("a detector looks once at a whole picture: give MODEL and DATA alone")
        evaluate_detectors(models, striate.data.open(data, seed=seed), split=split, json=json)
        return
    above = open_tree(tree) if tree is not None else None
    recognizers = [striate.recognizer.load_trained(model) for model in models]
    dataset = without_boxes(striate.data.open(data, seed=seed))
    part = dataset if split == "all" else getattr(dataset, split)
    if not len(part):
        raise DataError(f"{data}: the {split} split has no image")
    if split == "test":
        for model, recognizer in zip(models, recognizers, strict=True):
            _warn_of_another_split(model, recognizer, dataset)
    results = scored(models, recognizers, part, looks, batch_size, ensemble=ensemble, tree=above)
    about = {"data": data, "split": split, "crops": crops, "scales": list(looks.scales),
             "dense": dense}  # fmt: skip
    results = [{"model": result["model"], **about, **result} for result in results]
    if json:
        print_json(results[0] if len(results) == 1 else {**about, "models": results})
    elif len(results) == 1:
        show(results[0])
    else:
        show_all(results)


def _sides(text: str) -> tuple[int, ...]:
    """`256,288` as numbers."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise UserError(f"--scales {text}: expected sides in pixels, as in --scales 256,288")
    return tuple(int(part) for part in parts)


def _warn_of_another_split(model: str, recognizer: "Recognizer", dataset: "Dataset") -> None:
    """Says where a recognizer learned from other images of this very set than the split tells."""
    from striate.data.dataset import TEST

    known = recognizer.provenance.get("data")
    if not isinstance(known, dict) or "learned" not in known:
        return
    if known.get("fingerprint") != dataset.fingerprint():
        return
    if known["learned"] != dataset.take((dataset.split != TEST).nonzero()[0]).fingerprint():
        print(
            f"warning: {printable(model)} learned from other images of this set than this split "
            "says, so it may be scored on what it learned from; take its --seed",
            file=sys.stderr,
        )


def scored(
    models: list[str],
    recognizers: list["Recognizer"],
    part: "Dataset",
    looks: "Looks",
    batch_size: int,
    *,
    ensemble: bool,
    tree: Any,
) -> list[dict[str, Any]]:
    """The numbers of each recognizer, or of their mean, as plain JSON values."""
    from striate.data import decode
    from striate.evaluation import aligned, averaged, difference, looked_at, scores

    views = [view for each in recognizers for view in looks.views(each.preprocessing.view)]
    for each in recognizers:  # before any work
        class_numbers(each, part.classes)
    decoded = decode(part, views)
    left_out = [{"name": o.name, "reason": o.reason} for o in decoded.dataset.left_out]
    said = [looked_at(each, decoded.pixels, looks, batch_size=batch_size) for each in recognizers]
    if ensemble:
        first = recognizers[0].classes
        answers = [aligned(p, r.classes, first) for p, r in zip(said, recognizers, strict=True)]
        targets = targets_of(recognizers[0], decoded)
        name = models if len(models) > 1 else models[0]
        found = scores(averaged(answers), targets, first, tree=tree)
        return [{"model": name, **found, "left_out": left_out}]
    results = []
    rights = []
    for model, recognizer, answer in zip(models, recognizers, said, strict=True):
        targets = targets_of(recognizer, decoded)
        found = scores(answer, targets, recognizer.classes, tree=tree)
        results.append({"model": model, **found, "left_out": left_out})
        rights.append(aligned_to(decoded, recognizer, answer))
    if len(results) > 1:
        best = max(range(len(results)), key=lambda k: results[k]["top1"]["value"])
        for result, mine in zip(results, rights, strict=True):
            result["behind"] = difference(rights[best], mine, decoded.dataset.targets)
    return results


def aligned_to(
    decoded: "Decoded", recognizer: "Recognizer", answer: "NDArray[np.float32]"
) -> "NDArray[np.float32]":
    """Probabilities with the data's classes first, in their order, and whatever else behind."""
    import numpy as np

    numbers = class_numbers(recognizer, decoded.dataset.classes)
    others = np.setdiff1d(np.arange(len(recognizer.classes)), numbers)
    return answer[:, np.concatenate([numbers, others]).astype(int)]


def targets_of(recognizer: "Recognizer", decoded: "Decoded") -> "NDArray[np.int64]":
    """The true classes by the recognizer's numbers. Decoding may have taken classes out."""
    import numpy as np

    numbers = class_numbers(recognizer, decoded.dataset.classes)
    return np.asarray(numbers)[decoded.dataset.targets]


def class_numbers(recognizer: "Recognizer", classes: tuple[str, ...]) -> list[int]:
    """For each class of the data its number in the recognizer."""
    known = recognizer.classes
    places = {name: number for number, name in enumerate(known)}
    strange = [name for name in classes if name not in places]
    if strange:
        raise DataError(
            f"the recognizer does not know the classes {', '.join(map(repr, strange[:6]))}; "
            f"it knows {', '.join(map(repr, known[:6]))}{' ...' if len(known) > 6 else ''}"
        )
    return [places[name] for name in classes]


def show(result: dict[str, Any]) -> None:
    """The numbers for people."""
    print(f"{printable(result['data'])}, {result['split']}: {result['images']} images")
    for name, key in (("top-1", "top1"), ("top-5", "top5")):
        if result[key]:
            print(f"{name} {_with_interval(result[key])}")
    error = {"value": result["calibration_error"], "interval": result["calibration_interval"]}
    print(f"calibration error {_with_interval(error)}")
    for row in result.get("tree", {}).get("depths", ()):
        print(f"top-1 of {row['classes']} classes at depth {row['depth']}: {percent(row['top1'])}")
    height = result.get("tree", {}).get("height_of_mistakes")
    if height is not None:
        print(f"a mistake lies {height:.2f} steps up the tree")
    body = [
        (row["name"], str(row["images"]), percent(row["precision"]), percent(row["recall"]))
        for row in result["classes"]
    ]
    heads = ("class", "images", "precision", "recall")
    print_table(table(heads, body, right=heads[1:]))
    _show_left_out(result)


def show_all(results: list[dict[str, Any]]) -> None:
    """One line a recognizer."""
    first = results[0]
    print(f"{printable(first['data'])}, {first['split']}: {first['images']} images")
    heads = ("model", "top-1", "95 %", "behind the best", "calibration error")
    body = []
    for result in results:
        low, high = result["top1"]["interval"]
        behind = result["behind"]
        ends = " to ".join(f"{100 * end:.1f}" for end in behind["interval"])
        lag = f"{100 * behind['value']:.1f} ({ends}) points" if any(behind["interval"]) else ""
        body.append(
            (
                result["model"],
                percent(result["top1"]["value"]),
                f"{percent(low)} to {percent(high)}",
                lag,
                percent(result["calibration_error"]),
            )
        )
    print_table(table(heads, body, right=heads[1:]))
    _show_left_out(first)


def _with_interval(score: dict[str, Any]) -> str:
    low, high = score["interval"]
    return f"{percent(score['value'])} (95 %: {percent(low)} to {percent(high)})"


def _show_left_out(result: dict[str, Any]) -> None:
    if result["left_out"]:
        print(f"{len(result['left_out'])} left out:")
        for each in result["left_out"]:
            print(f"  {printable(each['name'])}: {printable(each['reason'])}")
