"""striate index: a folder of pictures that can be searched by picture."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from striate.cli.importing import importing
from striate.cli.options import BatchSize, Device, Json, plain_name, see_writable
from striate.cli.show import print_json, printable
from striate.errors import InputError, UserError

if TYPE_CHECKING:
    from striate.retrieval import Ask

DEFAULT = "gem"


def index(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FOLDER...", help="Folders, files or patterns (*.jpg).", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A recognizer of pictures (.safetensors), or the name of a network with published "
            "weights. For a new index.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "--into",
            metavar="INDEX",
            help="The index, new or to be added to.",
            show_default="FOLDER.index",
        ),
    ] = None,
    pool: Annotated[
        Literal["mean", "max", "gem", "rmac"] | None,
        typer.Option(
            help="What is made of feature maps: means, maxima, generalized means, or maxima over "
            "regions.",
            show_default=DEFAULT,
        ),
    ] = None,
    p: Annotated[
        float | None,
        typer.Option("--p", min=0.1, max=100, help="--pool gem: its exponent.", show_default="3"),
    ] = None,
    levels: Annotated[
        int | None,
        typer.Option(min=1, max=8, help="--pool rmac: sizes of regions.", show_default="3"),
    ] = None,
    layer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose maps.", show_default="the last ones")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=16,
            max=4096,
            help="Pixels a side that pictures are brought to.",
            show_default="the network's",
        ),
    ] = None,
    whiten: Annotated[
        float | None,
        typer.Option(
            metavar="0..1",
            min=0,
            max=1,
            help="How far principal components are made alike: 1 as R-MAC and GeM, 0 not at all.",
            show_default="0.5",
        ),
    ] = None,
    no_whitening: Annotated[
        bool, typer.Option("--no-whitening", help="Leave the vectors as they are.")
    ] = False,
    dimensions: Annotated[
        int | None,
        typer.Option(
            min=1, help="Principal components that are kept.", show_default="by the pictures"
        ),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Take a picture out; may be given several times."),
    ] = None,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="Take out pictures whose files are gone.")
    ] = False,
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate", help="Also make what striate search --approximate needs (faiss)."
        ),
    ] = False,
    batch_size: BatchSize = 32,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Describes pictures by deep features, for striate search.

    The same command again adds what is new, describes anew what has changed, and goes on after it
    was stopped. A picture that cannot be read is named with its reason, and the others go on.

    \b
    Examples:
        striate index photos/ --model efficientnet_lite0
        striate index buildings/ --model efficientnet_lite0 --pool rmac --whiten 1 --size 448
        striate index holiday/ --into photos.index
        striate index --into photos.index --remove cats/3.jpg --remove-missing
    """
    with importing():
        from striate import retrieval

    if out is None:
        if not places:
            raise UserError("give a FOLDER to index, or with --into an index to change")
        out = Path(f"{plain_name(places[0])}.index")
    see_writable(out)
    given = {
        "pool": pool, "p": p, "levels": levels, "layer": layer, "size": size, "whiten": whiten,
        "dimensions": dimensions, "no-whitening": no_whitening or None,
    }  # fmt: skip
    removed: list[str] = []
    if remove or remove_missing:
        removed = retrieval.remove(out, remove or (), missing=remove_missing)
    if not places:
        if not (remove or remove_missing or approximate):
            raise UserError(f"give a FOLDER to add to {out}, or --remove NAME")
        if approximate:
            make_approximate(out)
        report(out, {"removed": len(removed)}, json=json)
        return
    unread = 0

    def broken(name: str, error: InputError) -> None:
        nonlocal unread
        unread += 1
        if json:
            print_json({"path": name, "error": str(error)})
        else:
            print(printable(f"{name}: {error}"), file=sys.stderr)

    ask = wanted(model, {name: one for name, one in given.items() if one is not None})
    built = retrieval.build(places, out, ask, broken=broken, batch_size=batch_size, device=device)
    for note in built.notes:
        print(printable(f"note: {note}"), file=sys.stderr)
    if approximate:
        make_approximate(out)
    counts = {"added": built.added, "changed": built.changed, "left_out": built.broken}
    report(out, {**counts, "removed": len(removed)}, json=json)


def make_approximate(out: Path) -> None:
    """The approximate index, with what it finds."""
    from striate.retrieval import build_approximate

    made = build_approximate(out)
    print(
        f"approximate: {made.probes:,} of {made.lists:,} lists find {100 * made.recall:.1f} % of "
        "the ten nearest",
        file=sys.stderr,
    )


def wanted(model: str | None, given: dict[str, Any]) -> "Ask | None":
    """What is asked of a new index; None where nothing is said.

    Raises:
        UserError: if options do not go together.
    """
    from striate.retrieval import Aggregation, Ask, Description

    if model is None:
        if given:
            raise UserError(f"--{next(iter(given))} is for a new index; give --model too")
        return None
    kind = given.get("pool", DEFAULT)
    for option, of in (("p", "gem"), ("levels", "rmac")):
        if option in given and kind != of:
            raise UserError(f"--{option} is for --pool {of}")
    for option in ("whiten", "dimensions"):
        if option in given and "no-whitening" in given:
            raise UserError(f"--{option} does not go with --no-whitening")
    more = {name: given[name] for name in ("p", "levels") if name in given}
    aggregation = Aggregation(kind, **more)
    description = Description(given.get("layer"), given.get("size"), aggregation)
    whiten = None if "no-whitening" in given else given.get("whiten", 0.5)
    return Ask(model, description, whiten, given.get("dimensions"))


def report(out: Path, counts: dict[str, int], *, json: bool) -> None:
    """How many pictures there are now, and what was done."""
    from striate.retrieval import Index

    found = Index(out)
    about = {"index": str(out), "pictures": len(found), "dimensions": found.header.dimensions}
    if json:
        print_json({**about, **counts})
        return
    done = ", ".join(f"{n:,} {what.replace('_', ' ')}" for what, n in counts.items() if n)
    print(
        printable(
            f"{out}: {len(found):,} pictures of {found.header.dimensions:,} numbers"
            f"{f' ({done})' if done else ' (nothing has changed)'}"
        )
    )
