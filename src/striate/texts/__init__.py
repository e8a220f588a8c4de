"""Text and words: how a text is cut into words, words by number, and files of word vectors."""

from striate.texts.tokens import Tokenizer
from striate.texts.vectors import WordVectors, load_vectors
from striate.texts.vocabulary import Vocabulary

__all__ = ["Tokenizer", "Vocabulary", "WordVectors", "load_vectors"]
