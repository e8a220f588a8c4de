"""What experiments found, to be kept: a page, or a document in Markdown that grows."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from striate import pages
from striate.errors import UserError
from striate.experiments.drawing import drawing, sheet
from striate.experiments.result import Experiment, Result
from striate.files import read_bytes, writing
from striate.pages.markdown import plain
from striate.progress import duration

LONGEST = 4 << 20  # bytes of a document that is added to
ABOUT = "What papers and lectures say, what was found here, and where the two differ."


@dataclass(frozen=True, eq=False)
class Finding:
    """One experiment and what it found.

    Attributes:
        seconds: that it took.
    """

    experiment: Experiment
    result: Result
    quick: bool
    seed: int
    seconds: float

    @property
    def command(self) -> str:
        """That finds it again."""
        words = ["striate reproduce", self.experiment.name]
        words += ["--quick"] * self.quick + [f"--seed {self.seed}"] * (self.seed != 0)
        return " ".join(words)

    @property
    def made(self) -> str:
        """When, where, from which seed, in how long."""
        return (
            f"{date.today().isoformat()}, {machine()}, seed {self.seed}, {duration(self.seconds)}"
        )


def machine() -> str:
    """The processor, the number of cores that may be used, and torch.

    >>> " core" in machine()
    True
    """
    import psutil
    import torch

    cores = len(psutil.Process().cpu_affinity() or ()) or psutil.cpu_count() or 1
    name = next(
        (
            line.partition(":")[2].strip()
            for line in _lines(Path("/proc/cpuinfo"))
            if line.startswith("model name")
        ),
        platform.processor() or platform.machine(),
    )
    return f"{cores} {'core' if cores == 1 else 'cores'} of {name}, torch {torch.__version__}"


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []


def write_page(findings: Sequence[Finding], path: Path) -> Path:
    """All tables and drawings as one page; returns its path.

    Raises:
        StorageError: if it cannot be written.
    """
    title = findings[0].experiment.title if len(findings) == 1 else "The experiments, run again"
    shown = [
        {
            "experiment": one.experiment, "result": one.result,
            "made": f"{one.made}: {one.command}",
            "panels": [drawing(panel) for panel in one.result.panels],
        }
        for one in findings
    ]  # fmt: skip
    values = {"title": title, "about": ABOUT, "findings": shown}
    return pages.write_page("striate.experiments", "page.html.jinja", values, path)


def keep(findings: Sequence[Finding], path: Path) -> Path:
    """Tables as sections of a document in Markdown, and drawings in a folder beside it that has
    its name; returns the document's path.

    A section of an experiment that is there already, between the comments that mark its begin and
    end, gives place to the new one; what else stands in the document stays.

    Raises:
        UserError: if what lies there is no text.
        StorageError: if it cannot be written.
    """
    text = document(path).rstrip() or f"# Results\n\n{ABOUT}"
    end = "\r\n" if "\r\n" in text else "\n"
    for one in findings:
        new = section(one, path).replace("\n", end)
        text = replaced(text, one.experiment.name, new, end)
    with writing(path) as temporary:
        temporary.write_bytes((text + end).encode())
    return path


def document(path: Path) -> str:
    """What stands in a document that is to grow; "" where there is none.

    Raises:
        UserError: if what lies there is no text, or too much.
    """
    if not path.exists():
        return ""
    found = read_bytes(path, limit=LONGEST)
    try:
        if b"\0" in found:
            raise ValueError("a zero byte")
        return found.decode()
    except ValueError as error:
        raise UserError(f"{path} is no text to add to") from error


def marks(name: str) -> tuple[str, str]:
    """Comments around the section of an experiment, which no page shows."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def replaced(text: str, name: str, new: str, end: str = "\n") -> str:
    """A document with a new section between the marks of a name, where they stand or at the end.

    >>> old = "# R\\n\\n<!-- a: begin -->\\n## a\\n\\n1\\n<!-- a: end -->\\n\\nmine"
    >>> replaced(old, "a", "## a\\n\\n2") == old.replace("1", "2")
    True
    """
    begin, stop = marks(name)
    marked = end.join((begin, new, stop))
    start = text.find(begin)
    last = text.find(stop, start)
    if start < 0 or last < 0:
        return f"{text.rstrip()}{end}{end}{marked}"
    return text[:start] + marked + text[last + len(stop) :]


def section(one: Finding, path: Path) -> str:
    """One experiment in Markdown; its drawings are written beside the document at `path`."""
    name = one.experiment.name
    parts = [f"## {name}", f"**{one.experiment.title}** ({one.experiment.source})"]
    if one.result.panels:
        picture = path.with_suffix("") / f"{name}.svg"
        with writing(picture) as temporary:
            temporary.write_text(sheet(one.result.panels), encoding="utf-8")
        parts.append(f"![{plain(one.experiment.title)}]({path.stem}/{name}.svg)")
    rows = [
        (row.what, row.said, row.ours, row.verdict + (f": {row.why}" if row.why else ""))
        for row in one.result.rows
    ]
    lines = ["| what | published or by theory | here | verdict |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(map(plain, row)) + " |" for row in rows]
    parts.append("\n".join(lines))
    parts.append(f"{plain(one.made)}: `{one.command}`")
    return "\n\n".join(parts)
