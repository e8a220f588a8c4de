"""What is wrong with a dataset, before anything is learned from it.

`check(data)` gives `Findings`: broken files, copies within a class, across classes (labels that
contradict each other) and across the split (leaks), odd pictures, and probably wrong labels; plain
values, of which `summary`, `to_json`, `write_page` and `write_list` make something to read.
`trusted(decoded)` takes a glance, and out of the score what was learned from.
"""

from striate.checking._check import check, glance, trusted
from striate.checking.cleaning import removed, see_listable, write_list
from striate.checking.findings import Copies, Effect, Findings, Suspect
from striate.checking.leaking import seen_before, sentence
from striate.checking.oddities import Odd
from striate.checking.page import write_page
from striate.checking.telling import lines, summary, to_json

__all__ = [
    "Copies",
    "Effect",
    "Findings",
    "Odd",
    "Suspect",
    "check",
    "glance",
    "lines",
    "removed",
    "see_listable",
    "seen_before",
    "sentence",
    "summary",
    "to_json",
    "trusted",
    "write_list",
    "write_page",
]
