"""The figures of the page's section on numbers: how accurate the activations are."""

import numpy as np

from benchmarks.accuracy import DTYPES, EXACT, Accuracy, measured, samples
from benchmarks.errors import BenchmarkError
from benchmarks.report import markdown


def accuracies() -> dict[tuple[str, str, str], Accuracy]:
    """Measure every activation and its slope, in both number types."""
    found = {}
    for name in EXACT:
        for dtype in DTYPES:
            for part, accuracy in zip(("f", "f'"), measured(name, dtype), strict=True):
                if not accuracy.all_finite:
                    raise BenchmarkError(f"expected finite results of finite numbers, got others of {name}'s {part}")
                found[name, part, np.dtype(dtype).name] = accuracy
    return found


def accuracies_in_words(found: dict[tuple[str, str, str], Accuracy]) -> str:
    """Return the figures of `accuracies` as Markdown."""
    head = ["activation", "of", "numbers", "ulp of the result", "at x =", "eps of max(1, result)", "at x ="]
    rows = []
    for (name, part, dtype), accuracy in found.items():
        row = [name, part, dtype]
        for error, at in ((accuracy.in_ulp, accuracy.ulp_at), (accuracy.absolute, accuracy.absolute_at)):
            row += [f"{error:.3g}", f"{at:.5g}"] if error else ["0", ""]
        rows.append(row)
    counts = " and ".join(f"{len(samples(dtype)):,} {np.dtype(dtype).name}" for dtype in DTYPES)
    return f"{markdown([head, *rows], 3)}\n\nOver {counts} numbers."
