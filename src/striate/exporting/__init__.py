"""A recognizer for other runtimes: inputs as they are decoded, the same answer out."""

from striate.exporting._card import card
from striate.exporting.int8 import Cost, add_cost, examples_for, round_with
from striate.exporting.writing import SUFFIXES, export

__all__ = ["SUFFIXES", "Cost", "add_cost", "card", "examples_for", "export", "round_with"]
