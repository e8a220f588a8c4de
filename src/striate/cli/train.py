"""striate train: one approach, one recipe, resumable."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from striate.cli.detection import LEAKS, train_detector, without_boxes
from striate.cli.options import Data, Json, KeepLeaks, Seed, plain_name, see_writable
from striate.cli.show import duration, percent, print_json, printable
from striate.errors import UserError

Name = Literal["scratch", "finetune", "transfer", "handcrafted"]
BY_EPOCHS = ("scratch", "finetune")


def train(
    data: Data,
    approach: Annotated[Name, typer.Option(help="How to learn.")] = "scratch",
    task: Annotated[
        Literal["classification", "detection"],
        typer.Option(help="What to learn: one class an image, or what is where in it."),
    ] = "classification",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A network of `striate models`, or for detection a method, as in faster_rcnn or "
            "faster_rcnn_resnet18; fits the data if none.",
        ),
    ] = None,
    weights: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="detection: what its backbone begins with.",
        ),
    ] = "imagenet",
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Views of the data; the recipe's where not given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Of the run.", show_default="striate-NAME-APPROACH"),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="The folder of a run that was stopped, to go on."),
    ] = None,
    seed: Seed = 0,
    keep_leaks: KeepLeaks = False,
    json: Json = False,
) -> None:
    """Learns one recognizer; a run that was stopped goes on where it was.

    The run is a folder: recipe, metrics as JSON lines and for TensorBoard, checkpoints, and at the
    end recognizer.safetensors.

    \b
    Examples:
        striate train photos/ --approach finetune
        striate train digits --epochs 5 --out run
        striate train digits --epochs 5 --resume run
        striate train cells/ --task detection --model faster_rcnn_efficientnet_lite0
    """
    import striate
    from striate.approaches import Ask, run_approach
    from striate.tasks.detection.learning import begun

    if resume is not None and out is not None:
        raise UserError(f"--resume {resume} goes on in that folder; leave out --out {out}")
    if resume is not None and not begun(resume):
        raise UserError(f"--resume {resume}: no run there (no run.json)")
    if task == "detection":
        if approach != "scratch":
            raise UserError(f"--approach {approach}: detection has one way to learn; leave it out")
        if keep_leaks:
            raise UserError(LEAKS)
        train_detector(
            striate.data.open(data, seed=seed), data, model=model, weights=weights, epochs=epochs,
            folder=resume or out, resume=resume is not None, seed=seed, json=json,
        )  # fmt: skip
        return
    if weights != "imagenet":
        raise UserError(f"--weights {weights}: for --task detection")
    if approach not in BY_EPOCHS and (epochs is not None or resume is not None):
        option = "--epochs" if epochs is not None else "--resume"
        raise UserError(f"{option}: {approach} is solved at once, without epochs; leave it out")
    dataset = without_boxes(striate.data.open(data, seed=seed))
    folder = resume or out or Path(f"striate-{plain_name(dataset.name)}-{approach}")
    see_writable(folder)
    ask = Ask(
        seed=seed, model=model, epochs=epochs, folder=folder, resume=resume is not None,
        keep_leaks=keep_leaks,
    )  # fmt: skip
    try:
        outcome = run_approach(approach, dataset, ask)
    except KeyboardInterrupt:
        if (folder / "checkpoint.safetensors").exists():
            again = f"striate train {data} --approach {approach} --resume {folder}"
            print(f"saved; to go on: {printable(again)}", file=sys.stderr)
        raise
    path = folder / "recognizer.safetensors"
    outcome.recognizer.save(path)
    seconds = sum(outcome.seconds.values())
    if json:
        print_json(
            {
                "approach": approach,
                "top1": outcome.top1,
                "top5": outcome.top5,
                "seconds": seconds,
                "parameters": outcome.parameters,
                "recognizer": str(path),
                "run": str(folder),
                "history": list(outcome.curve),
                "notes": list(outcome.notes),
            }
        )
        return
    print(f"{approach}: top-1 {percent(outcome.top1)} on the test images, in {duration(seconds)}")
    for note in outcome.notes:
        print(printable(note))
    print(f"recognizer: {printable(str(path))}")
