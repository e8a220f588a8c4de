"""striate predict: what a recognizer answers, for files and folders of any number."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from striate.cli.importing import importing
from striate.cli.options import (
    BatchSize,
    Crops,
    Dense,
    Device,
    Json,
    Model,
    Offsets,
    Places,
    Scales,
    plain_name,
    see_writable,
    windows,
)
from striate.cli.show import print_json, printable
from striate.errors import InputError, UserError

if TYPE_CHECKING:
    from striate.recognizer import Recognizer
    from striate.recognizing import Recognized
    from striate.tasks import Prediction


def predict(
    model: Model,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATHS...",
            help="Files, folders, or patterns (*.jpg); lists of them (.txt, .csv, .jsonl); tar "
            "shards, Parquet files; s3:// and other stores. - is standard input, of texts a line "
            "each.",
            show_default=False,
        ),
    ],
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many labels or objects to print for an input.",
            show_default="5 labels; all objects",
        ),
    ] = None,
    batch_size: BatchSize = 32,
    engine: Annotated[
        Literal["torch", "compiled", "onnxruntime", "openvino", "auto", "ray"],
        typer.Option(
            help="What computes; auto measures once and remembers. ray: torch on a cluster (--out)."
        ),
    ] = "torch",
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="--engine ray: HOST:PORT of a Ray cluster, or auto.",
            show_default="one of this machine's cores",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="--engine ray: each on a core.", show_default="every core"),
    ] = None,
    device: Device = "auto",
    draw: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also write each picture with its prediction, as PNG."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Also write each prediction as a file: a mask or a painted picture as PNG.",
        ),
    ] = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="Each line of a file is a text of its own.")
    ] = False,
    gallery: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="A folder for each person: who of them is in each picture, or nobody.",
        ),
    ] = None,
    search: Annotated[
        Literal["greedy", "beam", "sample"] | None,
        typer.Option(
            help="How sentences are found: the most probable next word, a beam, or drawn words.",
            show_default="what was best in validation",
        ),
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, max=100, help="Beginnings that a beam keeps.")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(min=0.01, max=100, help="Of drawn words; below 1 the probable ones prevail."),
    ] = None,
    question: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="What is asked about every picture; instead, PATHS may be tables (.tsv, .csv) of "
            "images and questions.",
        ),
    ] = None,
    crops: Crops = None,
    scales: Scales = "",
    dense: Dense = False,
    offsets: Offsets = False,
    places: Places = "mean",
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of Parquet files, what holds the inputs.",
            show_default="the one with bytes",
        ),
    ] = None,
    features: Annotated[
        str, typer.Option(metavar="LAYER", help="Instead of predictions: deep features (--out).")
    ] = "",
    pool: Annotated[
        Literal["none", "avg", "max"],
        typer.Option(help="--features: of each feature map its mean or maximum over all places."),
    ] = "none",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="One row for each input, in a .parquet, .csv or .jsonl; the same command goes on "
            "after a stop. With --features a .npy of float32.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Predicts what MODEL was trained for: of images, labels with probabilities, objects with their
    boxes, masks, or a sentence; of texts, labels; of recordings, words.

    --crops to --places average windows of a picture (see evaluate); for recognizers of labels.

    Folders are walked, whatever their size; what systems put there (._cat.jpg, Thumbs.db) is
    skipped. An input that cannot be read is named with its reason, and the others go on.

    With --out nothing is printed but what was done. What is finished is kept in FILE.parts/, so
    that after a kill or a loss of power the same command goes on, without a lost or doubled row.

    \b
    Examples:
        striate predict striate-photos/finetune.safetensors cat.jpg holiday/
        striate predict photos.safetensors holiday/ --json > labels.jsonl
        striate predict photos.safetensors archive/ --out labels.parquet
        striate predict photos.safetensors archive/ --out labels.parquet --engine ray --workers 8
        striate predict photos.safetensors shards/*.tar s3://bucket/more/ --out labels.csv
        striate predict cells.onnx slides/ --draw drawn
        striate predict streets.safetensors drive/ --save masks
        striate predict starry_night.safetensors holiday/ --save painted
        striate predict faces.safetensors a.jpg b.jpg
        striate predict album.safetensors holiday/ --search beam --width 5 --top 3
        striate predict opinions.safetensors - < texts.txt
        striate predict rooms.safetensors kitchen.jpg --question "what is on the table?"
        striate predict efficientnet_lite0 dog.jpg --top 3
        striate predict efficientnet_lite0 photos/ --features stage4 --pool avg --out features.npy
    """
    with importing():
        from striate import recognizer, recognizing
        from striate.files import by_content

    wanted = windows(crops, scales, dense, offsets, places)
    folders = {"draw": draw, "save": save}
    if features:
        check_features(features, out, top, folders, wanted)
    else:
        check_out(out, pool, top, folders)
    check_cluster(engine, cluster, workers, device, out, features)
    ray = engine == "ray"
    found = recognizer.named(model, engine="torch" if ray else engine, device=device)
    own: dict[str, Any] = {**folders, "lines": lines, "gallery": gallery}
    own |= {"search": search, "width": width, "temperature": temperature}
    wanted |= {name: one for name, one in own.items() if one}
    if question is not None:
        wanted["question"] = question
    options = found.task.own_options("predict", wanted)
    for folder in filter(None, folders.values()):
        see_writable(folder)
    asked = {**options, "features": features}
    given = recognizing.given(found.task, paths, asked, column=column)
    if draw is not None and not given.files:
        raise UserError(
            "--draw reads pictures by their paths; give files or folders, or leave it out"
        )
    found = replace(found, predictor=found.task.answering(found.predictor, options))
    if features and out is not None:
        rows = found.each_features(given, layer=features, pool=pool, batch_size=batch_size)
        read, total = write_features(rows, given.count, out, json=json)
    elif out is not None:
        plan = {"model": by_content(model), "inputs": paths, "engine": engine, "device": device}
        plan["column"] = column
        done = recognizing.recognize(
            found, given, out, count=given.count, top=top or found.task.top,
            batch_size=batch_size, plan={**plan, **options},
            cluster=recognizing.Cluster(model, options, cluster, workers) if ray else None,
        )  # fmt: skip
        read, total = done.rows - done.unreadable, done.rows
        tell_written(out, done, json=json)
    else:
        predictions = found.predict(given, batch_size=batch_size)
        read, total = show_all(
            found, predictions, given.count, top or found.task.top, folders, json=json
        )
    if not total:
        raise UserError(f"{', '.join(paths)}: there is nothing to read")
    if read < total:
        print(f"{total - read} of {total} could not be read", file=sys.stderr)
    if not read:
        raise typer.Exit(2)


