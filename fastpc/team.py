"""How many threads a run is worth, on a machine that does other work too.

Threads share batches of well under a millisecond. Where another program has a part of one core, each of its turns, of
some milliseconds, holds up all threads that wait for the one it displaced: two then train at half the speed of one.
That waiting threads sleep changes little of that (A64 beside one busy process: 247,000 samples/s without, 256,000 with,
490,000 on one thread). So a run that gets less of the
processor than its threads could use tries fewer, keeps what is faster, and now and then tries more. The numbers that
come out do not depend on it, to the last bit.
"""

from __future__ import annotations

_MEASURED_SECONDS = 0.05
# Between two trials; doubled after each that fails, up to the second, which costs some 1% of the time.
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 8.0
_LOADED = 0.8


class Team:
    """Chooses a number of threads from what calls of the engine measure.

    Parameters
    ----------
    most : int
        To begin with, and never more.
    cores : int
        The cores that the process may use.

    Attributes
    ----------
    threads : int
        For the next call.
    """

    def __init__(self, most: int, cores: int) -> None:
        self.most, self.cores = most, cores
        self.threads = most
        self._known = {most}  # what else runs for the first time also compiles
        self._before: tuple[int, float] | None = None  # threads and rate, while others are tried
        self._downward = True
        self._wait, self._since = _FIRST_WAIT, _FIRST_WAIT
        self._begin()

    @property
    def trying(self) -> bool:
        """Whether the next call is a trial, which had better be short."""
        return self._before is not None

    def record(self, samples: int, seconds: float, processor_seconds: float) -> None:
        """Say what one call did, in how much time, and how much of the processors that took; choose anew."""
        self._samples += samples
        self._seconds += seconds
        self._processor_seconds += processor_seconds
        self._since += seconds
        if self.threads not in self._known:
            self._known.add(self.threads)
            self._begin()
        elif self.most > 1 and self._seconds >= _MEASURED_SECONDS:
            self._choose(self._samples / self._seconds, self._processor_seconds / self._seconds)
            self._begin()

    def _begin(self) -> None:
        self._samples, self._seconds, self._processor_seconds = 0, 0.0, 0.0

    def _choose(self, rate: float, processors: float) -> None:
        if self._before is not None:
            (threads, rate_before), self._before = self._before, None
            if rate > rate_before:
                self._wait = _FIRST_WAIT
            else:
                self.threads = threads
                self._wait = min(2 * self._wait, _LONGEST_WAIT)
                self._downward = not self._downward
            self._since = 0.0
        loaded = processors < _LOADED * min(self.threads, self.cores)
        downward = self.threads == self.most or (self._downward and self.threads > 1)
        if self._since >= self._wait and (loaded or not downward):
            self._before = self.threads, rate
            self.threads = max(1, self.threads // 2) if downward else min(2 * self.threads, self.most)
