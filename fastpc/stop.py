"""Signals that ask a run to stop: noted while it computes, and followed where it can be saved."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Takes SIGINT and SIGTERM while its block runs.

    Until `defer` is called a signal raises at once, and so does a second one after it. Elsewhere than in the main
    thread, and where a signal is ignored, nothing changes.

    Attributes
    ----------
    signal : int or None
        The signal that came, and was noted.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._deferring = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                before = signal.getsignal(number)
                if before is not None and before != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def defer(self) -> None:
        """Only note the first signal from now on."""
        self._deferring = True

    def follow(self) -> None:
        """Raise what the signal that was noted stands for, if one was."""
        if self.signal is not None:
            raise _exception(self.signal)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None or not self._deferring:
            raise _exception(number)
        self.signal = number


def _exception(number: int) -> BaseException:
    """Return what Python raises for a signal by default, or an exit with the code that shells give it."""
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
