"""What was found, as one page with its pictures inside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from striate import images, pages
from striate.errors import ImageError
from striate.retrieval.index import Index
from striate.retrieval.searcher import Hits

QUERIES, FOUND = 100, 50  # on a page


def write_results(index: Index, results: Sequence[Hits], path: Path) -> Path:
    """Writes the page; returns its path.

    Raises:
        StorageError: if it cannot be written; it is there whole or not at all.
    """
    values: dict[str, Any] = {
        "index": index.path.name,
        "pictures": len(index),
        "model": Path(index.header.model).name,
        "described": described(index),
        "queries": [query(hits) for hits in results[:QUERIES]],
        "more": max(0, len(results) - QUERIES),
    }
    return pages.write_page("striate.retrieval", "results.html.jinja", values, path)


def described(index: Index) -> str:
    """How, in a few words."""
    kind = index.header.description.aggregation.kind
    ways = {"mean": "means", "max": "maxima", "gem": "generalized means",
            "rmac": "maxima over regions"}  # fmt: skip
    after = "whitened to " if index.header.whitened else ""
    return f"{ways[kind]} of feature maps, {after}{index.header.dimensions:,} numbers"


def query(hits: Hits) -> dict[str, Any]:
    """A query with its picture, and what was found."""
    found = [
        {"name": hit.name, "score": f"{hit.score:.3f}", "picture": small(hit.path)}
        for hit in hits.found[:FOUND]
    ]
    picture = None if hits.error else small(hits.name)
    return {"name": Path(hits.name).name, "error": hits.error, "picture": picture, "found": found}


def small(path: str) -> str | None:
    """The picture of a file, small; None where it cannot be read any more."""
    from PIL import Image

    try:
        return pages.embedded(Image.fromarray(images.read(path, at_least=None)))
    except ImageError:
        return None