def check_features(
    features: str,
    out: Path | None,
    top: int | None,
    folders: "Mapping[str, Path | None]",
    windows: dict[str, Any],
) -> None:
    """Refuses options that do not go together."""
    if out is None or out.suffix != ".npy":
        raise UserError(f"--features {features} needs a file to write: --out features.npy")
    others = {"--top": top is not None}
    others |= {f"--{name}": folder is not None for name, folder in folders.items()}
    others |= {f"--{name}": True for name in windows}
    for option, given in others.items():
        if given:
            raise UserError(f"{option} is for predictions; leave it out with --features")
    see_writable(out.parent)


def check_cluster(
    engine: str,
    cluster: str | None,
    workers: int | None,
    device: str,
    out: Path | None,
    features: str,
) -> None:
    """Refuses what does not go with a cluster, and a cluster without its engine."""
    for option, value in (("cluster", cluster), ("workers", workers)):
        if value is not None and engine != "ray":
            raise UserError(f"--{option} {value} is for --engine ray")
    if engine == "ray":
        if out is None or features:
            raise UserError("--engine ray writes rows of predictions to a file: --out FILE.parquet")
        if device not in ("auto", "cpu"):
            raise UserError(f"--device {device}: --engine ray computes on cores")


def check_out(
    out: Path | None, pool: str, top: int | None, folders: "Mapping[str, Path | None]"
) -> None:
    """Refuses a file that predictions cannot be written to, and what does not go with it."""
    from striate import recognizing

    if pool != "none":
        raise UserError("--pool is for --features LAYER")
    if out is None:
        return
    recognizing.form_of(out, top)
    for name, folder in folders.items():
        if folder is not None:
            raise UserError(f"--{name} writes a file for each input; leave it out with --out")
    see_writable(out.parent)


