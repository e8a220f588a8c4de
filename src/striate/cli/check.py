"""striate check: what is wrong with a dataset."""

from pathlib import Path
from typing import Annotated

import typer

from striate.cli.importing import importing
from striate.cli.options import Data, Json, Seed, Task, plain_name, see_writable
from striate.cli.show import print_json, printable


def check(
    data: Data,
    task: Task = None,
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
    """Finds broken files, copies, leaks between splits, odd pictures, wrong labels and boxes.

    A picture that is in the training and in the test split makes a score too good; the same picture
    under two labels is wrong under one of them. Nothing of yours is changed: --fix writes a list of
    what is sound, which every command takes in place of the folder. Of a folder with boxes the
    boxes are checked, too, and every doubtful one is shown in the report.

    \b
    Examples:
        striate check photos/
        striate check photos/ --fix clean.csv
        striate check digits --json
    """
    with importing():
        from striate import checking
        from striate.tasks import opening

    dataset = opening.open(data, task=task, seed=seed)
    page = report or Path(f"striate-{plain_name(dataset.name)}") / "check.html"
    for place in (page, fix):
        if place is not None:
            see_writable(place.parent)
    if fix is not None:
        checking.see_listable(dataset, fix)
    findings = checking.check(dataset, judge=labels)
    kept = checking.write_list(findings, fix) if fix is not None else None
    draw = next((each.marks for each in opening.tasks_for(dataset) if each.marks), None)
    page = checking.write_page(findings, page, draw)
    if json:
        written = {"path": str(fix), "images": kept} if fix is not None else None
        print_json({**checking.to_json(findings), "report": str(page), "list": written})
        return
    for line in checking.summary(findings).splitlines():
        print(printable(line))
    print(f"\nreport:      {printable(str(page))}")
    if fix is not None:
        print(f"list:        {printable(str(fix))}, {kept:,} images")
