"""What the task says of itself, in every form that others ask for."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from striate.data import Array, Dataset, Decoded, Labels, decode
from striate.errors import DataError, UserError
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.task import Classification
from striate.tasks.contract import Output, Wanted
from striate.tasks.labels.answers import Answer
from striate.tasks.table import TASKS

TASK = Classification()
NAMES = ("ant", "bee", "cow")
ANSWER = Answer(np.array([0.2, 0.5, 0.3], np.float32), True)
BAG = "visual words"


def ids(found: dict) -> list[str]:
    return [concept["id"] for concept in found["concepts"]]


def test_it_has_a_line_in_the_table() -> None:
    assert isinstance(TASKS["classification"], Classification)
    compared = [TASK.methods[name] for name in TASK.compared]
    assert [method.approach for method in compared] == list(TASK.compared) == [
        "handcrafted", "transfer", "scratch", "finetune",
    ]  # fmt: skip
    assert [method.seeds for method in compared] == [3, 3, 1, 1]
    assert [method.by_epochs for method in compared] == [False, False, True, True]
    assert list(TASK.methods) == [*TASK.compared, "weldon", "dbn", "dbn_random", "dbn_labels"]
    assert TASK.default in TASK.methods
    assert list(TASK.predictors) == ["network", "visual_words"]


def test_answering_imports_neither_training_nor_other_tasks() -> None:
    code = (
        "import sys; from striate.tasks.table import TASKS; "
        "TASKS['classification'].predictors; "
        "others = tuple(f'striate.tasks.{name}.' for name in TASKS if name != 'classification'); "
        "print([m for m in sys.modules if m.startswith(('striate.training', 'sklearn', *others))])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_concepts_as_they_are_wanted() -> None:
    found = TASK.response(ANSWER, NAMES, Wanted())
    assert found["known"] is True
    assert ids(found) == ["bee", "cow", "ant"]
    assert found["concepts"][0] == {
        "id": "bee", "name": "bee", "value": pytest.approx(0.5), "app_id": "striate",
    }  # fmt: skip
    assert ids(TASK.response(ANSWER, NAMES, Wanted(most=1))) == ["bee"]
    assert ids(TASK.response(ANSWER, NAMES, Wanted(least=0.25))) == ["bee", "cow"]
    assert ids(TASK.response(ANSWER, NAMES, Wanted(only=frozenset({"ant"})))) == ["ant"]
    shown = TASK.response(ANSWER, NAMES, Wanted(shown={"bee": "Biene"}))["concepts"]
    assert [(one["id"], one["name"]) for one in shown[:2]] == [("bee", "Biene"), ("cow", "cow")]


def test_tensors_of_a_batch() -> None:
    assert TASK.outputs(NAMES) == (
        Output("probabilities", "FP32", (-1, 3)), Output("known", "BOOL", (-1,)),
    )  # fmt: skip
    found = TASK.arrays([ANSWER, ANSWER._replace(known=False)], NAMES)
    assert found["probabilities"].dtype == np.float32
    assert found["probabilities"].shape == (2, 3)
    assert found["known"].tolist() == [True, False]
    assert TASK.arrays([], NAMES)["probabilities"].shape == (0, 3)


def test_predictions_and_options() -> None:
    prediction = TASK.predicted("a.jpg", ANSWER, NAMES)
    assert [label.name for label in prediction.labels] == ["bee", "cow", "ant"]
    assert TASK.own_options("evaluate", {"crops": 10}) == {"crops": 10}
    with pytest.raises(UserError, match="--overlap: classification has no such option"):
        TASK.own_options("evaluate", {"overlap": 0.5})


def test_prepared_data_are_not_decoded_again(
    make: Callable[[str], Classifier], toy: Dataset[Labels], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = make(BAG)
    data = decode(toy, [ours.preprocessing.view])
    rows = [3, 50, 42]
    expected = TASK.answered(ours, Decoded(toy, {}), rows)

    def never(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(type(ours), "prepare", never)
    found = TASK.answered(ours, data, rows)
    assert found.rows == tuple(rows)
    assert found.seconds > 0
    for one, other in zip(found.answers, expected.answers, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)


def test_who_refuses_and_who_explains(make: Callable[[str], Classifier]) -> None:
    ours = make("lenet5")
    assert TASK.refuses(ours)
    assert TASK.explains(ours)
    assert TASK.explains(make(BAG))


def test_one_class_alone_teaches_nothing(toy: Dataset[Labels]) -> None:
    assert TASK.sound(toy) is toy
    some = Dataset(
        "same", Array(np.zeros((4, 8, 8), np.uint8)), Labels(("a", "b"), np.array([1, 1, 1, 0])),
        np.array([0, 0, 1, 2], np.int8),
    )  # fmt: skip
    with pytest.raises(DataError, match="same: every training image is of one class, 'b'"):
        TASK.sound(some)


def test_published_networks_by_name() -> None:
    published = TASK.published
    assert "efficientnet_lite0" in published
    assert "lenet5" not in published
    predictor, names, provenance = published["efficientnet_lite0"]()
    assert len(names) == len(set(names)) == 1000
    assert "beagle" in names
    assert provenance == {
        "network": "efficientnet_lite0", "weights": "efficientnet_lite0.imagenet",
    }  # fmt: skip
    assert predictor.size == 224
    assert predictor.parameters > 4_000_000
