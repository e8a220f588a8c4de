"""striate check: what is wrong with a set of images."""

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.options import Data, Json, Seed
from striate.cli.show import print_json, printable
from striate.errors import UserError


def check(
    data: Data,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The HTML page.", show_default="striate-NAME/check.html"),
    ] = None,
    fix: Annotated[
        Path | None,
        typer.Option(metavar="LIST.csv", help="Write a list without copies.", show_default=False),
    ] = None,
    labels: Annotated[
        bool, typer.Option(help="Look for wrong labels, which takes the most time.")
    ] = True,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Finds broken files, copies, leaks between splits, odd pictures and wrong labels.

    A picture that stands in training and in the test makes the score untrue; the same picture under
    two labels is wrong under one. Nothing of yours is changed: --fix writes a list of what is
    sound, which every command takes in place of the folder. Of a folder with boxes (PASCAL VOC or
    COCO) the boxes are looked at too, and every doubtful one is shown.

    \b
    Examples:
        striate check photos/
        striate check photos/ --fix clean.csv
        striate check digits --json
    """
    import striate
    from striate.checking import check as checked
    from striate.checking.boxes import check_boxes
    from striate.checking.cleaning import see_listable
    from striate.cli.options import plain_name, see_writable
    from striate.data import BoxedDataset

    dataset = striate.data.open(data, seed=seed)
    if isinstance(dataset, BoxedDataset) and fix is not None:
        raise UserError(f"--fix {fix}: a list names classes, and has no place for boxes")
    page = report or Path(f"striate-{plain_name(dataset.name)}") / "check.html"
    for place in (page, fix):
        if place is not None:
            see_writable(place.parent)
    if fix is not None:
        see_listable(dataset, fix)
    if isinstance(dataset, BoxedDataset):
        findings = check_boxes(dataset)
    else:
        findings = checked(dataset, judge=labels)
    kept = findings.fix(fix) if fix is not None else None
    page = findings.report(page)
    if json:
        written = {"path": str(fix), "images": kept} if fix is not None else None
        print_json({**findings.to_json(), "report": str(page), "list": written})
        return
    for line in str(findings).splitlines():
        print(printable(line))
    print(f"\nreport:      {printable(str(page))}")
    if fix is not None:
        print(f"list:        {printable(str(fix))}, {kept:,} images")
