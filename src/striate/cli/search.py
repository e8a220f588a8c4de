"""striate search: what in an index is like a picture."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from striate.cli.importing import importing
from striate.cli.options import Alpha, BatchSize, Device, Expand, Json, expansion_of, see_writable
from striate.cli.show import print_json, printable
from striate.errors import UserError


def search(
    index: Annotated[
        Path,
        typer.Argument(metavar="INDEX", help="What striate index made.", show_default=False),
    ],
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE...", help="Pictures, folders or patterns (*.jpg).", show_default=False
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=10_000, help="How many to find for each.")] = 10,
    expand: Expand = None,
    alpha: Alpha = None,
    approximate: Annotated[
        bool,
        typer.Option(
            "--approximate", help="Skip what is unlikely (made by striate index --approximate)."
        ),
    ] = False,
    duplicates: Annotated[
        float | None,
        typer.Option(
            metavar="COSINE",
            min=-1,
            max=1,
            help="Instead: pairs of the index that are so much alike, as in 0.95.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Where the network's file is now.", show_default="as indexed"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Also a page with the pictures."),
    ] = None,
    batch_size: BatchSize = 32,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Finds the pictures of an index that are most like others, by the cosine of their features.

    \b
    Examples:
        striate search photos.index cat.jpg
        striate search photos.index cat.jpg dog.jpg --top 20 --out found.html
        striate search photos.index cat.jpg --expand 5 --json
        striate search photos.index --duplicates 0.95
    """
    with importing():
        from striate.images import SUFFIXES
        from striate.inference.walking import files_of
        from striate.progress import track
        from striate.retrieval import Index, Searcher, write_results

    expansion = expansion_of(expand, alpha)
    if duplicates is not None:
        if images or out is not None:
            raise UserError("--duplicates is of the index alone; leave out IMAGE and --out")
        print_pairs(index, duplicates, json=json)
        return
    if not images:
        raise UserError(f"give an IMAGE to search for: striate search {index} cat.jpg")
    if out is not None:
        see_writable(out.parent)
    searcher = Searcher(
        Index(index), model=model, expansion=expansion, approximate=approximate, device=device
    )
    given = files_of(images, SUFFIXES)
    found = searcher.search(given.items, top=top, batch_size=batch_size)
    kept, read, total = [], 0, 0
    for hits in track(found, "search", given.count):
        total += 1
        read += hits.error is None
        if out is not None:
            kept.append(hits)
        if json:
            print_json(hits.to_json())
        elif hits.error is not None:
            print(printable(f"{hits.name}: {hits.error}"), file=sys.stderr)
        else:
            print(printable(hits.name))
            for hit in hits.found:
                print(printable(f"  {hit.score:.3f}  {hit.name}"))
    if out is not None:
        write_results(searcher.index, kept, out)
        print(printable(f"page: {out}"), file=sys.stderr)
    if read < total:
        print(f"{total - read} of {total} could not be read", file=sys.stderr)
    if not read:
        raise typer.Exit(2)


def print_pairs(index: Path, cosine: float, *, json: bool) -> None:
    """Pairs of pictures that are nearly the same, as they are found."""
    from striate.retrieval import Index, duplicates

    for pair in duplicates(Index(index), cosine):
        if json:
            print_json(pair._asdict())
        else:
            print(printable(f"{pair.score:.3f}  {pair.first}  {pair.second}"))
