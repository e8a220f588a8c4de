"""striate datasets: the datasets that have a name."""

from striate.cli.options import Json
from striate.cli.show import print_json, print_table, table


def datasets(json: Json = False) -> None:
    """Lists the public datasets that have a name, which of them are here, and their licenses.

    A dataset that is not here is downloaded when it is first used; STRIATE_DATA may name a folder
    to look in before that.

    \b
    Example:
        striate datasets
    """
    from dataclasses import asdict

    from striate.data import CATALOG
    from striate.data.catalog import here

    rows = []
    for name, entry in CATALOG.items():
        place = "inside scikit-learn" if entry.form == "sklearn" else here(name)
        rows.append((name, entry, str(place) if place else None))
    if json:
        print_json(
            [
                {"name": name, "here": place is not None, "place": place, **asdict(entry)}
                for name, entry, place in rows
            ]
        )
        return
    heads = ("name", "content", "images", "classes", "here", "license", "source")
    body = [
        (
            name,
            entry.title,
            f"{entry.images:,}",
            str(len(entry.classes)),
            place or "no, will be downloaded",
            entry.licence,
            entry.source,
        )
        for name, entry, place in rows
    ]
    print_table(table(heads, body, right=("images", "classes")))
