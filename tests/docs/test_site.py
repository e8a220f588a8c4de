"""What the site is held to: each kind of fault is found in a small one."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    """A module of scripts/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check_site, build_site = script("check_site"), script("build_site")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "more").mkdir()
    (tmp_path / "index.html").write_text('<h1 id="top">Start</h1><a href="more/#there">more</a>')
    (tmp_path / "more" / "index.html").write_text('<p id="there"><a href="..#top">back</a></p>')
    return tmp_path


def test_a_sound_site(site: Path) -> None:
    assert list(check_site.dead_links(site)) == []


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="gone/">', "index.html: gone/ is not there"),
        ('<a href="more/#gone">', "index.html: more/#gone has no such anchor"),
        ('<a href="#gone">', "index.html: #gone has no such anchor"),
        ('<img src="cat.png">', "index.html: cat.png is not there"),
        (
            '<script src="https://example.org/a.js"></script>',
            "index.html: script is fetched from elsewhere: https://example.org/a.js",
        ),
        (
            '<link rel="stylesheet" href="//example.org/a.css">',
            "index.html: sheet is fetched from elsewhere: //example.org/a.css",
        ),
    ],
)
def test_each_fault_is_found(site: Path, html: str, fault: str) -> None:
    (site / "index.html").write_text(html)
    (site / "more" / "index.html").write_text('<p id="there">')
    assert list(check_site.dead_links(site)) == [fault]


def test_links_of_people_may_lead_elsewhere(site: Path) -> None:
    (site / "index.html").write_text('<a href="https://example.org/">there</a><p id="top">')
    assert list(check_site.dead_links(site)) == []


def test_fonts_from_elsewhere_are_found(site: Path) -> None:
    (site / "a.css").write_text("@font-face { src: url('https://example.org/a.woff2') }")
    assert len(list(check_site.dead_links(site))) == 1


def test_a_public_name_without_an_entry_is_found(site: Path) -> None:
    names = check_site.public_names()
    assert len(names) > 300
    assert {"striate.open", "striate.data.Dataset", "striate.ops.boxes"} <= set(names)
    (site / "reference").mkdir()
    anchors = "".join(f'<h2 id="{name}"></h2>' for name in names if name != "striate.open")
    (site / "reference" / "index.html").write_text(anchors)
    assert check_site.missing_names(site) == ["striate.open"]


def test_every_command_and_option_has_its_line() -> None:
    pages = build_site.command_pages()
    assert "`--time-limit SECONDS`" in pages["train"]
    assert "or a list, with their words." in pages["train"]
    assert "| `--weights NAME|FILE|none` | What" in pages["train"]
    assert "$ striate compare digits --seeds 1" in pages["compare"]
    assert "## `striate keys revoke`" in pages["keys"]


def test_the_page_of_digits_stands_by_itself(tmp_path: Path) -> None:
    build_site.write_live(tmp_path / "live")
    assert 'href="/' not in (tmp_path / "live" / "digits.html").read_text("utf-8")
    assert list(check_site.dead_links(tmp_path)) == []


def test_the_lecture_shows_what_is_kept(tmp_path: Path) -> None:
    results = tmp_path / "results.md"
    results.write_text("# Results\n\n## counting\n\n![](results/counting.svg)\n\n| a |\n")
    build_site.write_lecture(tmp_path / "lecture", results)
    networks = (tmp_path / "lecture" / "networks.md").read_text("utf-8")
    assert "reproduce counting`\n\n![](../results/counting.svg)\n\n| a |" in networks
    tasks = (tmp_path / "lecture" / "every_task.md").read_text("utf-8")
    assert "`striate reproduce gan-rings`\n\n**Eight Gaussians" in tasks
    assert "No long run of it is kept yet" in tasks


def test_every_page_is_in_the_navigation() -> None:
    config = (ROOT / "zensical.toml").read_text("utf-8")
    commands = [f"commands/{name}.md" for name in build_site.command_pages()]
    written = [file.relative_to(ROOT / "docs") for file in (ROOT / "docs").rglob("*.md")]
    pages = {*commands, *(file.as_posix() for file in written)}
    assert not [page for page in pages if f'"{page}"' not in config]
