"""striate keys: who may call a service from elsewhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from striate.cli.options import Json
from striate.cli.show import print_json, printable

if TYPE_CHECKING:
    from striate.serving.keys import Keys

Database = Annotated[
    str,
    typer.Option("--keys", metavar="URL", help="The database of keys, as SQLAlchemy writes it."),
]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Who or what calls the service.", show_default=False)
]

keys = typer.Typer(
    name="keys",
    help="Makes, lists, rotates and revokes the keys of a service.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def show(name: str, key: str, *, json: bool) -> None:
    """A new key, which is shown this once."""
    if json:
        print_json({"name": name, "key": key})
    else:
        print(key)


@keys.command()
def add(name: Name, database: Database = "", json: Json = False) -> None:
    """Makes a key and prints it, this once: only its hash is kept.

    \b
    Example:
        striate keys add holiday-app
    """
    with opened(database) as kept:
        key = kept.add(name)
    show(name, key, json=json)


@keys.command("list")
def listing(database: Database = "", json: Json = False) -> None:
    """Lists the keys, and how many calls and inputs each was used for.

    \b
    Example:
        striate keys list --json
    """
    with opened(database) as kept:
        found = kept.list()
    for key in found:
        if json:
            print_json({
                "name": key.name,
                "created": f"{key.created:%Y-%m-%dT%H:%M:%SZ}",
                "revoked": f"{key.revoked:%Y-%m-%dT%H:%M:%SZ}" if key.revoked else None,
                "calls": key.calls,
                "images": key.images,
            })  # fmt: skip
            continue
        state = f"revoked {key.revoked:%Y-%m-%d}" if key.revoked else "valid"
        used = f"{key.calls:,} calls, {key.images:,} pictures"
        print(f"{printable(key.name)}  since {key.created:%Y-%m-%d}, {state}; {used}")


@keys.command()
def rotate(name: Name, database: Database = "", json: Json = False) -> None:
    """Makes a new key in the place of an old one and prints it, this once; the old one ends within
    two seconds. Name and usage stay.

    \b
    Example:
        striate keys rotate holiday-app
    """
    with opened(database) as kept:
        key = kept.rotate(name)
    show(name, key, json=json)


@keys.command()
def revoke(name: Name, database: Database = "") -> None:
    """Revokes a key; every server that uses the database refuses it within two seconds.

    \b
    Example:
        striate keys revoke holiday-app
    """
    with opened(database) as kept:
        kept.revoke(name)


def place_of(url: str) -> str:
    """The database to use: the one named, or an SQLite file of the person's own."""
    if url:
        return url
    share = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return f"sqlite:///{Path(share) / 'striate' / 'keys.db'}"


@contextmanager
def opened(url: str) -> "Iterator[Keys]":
    """The keys, for the length of a command."""
    from striate.serving import open_keys

    kept = open_keys(place_of(url))
    try:
        yield kept
    finally:
        kept.close()
