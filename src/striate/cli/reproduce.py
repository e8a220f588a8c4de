"""striate reproduce: published numbers, run again."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.cli.options import Json, Seed, see_writable
from striate.cli.show import print_json, print_table, printable, table
from striate.errors import MissingExtra, StriateError, UnknownName, UserError
from striate.progress import duration

if TYPE_CHECKING:
    from striate.experiments.writing import Finding

HEADS = ("what", "published or by theory", "here", "verdict")


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Experiments; without one, all are listed."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Run all of them, one after another.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="In a fraction of the time; verdicts may suffer.")
    ] = False,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also FILE.html, a page with drawings, or FILE.md, which grows."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Lists what papers and lectures say that can be run again here, or runs some of it.

    The data are looked for in the folder that STRIATE_DATA names.

    \b
    Examples:
        striate reproduce
        striate reproduce gan-one-dimension --out gan.html
        striate reproduce --all --quick --out results.md
    """
    from striate.experiments.table import EXPERIMENTS

    if out is not None:
        see_keepable(out)
    for name in names or ():
        if name not in EXPERIMENTS:
            raise UnknownName("experiment", name, EXPERIMENTS)
    if every and names:
        raise UserError(f"give either --all or the name of an experiment ({names[0]})")
    if not every and not names:
        if out is not None:
            raise UserError(f"--out {out} needs the name of an experiment, or --all")
        if quick:
            raise UserError("--quick needs the name of an experiment, or --all")
        show_list(as_json=json)
        return
    chosen = list(EXPERIMENTS) if every else list(dict.fromkeys(names or ()))
    run(chosen, out, quick=quick, seed=seed, as_json=json)


def see_keepable(out: Path) -> None:
    """Says before the work, and not after, that what is found could not be kept.

    Raises:
        UserError: if it is neither a page nor a document, or a document that is no text.
        StorageError: if it cannot be written.
    """
    from striate.experiments.writing import document

    if out.suffix not in (".html", ".md"):
        raise UserError(f"--out {out}: a page is FILE.html, and a document FILE.md")
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; name a file")
    see_writable(out.parent)
    if out.suffix == ".md":
        document(out)


def show_list(*, as_json: bool) -> None:
    """Every experiment, and which data it lacks on this machine."""
    from striate.experiments.material import lacking
    from striate.experiments.table import EXPERIMENTS

    rows = [
        {
            "name": one.name, "title": one.title, "source": one.source, "needs": list(one.needs),
            "lacks": lacking(one.needs), "quick": one.lasts[0], "whole": one.lasts[1],
        }
        for one in EXPERIMENTS.values()
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    body = [
        (
            str(row["name"]), str(row["title"]), str(row["source"]), str(row["quick"]),
            str(row["whole"]), ", ".join(row["lacks"]),
        )
        for row in rows
    ]  # fmt: skip
    heads = ("name", "what is found", "published in", "quick", "whole", "data not here")
    print_table(table(heads, body))


def run(names: list[str], out: Path | None, *, quick: bool, seed: int, as_json: bool) -> None:
    """Runs them in turn; what fails is told, and the others go on."""
    from striate.experiments.table import EXPERIMENTS
    from striate.experiments.writing import Finding, keep, write_page

    findings: list[Finding] = []
    failed: list[StriateError] = []
    for name in names:
        experiment = EXPERIMENTS[name]
        start = time.perf_counter()
        try:
            result = experiment.lacks() or experiment.run(quick=quick, seed=seed)
        except MissingExtra as error:
            result = experiment.unreachable(str(error))
        except StriateError as error:
            if len(names) == 1:
                raise
            print(printable(f"{name}: {error}"), file=sys.stderr, flush=True)
            failed.append(error)
            continue
        finding = Finding(experiment, result, quick, seed, time.perf_counter() - start)
        findings.append(finding)
        if not as_json:
            show(finding)
        if out is not None and out.suffix == ".md":
            keep([finding], out)
        elif out is not None:
            write_page(findings, out)  # what was found so far
    if as_json:
        print_json([as_values(one, out) for one in findings])
    elif out is not None:
        print(printable(f"{'page' if out.suffix == '.html' else 'document'}: {out}"))
    if failed:
        raise StriateError(f"{len(failed)} of {len(names)} experiments did not run; see above")


def as_values(finding: "Finding", out: Path | None) -> dict[str, Any]:
    """One finding as JSON."""
    return {
        "name": finding.experiment.name, "quick": finding.quick, "seed": finding.seed,
        "seconds": round(finding.seconds, 2), **finding.result.to_json(),
        "page": None if out is None else str(out),
    }  # fmt: skip


def show(finding: "Finding") -> None:
    """One finding as a table."""
    experiment = finding.experiment
    took = duration(finding.seconds)
    print(printable(f"{experiment.name}: {experiment.title} ({experiment.source}), {took}"))
    body = [
        (row.what, row.said, row.ours, row.verdict + (f": {row.why}" if row.why else ""))
        for row in finding.result.rows
    ]
    print_table(table(HEADS, body))