def show_all(
    recognizer: "Recognizer",
    predictions: "Iterator[Prediction]",
    total: int | None,
    top: int | None,
    folders: "Mapping[str, Path | None]",
    *,
    json: bool,
) -> tuple[int, int]:
    """Prints each prediction, and writes it as the folders ask; returns how many inputs were read,
    of how many."""
    from striate.progress import track

    read = number = 0
    for number, prediction in enumerate(track(predictions, "predict", total), 1):
        written = {}
        if prediction.error is None:
            read += 1
            name = f"{number:05d}-{plain_name(Path(prediction.name).stem)}"
            if (folder := folders["draw"]) is not None:
                written["drawn"] = draw_one(recognizer, prediction, folder / f"{name}.png")
            if (folder := folders["save"]) is not None:
                written["saved"] = save_one(recognizer, prediction, folder / name)
        if json:
            print_json({**prediction.to_json(top=top), **written})
        elif prediction.error is not None:
            print(printable(f"{prediction.name}: {prediction.error}"), file=sys.stderr)
        else:
            print(printable(f"{prediction.name}  {prediction.line(top)}"))
    return read, number


def tell_written(out: Path, done: "Recognized", *, json: bool) -> None:
    """Says what a file of predictions holds."""
    if json:
        print_json({"out": str(out), **done._asdict()})
    else:
        print(printable(f"{out}: {done.rows:,} rows"), file=sys.stderr)


def draw_one(recognizer: "Recognizer", prediction: "Prediction", path: Path) -> str:
    """A picture with its prediction as a PNG, whole or not there; its path."""
    from striate import images
    from striate.files import writing

    try:
        pixels = images.read(prediction.name, at_least=None)
    except InputError as error:  # it was read a moment ago
        raise UserError(f"{prediction.name}: {error}") from error
    picture = recognizer.task.draw(pixels, prediction, recognizer.names)
    with writing(path) as temporary:
        picture.save(temporary, format="PNG")
    return str(path)


def save_one(recognizer: "Recognizer", prediction: "Prediction", path: Path) -> str:
    """A prediction as a file of its own, whole or not there; its path.

    Args:
        path: without a suffix.
    """
    from striate.files import writing

    suffix, data = recognizer.task.filed(prediction)
    path = path.with_name(path.name + suffix)
    with writing(path) as temporary:
        temporary.write_bytes(data)
    return str(path)


def write_features(
    rows: "Iterator[tuple[str, Any]]", total: int | None, out: Path, *, json: bool
) -> tuple[int, int]:
    """Writes features as they come, and prints which row belongs to which input; returns how many
    inputs were read, of how many."""
    from striate.progress import track
    from striate.tensors import save_rows

    number = 0

    def readable() -> Iterator[Any]:
        nonlocal number
        count = 0
        for number, (name, row) in enumerate(track(rows, "features", total), 1):  # noqa: B007
            error = str(row) if isinstance(row, InputError) else None
            if json:
                print_json(
                    {"path": name, **({"row": count} if error is None else {"error": error})}
                )
            elif error is None:
                print(printable(f"{name}  row {count}"))
            else:
                print(printable(f"{name}: {error}"), file=sys.stderr)
            if error is None:
                count += 1
                yield row
        if not count:  # and then there is no file
            raise UserError(f"none of {number} inputs can be read")

    count, width = save_rows(out, readable())
    print(printable(f"{out}: {count:,} rows of {width:,} features"), file=sys.stderr)
    return count, number
