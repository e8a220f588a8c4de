"""A recognizer for other runtimes: pixels of any size in, the same answer out."""

from striate.exporting.card import card
from striate.exporting.graph import Graph
from striate.exporting.int8 import Cost, add_cost, round_to_int8, round_with
from striate.exporting.writing import SUFFIXES, export

__all__ = ["SUFFIXES", "Cost", "Graph", "add_cost", "card", "export", "round_to_int8", "round_with"]
