"""``python -m benchmarks COMMAND``: measure, record, report and show what fastpc's speed is.

measure WORKLOAD    one workload, every implementation at hand
record              everything, into results/COMMIT.json
report A [B]        the table of one recording, or what changed between two; and charts
readme RESULTS|DIR  fill the README from recordings, or from the folder of a fastpc reproduce
scaling [--ranks]   threads, samples, steps, depth; or ranks of MPI, for docs/distributed.md
compile             compile and import times
race NAME           seconds of training until the test accuracy reaches its targets
choose NAME         settings for a race, on a validation split
auto                what the automatic state step costs
solver              fewer products to the same equilibrium: sweeps against plain steps
tfdata              what it costs to read a tf.data.Dataset instead of arrays
reliability         runs killed, files damaged, numbers, busy machines, long lives, other versions: docs/reliability.md
loaded              training beside other work: one thread against two
steady              memory, threads and open files over many batches and many fits
versions            the tests with the lowest and the newest versions of what fastpc needs
tuning              a search on MNIST's training set, and what its best settings reach
train               what ``fastpc train`` reaches by default
sklearn             PCClassifier beside scikit-learn's MLPClassifier: seconds of fit, test accuracy
"""

import importlib
import json
import sys

from benchmarks.errors import BenchmarkError

COMMANDS = {
    "measure": "measure",
    "record": "record",
    "report": "report",
    "readme": "readme",
    "scaling": "scaling",
    "footprint": "footprint",
    "compile": "startup",
    "race": "time_to_accuracy",
    "choose": "settings",
    "auto": "automatic",
    "solver": "solver",
    "tfdata": "tf_data",
    "reliability": "reliability",
    "tuning": "tuning",
    "loaded": "load",
    "steady": "steady",
    "versions": "versions",
    "train": "training",
    "sklearn": "estimators",
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if given else 2
    name, *rest = given
    if name == "available":
        from benchmarks.measure import available

        print(json.dumps(available()))
        return 0
    if name not in COMMANDS:
        name, rest = "measure", given  # a workload alone
    try:
        importlib.import_module(f"benchmarks.{COMMANDS[name]}").main(rest)
    except BenchmarkError as error:
        print(f"benchmarks: {error}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
