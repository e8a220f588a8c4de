"""striate explain: why a network answers as it does."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.importing import importing
from striate.cli.options import Device, Json, Trained
from striate.cli.show import percent, print_json, printable
from striate.errors import UnknownName, UserError

if TYPE_CHECKING:
    from striate.recognizer import Recognizer
    from striate.visualize.explaining import Question

MANY = 9  # values of a list that are printed


def explain(
    model: Trained,
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGE]...",
            help="A picture, or several, one below the other; for deconvnet also a folder, whose "
            "strongest patches are found. Filters need none. Of texts: a file, - for standard "
            "input, or a set for ngrams.",
        ),
    ] = None,
    class_name: Annotated[
        str,
        typer.Option(
            "--class", metavar="NAME", help="The class to ask about.", show_default="the predicted"
        ),
    ] = "",
    method: Annotated[
        str,
        typer.Option(
            help="occlusion, deconvnet, activations, filters, saliency, guided, gradcam, "
            "integrated or regions (WELDON); of texts occlusion, ngrams or neighbors; of sentences "
            "that are given occlusion or attention."
        ),
    ] = "occlusion",
    layer: Annotated[
        str,
        typer.Option(metavar="NAME", help="A layer of the network (striate models lists them)."),
    ] = "",
    at: Annotated[
        str,
        typer.Option(
            metavar="X,Y",
            help="A pixel of the picture to ask about, or a part: LEFT,TOP,RIGHT,BOTTOM; for "
            "answers that are about pixels.",
        ),
    ] = "",
    question: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What is asked about the picture, where that is learned."
        ),
    ] = None,
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate", help="occlusion: compute 2 to 5 places of 7, and estimate the error."
        ),
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The picture to write.")] = Path(
        "explained.png"
    ),
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Shows why a network answers as it does: which parts of a picture matter, what layers give.

    occlusion hides each part of the image in turn. deconvnet sends feature maps back to the
    pixels. gradcam, saliency, guided and integrated follow the gradient. activations and filters
    show a layer as it is, regions the maps of WELDON.

    \b
    Examples:
        striate explain photos.safetensors cat.jpg --out why.png
        striate explain photos.safetensors cat.jpg --approximate
        striate explain photos.safetensors cat.jpg dog.jpg tiger.jpg
        striate explain streets.safetensors drive.jpg --at 120,80
        striate explain streets.safetensors drive.jpg --class car
        striate explain rooms.safetensors kitchen.jpg --question "what is on the table?"
        striate explain efficientnet_lite0 dog.jpg --method gradcam --class beagle
        striate explain efficientnet_lite0 holiday/ --method deconvnet --layer stage3
        striate explain efficientnet_lite0 --method filters --layer stem
        echo "not so good" | striate explain opinions.safetensors -
        striate explain calls.safetensors call.wav --out why.png
    """
    with importing():
        from striate import recognizer
        from striate.visualize import explaining, save
        from striate.visualize.drawing import format_of

    format_of(out)  # before any work
    images = images or []
    image = images[0] if images else ""
    found = recognizer.named(model, device=device)
    options = {} if question is None else {"question": question}
    found.task.own_options("explain", options)
    found = replace(found, predictor=found.task.answering(found.predictor, options))
    if own := found.task.explanations:
        found.task.no_place(place_of(at))
        no_options(found, layer, approximate=approximate)
        one(found, images)
        _tell(found, own, method, image, class_name, json=json)
        return
    answer = found.task.explanation(
        found.predictor, found.names, image, class_name or None, method, place_of(at)
    )
    if answer is None:
        explaining.check(method, image, approximate=approximate)
        answer = explaining.explain(asked(found, method, images, class_name, layer, approximate))
    else:
        no_options(found, layer, approximate=approximate)
        one(found, images)
    save(out, answer.page)
    for reason in answer.broken:
        print(printable(reason), file=sys.stderr)
    if json:
        asked_of = images if len(images) > 1 else image or None
        about = {"model": model, "image": asked_of, "method": method}
        print_json({**about, **answer.facts, "out": str(out)})
        return
    for each in answer.facts.get("pictures", []):
        print(printable(f"{method}: {in_words(each)}"))
    if "pictures" in answer.facts:
        print(printable(f"see {out}"))
    else:
        print(printable(f"{method}: {in_words(answer.facts)}; see {out}"))


def in_words(facts: Mapping[str, Any]) -> str:
    """Findings in one line."""
    return ", ".join(f"{name} {words(value)}" for name, value in facts.items() if value is not None)


def asked(
    found: "Recognizer",
    method: str,
    images: list[str],
    class_name: str,
    layer: str,
    approximate: bool,
) -> "Question":
    """What is asked of a network that reads pictures."""
    from striate.inference.walking import walk
    from striate.visualize.explaining import Question
    from striate.visualize.inside import Inside

    network = Inside(*found.predictor.inside(), found.names, found.predictor.probabilities)
    image = images[0] if images else ""
    several = images if len(images) > 1 else []
    if method == "deconvnet" and any(Path(each).is_dir() for each in images):
        several = list(walk(images, found.task.suffixes))
        if not several:
            raise UserError(f"no pictures in {', '.join(images)}")
    return Question(network, method, image, several, class_name, layer or None, approximate)


def one(found: "Recognizer", images: list[str]) -> None:
    """Refuses several inputs where only one is explained.

    Raises:
        UserError: if there are several.
    """
    if len(images) > 1:
        raise UserError(f"{found.task.name} is explained one input at a time, not {len(images)}")


def no_options(found: "Recognizer", layer: str, *, approximate: bool) -> None:
    """Refuses what only a network of labels can be asked.

    Raises:
        UserError: if it is asked.
    """
    for option, given in (("--layer", bool(layer)), ("--approximate", approximate)):
        if given:
            raise UserError(f"{option}: {found.task.name} has no such option; leave it out")


def _tell(
    found: "Recognizer", own: Mapping[str, Any], method: str, place: str, class_name: str,
    *, json: bool,
) -> None:  # fmt: skip
    """Prints an explanation in words."""
    if method not in own:
        raise UnknownName("method", method, own)
    told = own[method](found.predictor, found.names, place, class_name)
    if json:
        print_json({"method": method, "input": place or None, **told.facts})
        return
    for line in told.lines:
        print(printable(line))


def place_of(at: str) -> tuple[float, ...]:
    """The numbers of --at.

    >>> place_of("12,7.5"), place_of("")
    ((12.0, 7.5), ())

    Raises:
        UserError: if they are none.
    """
    try:
        numbers = tuple(float(part) for part in at.split(",")) if at else ()
    except ValueError:
        numbers = (float("nan"),)
    if any(number != number for number in numbers):
        raise UserError(f"--at {at!r} is not X,Y or LEFT,TOP,RIGHT,BOTTOM, in pixels")
    return numbers


def words(value: Any) -> str:
    """A finding in words.

    >>> words(0.25), words(12.345), words([0.6, 2])  # several numbers are places or times
    ('25.0 %', '12.3', '0.6 2')
    """
    if isinstance(value, float) and 0 <= value <= 1:
        return percent(value)
    several = value[:MANY] if isinstance(value, list) else [value]
    return " ".join(f"{one:.3g}" if isinstance(one, float) else str(one) for one in several)
