"""What follows from findings: which copies a clean list goes without."""

import shutil

import numpy as np

from striate.checking import check, removed


def test_one_copy_is_kept_where_it_is_scored(folder):
    for place in ("test/cat/a.png", "validation/cat/a.png", "test/cat/b.png"):
        shutil.copyfile(folder / "train/cat/0.png", folder / place)
    findings = check(folder, deep=False, judge=False)
    (copies,) = findings.copies
    kept = set(copies.rows) - set(removed(findings))
    assert [findings.dataset.inputs.name(row) for row in kept] == ["test/cat/a.png"]
    assert np.isin(findings.leaks, copies.rows).all()
