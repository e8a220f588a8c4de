"""A recognizer for other runtimes: pixels of any size in, the same answer out."""

from striate.exporting.card import card
from striate.exporting.graph import Graph
from striate.exporting.writing import SUFFIXES, export

__all__ = ["SUFFIXES", "Graph", "card", "export"]
