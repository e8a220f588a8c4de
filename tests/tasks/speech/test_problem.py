"""Windows of frames, and batches that are the same whenever they are asked for."""

from itertools import islice

import numpy as np
import torch

from striate.tasks.speech.learning import RECIPE
from striate.tasks.speech.problem import Batch, Frames, States
from striate.tasks.speech.windows import of_all, windows


def frames() -> Frames:
    """Two recordings of 20 and 10 frames, one feature in three channels; the number of a frame."""
    some = [np.arange(20), np.arange(100, 110)]
    features = [np.stack([each] * 3, 1).astype(np.float32) for each in some]
    states = [np.zeros(20, np.int64), np.ones(10, np.int64)]
    return Frames.of(features, states, [True, False], 3, {"data": "d"})


def test_windows_stop_at_the_ends_of_a_recording():
    data = frames()
    rows = torch.tensor([0, 19, 20, 10])
    found = windows(data.features, rows, data.reach[rows], 2)[:, :, 0, 0]
    expected = [[0, 0, 0, 1, 2], [17, 18, 19, 19, 19], [100, 100, 100, 101, 102],
                [8, 9, 10, 11, 12]]  # fmt: skip
    assert found.tolist() == expected


def test_all_windows_of_one_recording_are_each_alone():
    data = frames()
    rows = torch.arange(20, 30)
    alone = windows(data.features, rows, data.reach[rows], 7)
    torch.testing.assert_close(of_all(data.features[20:]), alone)


def test_batches_take_each_training_frame_once_an_epoch_and_go_on_anywhere():
    data, recipe = frames(), RECIPE.but(batch_size=8)
    first = list(islice(States().batches(data, recipe, seed=1, start=0), 6))
    middle = torch.cat([batch.windows[:, 7, 0, 0] for batch in first[:3]])
    assert sorted(middle.tolist()) == list(range(20))
    later = list(islice(States().batches(data, recipe, seed=1, start=4), 2))
    for one, other in zip(first[4:], later, strict=True):
        torch.testing.assert_close(one.windows, other.windows)
    assert not torch.equal(first[0].windows, first[3].windows)


def test_frame_accuracy_counts_validation_frames():
    """A network that says state 1 of whatever is above 50."""

    class Loud(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor(1.0))

        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            value = self.scale * (windows[:, 7, 0, 0] - 104.5)
            return torch.stack([-value, value], 1)

    found = States().evaluate(Loud(), frames())
    assert found["frame_accuracy"] == 0.5
    assert found["cross_entropy"] > 0


def test_a_batch_is_in_as_many_parts_as_were_asked_for():
    parts = Batch(torch.zeros(5, 3, 3, 1), torch.arange(5)).parts(4)
    assert [part.states.tolist() for part in parts] == [[0, 1], [2], [3], [4]]
