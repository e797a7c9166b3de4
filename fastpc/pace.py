"""How many threads pay right now: all of them on a machine of our own, one where others hold the cores.

Threads wait for each other's units of work. Where another program takes one of the cores, a thread that is put aside
with a unit in hand holds up the rest for milliseconds, and one thread alone is faster. Since results do not depend on
the number of threads, it can change from one chunk of batches to the next.
"""

from __future__ import annotations

# All threads count as slowed down when a sample takes this much longer than at their best.
_SLOWED = 1.4
# One thread must be this much faster to be preferred.
_CLEARLY = 1.1
# Chunks on one thread before all of them are tried again.
_PATIENCE = 3


class Pace:
    """Chooses between all threads and one: tries one when all of them have become slower than they were.

    A trial right at the start was tried and given up: on cold caches it misled more often than it helped.

    Parameters
    ----------
    threads : int
        All threads.
    """

    def __init__(self, threads: int) -> None:
        self._all = threads
        self._seconds: dict[int, float] = {}
        self._best = float("inf")
        self._alone = 0
        self._warming = True
        self.threads = threads

    def measured(self, seconds_per_sample: float) -> None:
        """Say how long a sample took in the chunk just done, and choose for the next one."""
        if self._all == 1:
            return
        if self._warming:
            # The first chunk pays for cold caches and fresh memory, and says nothing about threads.
            self._warming = False
            return
        self._seconds[self.threads] = seconds_per_sample
        if self.threads == self._all:
            self._best = min(self._best, seconds_per_sample)
            slowed = seconds_per_sample > _SLOWED * self._best
            if slowed or seconds_per_sample > _CLEARLY * self._seconds.get(1, float("inf")):
                self.threads, self._alone = 1, 0
        else:
            self._alone += 1
            if _CLEARLY * self._seconds[1] > self._seconds[self._all] or self._alone > _PATIENCE:
                self.threads = self._all

    @property
    def trying(self) -> bool:
        """Whether the next chunk is an experiment, and had better be short."""
        return self._all > 1 and (self._alone == 0 if self.threads == 1 else self._alone > _PATIENCE)
