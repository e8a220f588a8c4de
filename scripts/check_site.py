"""What is wrong with the built site: `python scripts/check_site.py [FOLDER]`.

Zensical's strict mode sees links between pages, their anchors and symbols that do not exist. It
does not see pictures, raw HTML, links to files and what a page would fetch from elsewhere; and it
cannot know which names are public. That is what is looked at here.
"""

import ast
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "site"
SOURCE = ROOT / "src" / "striate"
PRIVATE = {"striate.cli"}  # the commands have pages of their own
LINKS = {
    "a": "href",
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
}
FETCHED = {"img", "script", "iframe", "source"}  # and a stylesheet
CSS = re.compile(r"@import\s|url\(\s*['\"]?(?:https?:)?//")


class Page(HTMLParser):
    """The anchors of a page, and each link of it with the tag that has it."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if LINKS.get(tag) in found:
            sheet = tag == "link" and "stylesheet" in found.get("rel", "")
            self.links.append(("sheet" if sheet else tag, found[LINKS[tag]]))


def dead_links(site: Path = SITE) -> Iterator[str]:
    """Each link to a file or anchor that is not there, and each thing that is fetched from
    elsewhere."""
    pages = {file: Page(file.read_text("utf-8")) for file in sorted(site.rglob("*.html"))}
    for file, page in pages.items():
        name = file.relative_to(site).as_posix()
        for tag, link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if parts.scheme != "data" and tag in {*FETCHED, "sheet"}:
                    yield f"{name}: {tag} is fetched from elsewhere: {link}"
                continue
            path, fragment = unquote(parts.path), unquote(parts.fragment)
            place = site / path.lstrip("/") if path.startswith("/") else file.parent / path
            target = (file if not path else place).resolve()
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                yield f"{name}: {link} is not there"
            elif parts.fragment and target in pages and fragment not in pages[target].anchors:
                yield f"{name}: {link} has no such anchor"
    for file in sorted(site.rglob("*.css")):
        if found := CSS.search(file.read_text("utf-8")):
            yield f"{file.relative_to(site).as_posix()}: {found[0]} is fetched from elsewhere"


def public_names(source: Path = SOURCE) -> list[str]:
    """Every name of an `__all__` with its package, `striate.data.Dataset`; read without importing.

    A package without one has modules for names.
    """
    names = []
    for file in sorted([source / "__init__.py", *source.glob("*/__init__.py")]):
        package = ".".join(("striate", *file.parent.relative_to(source).parts))
        if package in PRIVATE:
            continue
        names.append(package)
        names += [f"{package}.{name}" for name in exported(file)]
    return names


def exported(file: Path) -> list[str]:
    """What a module's `__all__` lists; its public modules where it has none."""
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return sorted(each.stem for each in file.parent.glob("[!_]*.py"))


def missing_names(site: Path = SITE) -> list[str]:
    """Public names without an entry in the reference."""
    anchors = {
        anchor
        for file in (site / "reference").rglob("*.html")
        for anchor in Page(file.read_text("utf-8")).anchors
    }
    return [name for name in public_names() if name not in anchors]


def faults(site: Path = SITE) -> list[str]:
    """All that is wrong, a line each."""
    missing = [f"{name} has no entry in the reference" for name in missing_names(site)]
    return [*dead_links(site), *missing]


if __name__ == "__main__":
    found = faults(*map(Path, sys.argv[1:]))
    print("\n".join(found), file=sys.stderr)
    sys.exit(bool(found))
