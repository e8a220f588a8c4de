"""striate datasets."""

import json

from striate.data import CATALOG


def test_every_set_of_the_catalog_is_listed_with_its_licence(striate):
    done = striate("datasets")
    assert done.code == 0
    for name, entry in CATALOG.items():
        assert name in done.out
        assert entry.licence in done.out


def test_what_is_here_is_where_striate_data_says(striate, shared, monkeypatch):
    place = shared("data/mnist")
    monkeypatch.setenv("STRIATE_DATA", str(place.parent))
    sets = {row["name"]: row for row in json.loads(striate("datasets", "--json").out)}
    assert sets["mnist"]["here"]
    assert sets["mnist"]["place"].startswith(str(place))
    assert sets["digits"]["here"]
