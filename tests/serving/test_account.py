"""The account of bytes: two lines, shares that give back what they took, and what arrays weigh."""

import threading

import numpy as np
import pytest
import torch

from striate.serving.account import Account, Line, Share, bytes_of


@pytest.fixture
def account():
    return Account(100, 40)


def test_work_has_bytes_of_its_own(account):
    coming, working = Share(account, Line.COMING), Share(account, Line.WORKING)
    assert coming.grow(40)
    assert not coming.grow(1)
    assert working.grow(60)
    assert not working.grow(1)
    assert account.held == 100


def test_what_is_closed_gives_back_everything_once(account):
    with Share(account, Line.COMING) as share:
        assert share.grow(30)
    share.close()
    assert account.held == 0
    assert share.grow(5)  # of a call that has ended: nothing is taken, and nobody refused
    assert account.held == 0


def test_a_share_gives_back_what_it_does_not_need(account):
    share = Share(account, Line.WORKING)
    share.grow(50)
    share.keep(20)
    assert (share.size, share.kept, account.held) == (20, True, 20)
    share.shrink(30)
    assert account.held == 20


def test_every_byte_comes_back_from_any_thread(account):
    def work():
        for _ in range(500):
            with Share(account, Line.WORKING) as share:
                share.grow(7)
                share.shrink(3)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert account.held == 0


def test_who_waits_for_room_hears_of_it():
    heard = []
    account = Account(10, 0, lambda: heard.append(account.held))
    with Share(account, Line.WORKING) as share:
        share.grow(10)
        share.shrink(4)
    assert heard == [4, 0]


def test_what_a_predictor_prepared():
    class Sample:
        def __init__(self):
            self.pixels, self.scale = np.zeros((4, 5, 3), np.uint8), 2.0

    assert bytes_of(np.zeros((10, 10), np.float32)) == 400
    assert bytes_of(torch.zeros(10, dtype=torch.float64)) == 80
    assert bytes_of({"a": [b"abc", "de"], "b": (Sample(),)}) == 3 + 2 + 60 + 8
