"""WordNet's similarity and WUPS: by pencil on a small tree, and beside NLTK's values."""

import csv

import pytest

from striate.errors import DataError
from striate.evaluation.wordnet import read_wordnet
from striate.evaluation.wups import Wups, agreement, equal, set_score

# entity > furniture > seat > chair, sofa; entity > furniture > table; two senses of "seat"
TABLE = """id	parents	min_depth	max_depth	words
n1		0	0	entity
n2	n1	1	1	furniture
n3	n2	2	2	seat,place
n4	n3	3	3	chair
n5	n3	3	3	sofa,couch
n6	n2	2	2	table
"""
DATA = """  1 This is the licence.
00000001 03 n 01 entity 0 000 | everything
00000002 03 n 01 furniture 0 001 @ 00000001 n 0000 | to sit or lie on
00000003 03 n 02 seat 0 place 0 001 @ 00000002 n 0000 | to sit on
00000004 03 n 01 chair 0 001 @ 00000003 n 0000 | for one
00000005 03 n 02 sofa 0 couch 0 001 @ 00000003 n 0000 | for several
00000006 03 n 01 table 0 001 @ 00000002 n 0000 | to put things on
"""


@pytest.fixture(params=["table", "data"])
def wordnet(request, tmp_path):
    name, text = {"table": ("nouns.tsv", TABLE), "data": ("data.noun", DATA)}[request.param]
    (tmp_path / name).write_text(text)
    return read_wordnet(tmp_path)


def test_similarity_by_pencil(wordnet):
    # seat: depth 3 counted from 1; chair and sofa are one step below: 2 * 3 / (4 + 4)
    assert wordnet.nearness("chair", "couch") == pytest.approx(6 / 8)
    # furniture: depth 2; two steps and one: 2 * 2 / (4 + 3)
    assert wordnet.nearness("chair", "table") == pytest.approx(4 / 7)
    assert wordnet.nearness("chair", "seat") == pytest.approx(6 / 7)
    assert wordnet.nearness("seat", "place") == 1
    assert wordnet.nearness("chair", "garbage_bin") == 0


def test_plurals_are_brought_back(wordnet):
    assert wordnet.nouns("chairs") == wordnet.nouns("chair")
    assert wordnet.nouns("couches") == wordnet.nouns("couch")
    assert wordnet.nouns("xyz") == ()


def test_wups_of_sets(wordnet):
    strict, loose = Wups(wordnet, 0.9), Wups(wordnet, 0.0)
    assert strict("chair", "couch") == pytest.approx(0.075)
    assert strict("garbage_bin", "garbage_bin") == 1
    # the second word of the answer has 4/7 at best; the truth finds its own
    assert set_score(["chair", "table"], ["chair"], loose) == pytest.approx(4 / 7)
    assert set_score(["chair"], ["chair", "table"], loose) == pytest.approx(4 / 7)
    assert set_score([], ["chair"], loose) == 0
    assert set_score(["table", "chair"], ["chair", "table"], equal) == 1


def test_agreement_of_ten_people():
    people = ["red"] * 3 + ["blue"] + ["green"] * 6
    assert [agreement(one, people) for one in ("red", "blue", "green", "grey")] == [1, 1 / 3, 1, 0]


def test_what_is_no_wordnet_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"data\.noun"):
        read_wordnet(tmp_path)
    (tmp_path / "data.noun").write_text("00000001 03 n 01\n")
    with pytest.raises(DataError, match="line 1"):
        read_wordnet(tmp_path)
    (tmp_path / "data.noun").write_text("00000001 03 n 01 a 0 001 @ 00000001 n 0000 | itself\n")
    with pytest.raises(DataError, match="kind of itself"):
        read_wordnet(tmp_path).nearness("a", "a")


def test_the_same_as_nltk_and_the_authors(shared):
    folder = shared("data/wordnet")
    wordnet = read_wordnet(folder)
    scores = {"wups_0.9": Wups(wordnet, 0.9), "wups_0.0": Wups(wordnet, 0.0)}
    with (folder / "wups_words.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            assert wordnet.nearness(row["a"], row["b"]) == pytest.approx(
                float(row["wup"]), abs=1e-9
            )
            for name, score in scores.items():
                assert score(row["a"], row["b"]) == pytest.approx(float(row[name]), abs=1e-9)
    with (folder / "wups_sets.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            pair = row["answer"].split(","), row["truth"].split(",")
            for name, score in {**scores, "accuracy": equal}.items():
                assert set_score(*pair, score) == pytest.approx(float(row[name]), abs=1e-9)
