"""striate train: one method, one recipe, resumable."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.importing import importing
from striate.cli.options import (
    Data,
    Device,
    Json,
    KeepLeaks,
    MaxImages,
    Network,
    Painting,
    RecipeName,
    Seed,
    Settings,
    Task,
    TimeLimit,
    Weights,
    command_line,
    own,
    plain_name,
    see_writable,
    weights_of,
)
from striate.cli.show import percent, print_doubts, print_json, printable
from striate.errors import UserError
from striate.progress import duration

if TYPE_CHECKING:
    from striate.comparing import Outcome


def train(
    data: Data,
    task: Task = None,
    method: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="How to learn.", show_default="what suits the task"),
    ] = None,
    network: Network = None,
    weights: Weights = "published",
    recipe: RecipeName = None,
    settings: Settings = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How often every training example is shown.",
            show_default="as the recipe says",
        ),
    ] = None,
    time_limit: TimeLimit = None,
    painting: Painting = None,
    max_images: MaxImages = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Of the run.", show_default="striate-NAME-METHOD"),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="The folder of a run that was stopped, to go on."),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    keep_leaks: KeepLeaks = False,
    json: Json = False,
) -> None:
    """Learns one recognizer; a run that was stopped goes on where it was.

    Processes that torchrun starts share every batch: the same batch size and rate as with one.
    With --max-restarts, torchrun starts them again where a process was killed, and they go on.

    The run is a folder: what was asked, metrics as JSON lines and for TensorBoard, checkpoints, and
    at the end recognizer.safetensors.

    \b
    Examples:
        striate train photos/ --method finetune
        striate train photos/ --method scratch --network resnet18 --time-limit 600
        striate train opinions.tsv --method cnn-non-static --weights glove.txt
        striate train photos/ --task style --painting starry_night.jpg
        striate train digits --epochs 5 --set batch_size=16 --out run
        striate train digits --epochs 5 --set batch_size=16 --resume run
        torchrun --nproc-per-node 4 -m striate train photos/ --out run
    """
    with importing():
        from striate.comparing import data_to_json, learn
        from striate.tasks import opening
        from striate.training import group

    if resume is not None and out not in (None, resume):
        raise UserError(f"--resume {resume} goes on in that folder; leave out --out {out}")
    dataset = opening.open(data, task=task, seed=seed)
    if max_images is not None:
        dataset = dataset.at_most(max_images, seed).learnable(dataset.name)
    known = opening.task_of(dataset, task)
    name = method or known.default
    known.method(name)
    folder = resume or out or Path(f"striate-{plain_name(dataset.name)}-{plain_name(name)}")
    see_writable(folder)
    options = known.own_options("train", own(painting=painting))
    with group.joined(), group.own_folder(folder) as place:
        try:
            outcome = learn(
                dataset, name, task=known.name, seed=seed, network=network,
                weights=weights_of(weights), recipe=recipe, epochs=epochs, seconds=time_limit,
                settings=settings or (), options=options,
                keep_leaks=keep_leaks, folder=place, resume=resume is not None or group.restarted(),
                device=device,
            )  # fmt: skip
        except KeyboardInterrupt:
            if place.is_dir() and not group.rank():
                given = {
                    "task": task, "method": method, "network": network, "weights": weights,
                    "recipe": recipe, "set": settings, "epochs": epochs,
                    "time-limit": time_limit, "max-images": max_images, "resume": folder,
                    "seed": seed, "device": device, **options,
                    "keep-leaks": keep_leaks,
                }  # fmt: skip
                usual = {"weights": "published", "seed": 0, "device": "auto"}
                asked = {option: one for option, one in given.items() if usual.get(option) != one}
                again = command_line("train", data, asked)
                print(f"saved; to go on: {printable(again)}", file=sys.stderr)
            raise
        if group.rank():
            return
    path = folder / "recognizer.safetensors"
    if json:
        files = {"recognizer": str(path), "run": str(folder)}
        about = {"task": known.name, "data": data_to_json(outcome.data.dataset)}
        print_json({**about, **outcome.to_json(), **files})
        return
    _print(outcome)
    print(f"recognizer: {printable(str(path))}")


def _print(outcome: "Outcome") -> None:
    """What was learned and how good it is."""
    task, scores, seconds = outcome.recognizer.task, outcome.scores, duration(outcome.seconds)
    if scores is None:
        value = outcome.learned.validation.get(task.score)
        part, interval = "validation", ""
    else:
        low, high = scores.interval
        value, part = scores.value, "test"
        interval = f" (95 %: {100 * low:.1f} to {100 * high:.1f})"
    print(
        printable(
            f"{outcome.name}: {task.score_title} {percent(value)}{interval} on the {part} "
            f"examples, learned in {seconds}"
        )
    )
    for line in scores.lines() if scores else ():
        print(f"  {printable(line)}")
    for note in outcome.learned.notes:
        print(f"note: {printable(note)}")
    print_doubts(outcome.data.dataset)
