"""Ask Your Neurons (Malinowski, Rohrbach & Fritz 2015, arXiv:1505.01121): an LSTM reads a question
word by word, and is shown the picture beside every word; what it holds at the end decides.

This is the form that gives one answer out of those known (Section 4.1, "single word"); without
features of a picture it is the paper's "language only". What is not in the paper: beside what the
LSTM holds, the words themselves decide, summed whatever their order; with a few thousand questions
that is learned much sooner.
"""

import torch
from torch import Tensor, nn

DEVIATION = 0.3  # of the summed vectors at first


class AskYourNeurons(nn.Module):
    """Features of pictures (N, F) and words (N, T) to logits (N, answers).

    Args:
        words: V + 1, as `len(Vocabulary)` has it; word 0 is one that is not known, or none.
        features: F; 0: it sees no picture.
        size: of a word's vector.
        hidden: of the LSTM, and of what it is shown of the picture.
        dropout: of what the LSTM reads, and of what decides.
    """

    def __init__(
        self, words: int, answers: int, *, features: int = 0, size: int = 100, hidden: int = 256,
        dropout: float = 0.4,
    ):  # fmt: skip
        super().__init__()
        self.vectors = nn.Embedding(words, size)
        self.summed = nn.Embedding(words, size)
        nn.init.normal_(self.summed.weight, std=DEVIATION)
        self.seen = nn.Linear(features, hidden) if features else None
        self.lstm = nn.LSTM(size + (hidden if features else 0), hidden, batch_first=True)
        self.decision = nn.Linear(hidden + size, answers)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
        """Logits of answers.

        Args:
            features: (N, F); (N, 0) where it looks at none.
            words: (N, T) numbers, whatever behind the end.
            lengths: (N,) words of each question, at least 1.
        """
        states = self.lstm(self.read(features, words))[0]
        last = (lengths - 1)[:, None, None].expand(-1, 1, states.shape[2])
        there = torch.arange(words.shape[1], device=words.device) < lengths[:, None]
        return self.decided(states.gather(1, last)[:, 0], self.sum_of(words, there))

    def about(self, features: Tensor, words: Tensor) -> Tensor:
        """Logits (N, answers) of one question, all of whose words (1, L) count, about pictures."""
        words = words.expand(features.shape[0], -1)
        states = self.lstm(self.read(features, words))[0]
        return self.decided(states[:, -1], self.sum_of(words, torch.ones_like(words)))

    def sum_of(self, words: Tensor, there: Tensor) -> Tensor:
        """(N, size) the sum of the vectors of those words (N, T) that are `there`, over the root of
        their number."""
        total: Tensor = (self.summed(words) * there[:, :, None]).sum(1)
        return total / there.sum(1, keepdim=True).sqrt()

    def decided(self, state: Tensor, summed: Tensor) -> Tensor:
        """Logits of what the LSTM holds at the end (N, hidden) and of summed words (N, size)."""
        logits: Tensor = self.decision(self.dropout(torch.cat([state, summed], 1)))
        return logits

    def read(self, features: Tensor, words: Tensor) -> Tensor:
        """(N, T, ...) what the LSTM reads: each word with what is seen beside it."""
        read: Tensor = self.dropout(self.vectors(words))
        if self.seen is None:
            return read
        seen = torch.tanh(self.seen(self.dropout(features)))
        beside = seen[:, None].expand(-1, words.shape[1], -1)
        return torch.cat([read, self.dropout(beside)], 2)
