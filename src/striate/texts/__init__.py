"""Text and words: how a text is cut into words, and files of word vectors."""

from striate.texts.tokens import Tokenizer
from striate.texts.vectors import WordVectors, load_vectors

__all__ = ["Tokenizer", "WordVectors", "load_vectors"]
