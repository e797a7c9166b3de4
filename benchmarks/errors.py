"""What goes wrong outside of a benchmark: no data, no such implementation, a run that failed."""


class BenchmarkError(Exception):
    """One sentence: what was expected, what came, what to do."""
