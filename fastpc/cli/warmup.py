"""``fastpc warmup``: compile ahead of the first training run."""

from typing import Annotated

import typer

from fastpc.cli.options import JsonOption, QuietOption, ThreadsOption, in_panel

EXAMPLES = """
[bold]Examples[/bold]

fastpc warmup                    what fastpc train and evaluate need

fastpc warmup --dtype float64    the same in float64
"""


def warmup(
    dtype: Annotated[str, in_panel("Network", "float32 or float64.", metavar="NAME")] = "float32",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compile the kernels for this machine now, and keep them on disk.

    A training run that finds no compiled kernels compiles them itself: this only moves the wait.
    """
    import time

    from fastpc.cli.notice import CompileNotice
    from fastpc.cli.output import print_json

    begin = time.perf_counter()
    with CompileNotice():
        _train_a_little(dtype, threads)
    seconds = time.perf_counter() - begin
    if as_json:
        print_json({"compile_seconds": seconds})
    elif not quiet:
        typer.echo(f"The kernels are ready, after {seconds:.1f} s.")


def _train_a_little(dtype: str, threads: int | None) -> None:
    """Go through everything once that `fastpc train` and `evaluate` call."""
    import numpy as np

    from fastpc.data import Dataset
    from fastpc.network import PCNetwork
    from fastpc.trainer import Trainer

    images = np.zeros((32, 16), np.uint8)
    images[:, ::3] = 255
    data = Dataset(images, np.arange(32) % 10, n_classes=10, scale=1 / 255)
    trainer = Trainer(PCNetwork((16, 16, 10), dtype=dtype), batch_size=16, threads=threads)
    trainer.fit(data, data, epochs=1)
    trainer.evaluate(data)
