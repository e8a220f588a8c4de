"""A linear support vector machine on sparse rows of words (scikit-learn's LinearSVC)."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


def linear_svm(
    rows: csr_matrix, numbers: NDArray[np.int64], classes: int, cost: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One class against the rest, squared hinge loss: (classes, V), (classes,)."""
    solver = word_solver(cost).fit(rows, numbers)
    weight = np.zeros((classes, rows.shape[1]), np.float32)
    bias = np.full(classes, -1e3, np.float32)  # of a class without a training text
    if len(solver.classes_) == 2:
        weight[solver.classes_] = np.concatenate([-solver.coef_, solver.coef_]) / 2
        bias[solver.classes_] = np.array([-1, 1]) * solver.intercept_ / 2
    else:
        weight[solver.classes_], bias[solver.classes_] = solver.coef_, solver.intercept_
    return weight, bias


def word_solver(cost: float) -> Any:
    """A linear support vector machine, one class against the rest."""
    from sklearn.svm import LinearSVC

    warnings.filterwarnings("ignore", message="Liblinear failed to converge")
    return LinearSVC(C=cost, random_state=0)
