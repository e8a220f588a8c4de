import numpy as np
import pytest

from striate.errors import DataError
from striate.retrieval import Description, Wanted, evaluate, read_truth
from striate.retrieval.evaluating import compared
from striate.retrieval.expansion import Expansion
from striate.retrieval.index import Header, create
from striate.retrieval.truth import Truth

ANGLES = np.deg2rad([0, 25, 40, 60, 75])
TOWN = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1).astype(np.float32)
NAMES = ["a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg", "c/5.jpg"]


def index_of(path, names=NAMES, vectors=TOWN):
    header = Header(
        model="m", content=None, description=Description(), folder=str(path / "photos"),
        whitened=False, pictures=0, dimensions=2,
    )  # fmt: skip
    index = create(path / "one.index", header, None)
    index.add(names, [(1, 1)] * len(names), vectors)
    return index


@pytest.fixture
def index(tmp_path):
    return index_of(tmp_path)


def test_folders_are_classes(index):
    truth = read_truth("folders", index)
    assert truth.area == "steps"
    assert truth.queries == (
        Wanted("a/1.jpg", 0, frozenset({1}), frozenset({0})),
        Wanted("a/2.jpg", 1, frozenset({0}), frozenset({1})),
        Wanted("b/3.jpg", 2, frozenset({3}), frozenset({2})),
        Wanted("b/4.jpg", 3, frozenset({2}), frozenset({3})),
    )  # c has one picture only, which finds nothing


def test_mean_average_precision_by_hand(index):
    # 1: 2 is first; 2: 3 is nearer than 1; 3: 2 is nearer than 4; 4: 5 is nearer than 3
    found = evaluate(index, "folders")
    np.testing.assert_allclose(found.precision, [1, 1 / 2, 1 / 2, 1 / 2])
    assert found.first.tolist() == [True, False, False, False]
    assert found.value == pytest.approx(5 / 8)
    low, high = found.interval
    assert low <= found.value <= high


def test_what_was_removed_neither_asks_nor_is_found(index):
    index.remove([4])
    found = evaluate(index, "folders")
    np.testing.assert_allclose(found.precision, [1, 1 / 2, 1 / 2, 1])


def test_expansion_does_not_add_the_picture_itself(index):
    found = evaluate(index, "folders", expansion=Expansion(1, 0.0))
    # 2 and 3 lie at 32.5 degrees: from there 4 is nearer than 1; with 2 itself nothing would change
    np.testing.assert_allclose(found.precision, [1, 1 / 3, 1 / 2, 1 / 2])


def test_a_table_of_groups(index, tmp_path):
    (tmp_path / "photos").mkdir()
    table = tmp_path / "photos/groups.csv"
    table.write_text("image,group,query\na/1.jpg,x,1\na/2.jpg,x,0\nb/3.jpg,x,\nc/5.jpg,y,1\n")
    truth = read_truth(str(table), index)
    assert truth.queries == (Wanted("a/1.jpg", 0, frozenset({1, 2}), frozenset({0})),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("image,kind\n", "columns"),
        ("image,group\nz.jpg,x\n", "line 2: 'z.jpg' is not in the index"),
        ("image,group\na/1.jpg,x\na/1.jpg,y\n", "twice"),
        ("image,group,query\na/1.jpg,x,maybe\n", "maybe"),
        ("image,group\na/1.jpg,x\n", "no picture of the index has another"),
    ],
)
def test_tables_that_do_not_fit_are_refused(index, tmp_path, text, reason):
    (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(DataError, match=reason):
        read_truth(str(tmp_path / "groups.csv"), index)


def test_holidays_names(tmp_path):
    names = ["100000.jpg", "100001.jpg", "100002.jpg", "100100.jpg", "100101.jpg"]
    truth = read_truth("holidays", index_of(tmp_path, names))
    assert truth.area == "trapezoids"
    assert truth.queries == (
        Wanted("100000.jpg", 0, frozenset({1, 2}), frozenset({0})),
        Wanted("100100.jpg", 3, frozenset({4}), frozenset({3})),
    )


def test_other_names_are_not_holidays(index):
    truth = "nothing"
    with pytest.raises(DataError, match="says nothing"):
        read_truth(truth, index)
    index.add(["d/one.jpg"], [(1, 1)], TOWN[:1])
    with pytest.raises(DataError, match="numbers"):
        read_truth("holidays", index)


def write_oxford(folder, box="0 0 10 10"):
    folder.mkdir()
    (folder / "hall_1_query.txt").write_text(f"oxc1_1 {box}\n")
    (folder / "hall_1_good.txt").write_text("1\n2\n")
    (folder / "hall_1_ok.txt").write_text("4\n")
    (folder / "hall_1_junk.txt").write_text("3\n")
    return folder


def test_oxfords_files(index, tmp_path):
    truth = read_truth(str(write_oxford(tmp_path / "truth")), index)
    assert truth == Truth(
        (Wanted("hall_1", 0, frozenset({0, 1, 3}), frozenset({2}), (0.0, 0.0, 10.0, 10.0)),),
        "trapezoids",
    )


def test_oxfords_protocol_by_hand(index):
    # the query is found, too: 1 right, 2 right, 3 is junk, 4 wrong, 5 right
    asked = Wanted("hall_1", 0, frozenset({0, 1, 4}), frozenset({2}))
    found = evaluate(index, Truth((asked,), "trapezoids"))
    # (1 + 1) / 2 / 3 + (1 + 1) / 2 / 3 + (2 / 3 + 3 / 4) / 2 / 3
    assert found.value == pytest.approx(2 / 3 + 17 / 72)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("hall_1_query.txt", "oxc1_9 0 0 1 1"), "'9' is not in the index"),
        (("hall_1_query.txt", "oxc1_1 0 0 one 1"), "four sides"),
        (("hall_1_query.txt", ""), "four sides"),
        (("hall_1_good.txt", "8"), "'8' is not in the index"),
    ],
)
def test_files_of_oxfords_that_do_not_fit_are_refused(index, tmp_path, change, reason):
    folder = write_oxford(tmp_path / "truth")
    (folder / change[0]).write_text(change[1])
    with pytest.raises(DataError, match=reason):
        read_truth(str(folder), index)


def test_several_indexes_are_compared_on_the_same_queries(index, tmp_path):
    (tmp_path / "other").mkdir()
    other = index_of(tmp_path / "other", vectors=TOWN[[0, 4, 2, 3, 1]])
    results = {"one": evaluate(index, "folders"), "other": evaluate(other, "folders")}
    behind = compared(results)
    best = max(results, key=lambda name: results[name].value)
    assert behind[best] == (0, (0, 0))
    worst = ({*results} - {best}).pop()
    assert behind[worst][0] == pytest.approx(abs(results["one"].value - results["other"].value))
    few = evaluate(index, Truth(read_truth("folders", index).queries[:2], "steps"))
    with pytest.raises(DataError, match="different"):
        few.lead(results["one"])
