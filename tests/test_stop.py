"""Signals that ask a run to stop, and when they are heard."""

import os
import signal
import threading

import pytest

from fastpc.stop import Stop


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def fail_unless_changed(unchanged: bool) -> None:
    assert not unchanged
    raise ZeroDivisionError


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
class TestStop:
    def test_a_signal_raises_at_once_until_it_is_deferred(self, number, kind):
        with Stop(), pytest.raises(kind):
            send(number)

    def test_deferred_it_is_noted_and_raised_where_it_is_followed(self, number, kind):
        with Stop() as stop:
            stop.defer()
            stop.follow()
            send(number)
            assert stop.signal == number
            with pytest.raises(kind):
                stop.follow()

    def test_a_second_one_raises_at_once(self, number, kind):
        with Stop() as stop:
            stop.defer()
            send(signal.SIGTERM)
            with pytest.raises(kind):
                send(number)

    def test_handlers_are_given_back_whatever_happens(self, number, kind):
        before = signal.getsignal(number)
        with pytest.raises(ZeroDivisionError), Stop():
            fail_unless_changed(signal.getsignal(number) == before)
        assert signal.getsignal(number) == before

    def test_what_is_ignored_stays_ignored(self, number, kind):
        before = signal.signal(number, signal.SIG_IGN)
        try:
            with Stop() as stop:
                send(number)
                assert stop.signal is None
        finally:
            signal.signal(number, before)

    def test_another_thread_changes_nothing(self, number, kind):
        before = signal.getsignal(number)
        seen = []

        def look() -> None:
            with Stop():
                seen.append(signal.getsignal(number))

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert seen == [before]


def test_sigterm_exits_with_the_code_that_shells_give_it():
    with Stop(), pytest.raises(SystemExit) as caught:
        send(signal.SIGTERM)
    assert caught.value.code == 143
