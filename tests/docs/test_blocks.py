"""Every block of code of the pages and the README holds.

Python runs: the blocks of a page one after another, in a folder with small data (conftest.py).
Blocks with `>>>` also print what stands there. What needs weights or hours is marked on its page by
a comment, `<!-- not run: REASON -->`; of it imports and calls are seen to fit. Every command is
parsed; those of a block marked `<!-- run -->` run.
"""

import ast
import builtins
import doctest
import inspect
import re
import shlex
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer import Context
from typer.main import get_command

from striate.cli import USAGE, app, run

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "docs" / "commands"
FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^>]*) -->\n+)?(?P<indent> *)```(?P<language>\w*)[^\n]*\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
INDENTED = re.compile(r"^ {4}(?:\$ )?(striate .*)$", re.MULTILINE)
INLINE = re.compile(r"`(striate [^`\n]+)`")
MARKS = ("", "run")
COMMANDS = get_command(app)


@dataclass(frozen=True)
class Block:
    """A fenced block: the comment before it, its language, its text and first line."""

    mark: str
    language: str
    text: str
    line: int


def blocks_of(page: Path) -> list[Block]:
    """In order."""
    text = page.read_text("utf-8")
    return [
        Block(
            found["mark"] or "",
            found["language"],
            inspect.cleandoc(found["text"]) + "\n",
            text.count("\n", 0, found.start("text")) + 1,
        )
        for found in FENCE.finditer(text)
    ]


def pages() -> Iterator[Path]:
    """Those that people wrote."""
    yield ROOT / "README.md"
    yield from (p for p in sorted((ROOT / "docs").rglob("*.md")) if GENERATED not in p.parents)


def named(page: Path) -> str:
    """Of a test."""
    return page.relative_to(ROOT).as_posix()


PAGES = list(pages())
PYTHON = [page for page in PAGES if any(b.language == "python" for b in blocks_of(page))]


@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("desk", "quick", "same_tasks")
@pytest.mark.parametrize("page", PYTHON, ids=named)
def test_python_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("page")  # dataclasses look their module up
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks_of(page):
        if block.language != "python":
            continue
        if block.mark.startswith("not run: "):
            see_calls(ast.parse(block.text))
        elif ">>> " in block.text:
            see_printed(block, page, module.__dict__)
        else:
            code = "\n" * (block.line - 1) + block.text  # so that a fault names the page's line
            exec(compile(code, str(page), "exec"), module.__dict__)


def see_printed(block: Block, page: Path, names: dict[str, Any]) -> None:
    """Runs examples, and sees that they print what stands there."""
    examples = doctest.DocTestParser().get_doctest(
        block.text, names, named(page), str(page), block.line - 1
    )
    told: list[str] = []
    doctest.DocTestRunner().run(examples, out=told.append, clear_globs=False)
    names.update(examples.globs)
    assert not told, "".join(told)


def see_calls(tree: ast.Module) -> None:
    """Sees, without running it, that what is imported is there and takes what it is given."""
    names: dict[str, Any] = dict(vars(builtins))
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            exec(compile(ast.Module([node], []), "page", "exec"), names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (called := found(node.func, names)) is not None:
            inspect.signature(called).bind(
                *node.args, **{each.arg: None for each in node.keywords if each.arg}
            )


def found(node: ast.expr, names: dict[str, Any]) -> Any:
    """What a dotted name stands for; None for what only running would tell."""
    if isinstance(node, ast.Name):
        one = names.get(node.id)
        return None if getattr(builtins, node.id, None) is one else one
    if isinstance(node, ast.Attribute):
        owner = found(node.value, names)
        return owner if owner is None else getattr(owner, node.attr)
    return None


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_are_as_the_pages_write_them(page: Path) -> None:
    whole = {line: refused(line) for line in commands_of(page)}
    spans = {line: refused(line) for line in INLINE.findall(FENCE.sub("", page.read_text("utf-8")))}
    partly = {line: reason for line, reason in spans.items() if not reason.startswith("Missing")}
    assert not {line: reason for line, reason in {**partly, **whole}.items() if reason}


def commands_of(page: Path) -> Iterator[str]:
    """Each line that a person would type, without what follows a pipe."""
    for block in blocks_of(page):
        if block.language in ("", "console", "sh", "bash"):
            joined = block.text.replace("\\\n", " ")
            yield from re.findall(r"^(?:\$ )?(striate .*)$", joined, re.MULTILINE)
    yield from INDENTED.findall(FENCE.sub("", page.read_text("utf-8")))


def words_of(line: str) -> list[str]:
    """Of a command, after `striate`.

    >>> words_of("striate models vgg16 --json | head  # a pipe")
    ['models', 'vgg16', '--json']
    """
    words = shlex.split(line.replace("...", " "), comments=True)[1:]
    ends = [k for k, word in enumerate(words) if word in ("|", ">", "&&", ";")]
    return words[: ends[0]] if ends else words


def refused(line: str) -> str:
    """Why the command line does not take it; "" where it does."""
    try:
        group, words = COMMANDS, words_of(line)
        context = Context(group, info_name="striate")
        while hasattr(group, "commands"):
            if not words or words == ["--help"] or words == ["--version"]:
                return ""
            name, group, words = group.resolve_command(context, words)
            context = Context(group, info_name=name, parent=context)
        if "--help" not in words:
            group.make_context(name, list(words))
    except Exception as error:
        if USAGE not in type(error).__mro__:
            raise
        return error.format_message()
    return ""


RUN = [page for page in PAGES if any(block.mark == "run" for block in blocks_of(page))]


@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("desk", "quick")
@pytest.mark.parametrize("page", RUN, ids=named)
def test_commands_that_are_quick_run(page: Path) -> None:
    for block in blocks_of(page):
        if block.mark == "run":
            for line in re.findall(r"^(?:\$ )?(striate .*)$", block.text, re.MULTILINE):
                assert run(words_of(line)) == 0, line


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_examples_and_marks_are_where_they_are_seen(page: Path) -> None:
    assert ">>> " not in FENCE.sub("", page.read_text("utf-8"))
    marks = [block.mark for block in blocks_of(page)]
    assert not [mark for mark in marks if mark not in MARKS and len(mark) < len("not run: ") + 8]
