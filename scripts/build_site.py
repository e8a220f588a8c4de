"""Builds the site into build/site: `python scripts/build_site.py`; 1 where anything is wrong.

First what is not kept: a page for each command from its `--help` (docs/commands/), and the page
that reads digits, as the service has it (docs/live/). Then Zensical builds strictly, and
`check_site.py` looks at what it cannot see. Pages of the lecture take in their experiments with
what docs/results.md keeps of them, which is written to build/lecture/.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile, copytree, rmtree
from typing import Any

from typer import Context
from typer.main import get_command

from striate.cli import app
from striate.experiments import EXPERIMENTS

ROOT = Path(__file__).parents[1]
COMMANDS = ROOT / "docs" / "commands"
LIVE = ROOT / "docs" / "live"
RESULTS = ROOT / "docs" / "results.md"
LECTURE = ROOT / "build" / "lecture"
PARTS = {  # experiments by the page of the lecture that shows them; all others are of every task
    "designed_features": ("handmade-filters", "kernels", "visual-words"),
    "blocks": ("keras-programs", "modules", "initialization"),
    "networks": ("counting", "lenet-mnist", "layers-out"),
    "learning": (
        "approaches-small", "approaches-medium", "approaches-shifted", "few-images", "evaluation",
        "dbn",
    ),
}  # fmt: skip
PAGE = ROOT / "src" / "striate" / "serving" / "page"


def command_pages() -> dict[str, str]:
    """Markdown by the name of a page: one a command, and `index`, which lists them; that of the
    command of this name is `index_`."""
    group = get_command(app)
    pages = dict(command_page(group, "striate"))
    files = {name: "index_" if name == "index" else name for name in pages}
    lines = [
        f"| [`striate {name}`]({files[name]}.md) | {first_line(text)} |"
        for name, text in pages.items()
    ]
    index = ["# The commands", "", *INTRODUCTION, "", "| command | what it does |", "|---|---|"]
    written = {files[name]: text for name, text in pages.items()}
    return {"index": "\n".join([*index, *lines, ""]), **written}


INTRODUCTION = (
    "Results go to stdout, everything else to stderr. Exit codes: 0 done; 1 it did not work; 2 a",
    "mistake that you can mend; 130 stopped. `striate COMMAND --help` prints what stands here.",
)


def command_page(group: Any, path: str) -> Iterator[tuple[str, str]]:
    """A page for each command of a group, those of its groups with their parent."""
    for name, command in getattr(group, "commands", {}).items():
        parts = [help_of(command, f"{path} {name}", 1)]
        for inner, each in getattr(command, "commands", {}).items():
            parts.append(help_of(each, f"{path} {name} {inner}", 2))
        yield name, "\n".join(parts)


def help_of(command: Any, path: str, level: int) -> str:
    """The help of a command as Markdown: its text, its arguments and options as tables."""
    context = Context(command, info_name=path)
    lines = [f"{'#' * level} `{path}`", ""]
    for paragraph in (command.help or "").split("\n\n"):
        text = paragraph.removeprefix("\b\n")
        block = text.partition("\n")
        if block[0] in ("Example:", "Examples:"):
            code = [line.strip() for line in block[2].split("\n")]
            lines += [block[0], "", "```console", *(f"$ {line}" for line in code), "```", ""]
        else:
            lines += [escaped(text), ""]
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines += ["```", usage, "```", ""]
    for title, kind in (("Argument", "argument"), ("Option", "option")):
        records = [
            record
            for parameter in command.get_params(context)
            if parameter.param_type_name == kind and (record := parameter.get_help_record(context))
        ]
        if records:
            lines += [f"| {title} | |", "|---|---|"]
            lines += [f"| `{' '.join(name.split())}` | {cell(text)} |" for name, text in records]
            lines += [""]
    return "\n".join(lines)


def first_line(page: str) -> str:
    """The first sentence of a page."""
    sentence = " ".join(page.split("\n\n")[1].split()).split(". ")[0]
    return sentence.rstrip(".") + "."


def escaped(text: str) -> str:
    """Text of a terminal as Markdown: what would be markup there is none here."""
    parts = text.split("`")
    for place in range(0, len(parts), 2):
        for mark in "\\*_<>[]#":
            parts[place] = parts[place].replace(mark, f"\\{mark}" if mark not in "<>" else mark)
        parts[place] = parts[place].replace("<", "&lt;").replace(">", "&gt;")
    return "`".join(parts)


def cell(text: str) -> str:
    """Text within a table; bars within code part no cells and stay as they are."""
    parts = " ".join(escaped(text).split()).split("`")
    return "`".join(part if k % 2 else part.replace("|", "\\|") for k, part in enumerate(parts))


def write_commands(folder: Path = COMMANDS) -> None:
    """Writes the pages of commands anew, where they have changed."""
    folder.mkdir(exist_ok=True)
    pages = command_pages()
    for old in folder.glob("*.md"):
        if old.stem not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def write_live(folder: Path = LIVE) -> None:
    """The page that reads digits, without the links of the service above it."""
    rmtree(folder, ignore_errors=True)
    copytree(PAGE / "digits", folder / "digits")
    for name in ("base.css", "digits.css", "icon.svg"):
        copyfile(PAGE / name, folder / name)
    page = (PAGE / "digits.html").read_text("utf-8")
    page = re.sub(r"<header.*?</header>\n", "", page, flags=re.DOTALL)
    (folder / "digits.html").write_text(page, encoding="utf-8")


def write_lecture(folder: Path = LECTURE, results: Path = RESULTS) -> None:
    """What each page of the lecture shows of its experiments."""
    folder.mkdir(parents=True, exist_ok=True)
    placed = {name for names in PARTS.values() for name in names}
    rest = tuple(name for name in EXPERIMENTS if name not in placed)
    kept = sections_of(results.read_text("utf-8"))
    for part, names in {**PARTS, "every_task": rest}.items():
        text = "\n\n".join(shown(name, kept.get(name)) for name in names if name in EXPERIMENTS)
        (folder / f"{part}.md").write_text(text + "\n", encoding="utf-8")


def sections_of(text: str) -> dict[str, str]:
    """The sections of a document by their headings of the second level.

    >>> sections_of("# R\\n\\n## a\\n\\n1\\n\\n## b\\n\\n2")
    {'a': '1', 'b': '2'}
    """
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}


def shown(name: str, kept: str | None) -> str:
    """An experiment on a page of the lecture: what is kept of it, or how it is run."""
    title = f"### `striate reproduce {name}`"
    if kept is None:
        about = EXPERIMENTS[name]
        return f"{title}\n\n**{about.title}** ({about.source})\n\nNo long run of it is kept yet."
    return f"{title}\n\n" + kept.replace("](results/", "](../results/")


if __name__ == "__main__":
    write_commands()
    write_live()
    write_lecture()
    build = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    check = [sys.executable, str(ROOT / "scripts" / "check_site.py")]
    done = all(subprocess.run(command, cwd=ROOT).returncode == 0 for command in (build, check))
    sys.exit(not done)
