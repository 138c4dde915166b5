import os
import signal
import threading

import pytest

from gclkit.training.interrupt import Interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("saves", "said"),
    [
        (True, "which is saved; a second Ctrl-C stops at once and saves nothing"),
        (False, "nothing is saved without a checkpoint; a second Ctrl-C stops at once"),
    ],
)
def test_the_first_signal_is_noted_and_handlers_come_back(number, saves, said, capfd):
    before = signal.getsignal(number)
    with Interruptible(saves=saves) as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested
        assert capfd.readouterr().err == f"\ngclkit: stopping after this epoch, {said}\n"
        assert signal.getsignal(number) is before, "the second signal acts at once"
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_raises():
    with pytest.raises(KeyboardInterrupt), Interruptible(saves=True):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_the_process_ignores_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Interruptible(saves=True) as stop:
            os.kill(os.getpid(), number)
            assert not stop.requested and signal.getsignal(number) is signal.SIG_IGN
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_a_closed_standard_error_does_no_harm(monkeypatch):
    def fail(*args):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(os, "write", fail)
    with Interruptible(saves=True) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.requested


def test_other_threads_are_left_alone():
    seen = []

    def work():
        with Interruptible(saves=True) as stop:
            seen.append(stop.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
