"""What is wrong with a set of images, before anything is learned from it.

`check(data)` gives `Findings`: broken files, copies within a class, across classes (labels that
contradict each other) and across the split (leaks), odd pictures, and probably wrong labels.
`trusted(decoded)` takes a glance, and out of the score what was learned from.
"""

from striate.checking.check import check, glance, trusted
from striate.checking.findings import Copies, Effect, Findings, Suspect
from striate.checking.leaking import seen_before, sentence
from striate.checking.oddities import Odd

__all__ = [
    "Copies",
    "Effect",
    "Findings",
    "Odd",
    "Suspect",
    "check",
    "glance",
    "seen_before",
    "sentence",
    "trusted",
]
