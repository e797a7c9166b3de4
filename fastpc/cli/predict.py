"""``fastpc predict``: what a saved network takes images for."""

from pathlib import Path
from typing import Annotated

import typer

from fastpc.cli.options import JsonOption, ModelArgument, QuietOption, ThreadsOption, in_panel
from fastpc.errors import ConfigurationError

EXAMPLES = """
[bold]Examples[/bold]

fastpc predict run x.npy                  a line for each image: its class

fastpc predict run x.npz --out y.npy      the classes as an array

fastpc predict run x.csv --out y.csv      … with probabilities, in columns

fastpc predict run t10k-images-idx3-ubyte.gz --out y.npz
"""

SUFFIXES = (".npy", ".npz", ".csv")


def predict(
    model: ModelArgument,
    images: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGES",
            help="A .npy, .npz (array images, x or x_test), .csv (a line for each image) or IDX file.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        in_panel(
            "Output",
            "Write here: .npy the labels, .npz labels and probabilities, .csv both as columns.",
            metavar="FILE",
            show_default="standard output",
        ),
    ] = None,
    scale: Annotated[
        float | None,
        in_panel(
            "Data",
            "Multiplies the images.",
            metavar="FACTOR",
            show_default="of whole numbers that of the run; else 1",
        ),
    ] = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say which class each image is of, by the network of a run.

    Networks that generate recognise by relaxing, with the image alone clamped. Probabilities are the softmax of the
    outputs: those of networks trained with the squared error rank the classes, and are not calibrated.
    """
    import numpy as np

    from fastpc.cli.files import as_csv, as_npy, as_npz, write_file
    from fastpc.cli.notice import CompileNotice
    from fastpc.cli.output import print_json
    from fastpc.cli.saved import Saved
    from fastpc.data.images import read_images
    from fastpc.network import softmax

    if out is not None and out.suffix not in SUFFIXES:
        raise ConfigurationError(f"expected --out to end in {', '.join(SUFFIXES)}, got {str(out)!r}; name it so")
    saved = Saved(model, threads)
    with CompileNotice():
        outputs = saved.class_outputs(read_images(images), scale)
    labels = np.asarray(outputs.argmax(axis=1), np.int64)
    probabilities = softmax(outputs)
    if out is not None:
        header = ["label", *(f"p{k}" for k in range(outputs.shape[1]))]
        arrays = {"labels": labels, "probabilities": probabilities}
        content = {
            ".npy": lambda: as_npy(labels),
            ".npz": lambda: as_npz(arrays),
            ".csv": lambda: as_csv(header, labels, probabilities),
        }[out.suffix]()
        write_file(out, content)
    if as_json:
        print_json({"samples": len(labels), "labels": labels, "out": out})
    elif out is None:
        typer.echo("\n".join(map(str, labels.tolist())))
    elif not quiet:
        typer.echo(f"The classes of {len(labels):,} images are in {out}.")
