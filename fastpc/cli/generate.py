"""``fastpc generate``: images that a saved network makes."""

from pathlib import Path
from typing import Annotated

import typer

from fastpc.cli.options import (
    JsonOption,
    ModelArgument,
    QuietOption,
    ShapeOption,
    ThreadsOption,
    in_panel,
    parse_classes,
    parse_shape,
)
from fastpc.errors import ConfigurationError

EXAMPLES = """
[bold]Examples[/bold]

fastpc train --rule bpc --out run    a network that recognises and generates

fastpc generate run                  an image of each class, in run/

fastpc generate run --labels 3,1,4   of these, one after the other

fastpc generate run --samples 100    of a network that saw images alone
"""

SAMPLES = 64


def generate(
    model: ModelArgument,
    labels: Annotated[
        str | None,
        in_panel("Images", "Of which classes, such as 3,1,4.", metavar="CLASSES", show_default="each once"),
    ] = None,
    samples: Annotated[
        int | None,
        in_panel("Images", "How many, of an unsupervised network.", metavar="N", show_default=str(SAMPLES)),
    ] = None,
    seed: Annotated[
        int | None,
        in_panel("Images", "Of the latents that an unsupervised network draws from.", metavar="N", show_default="0"),
    ] = None,
    out: Annotated[
        Path | None,
        in_panel(
            "Output",
            "Where to write the images, a .npz file; with matplotlib, a .png beside it shows them.",
            metavar="FILE",
            show_default="generated.npz, beside the model",
        ),
    ] = None,
    shape: ShapeOption = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Generate images by a network trained with --direction generative or unsupervised, or --rule bpc or hybrid.

    From labels, every class has one image, the one the network makes of it. An unsupervised network has as many as
    there are latents to draw from its prior. That of --rule notebook generates as well.
    """
    import numpy as np

    from fastpc import plots
    from fastpc.cli.files import as_npz, write_file
    from fastpc.cli.notice import CompileNotice
    from fastpc.cli.output import print_json
    from fastpc.cli.saved import Saved
    from fastpc.images import image_shape, is_square

    saved = Saved(model, threads)
    source = saved.generates
    if source is None:
        raise ConfigurationError(
            f"expected a network that generates, got one trained with --rule {saved.preset.rule} --direction "
            f"{saved.preset.direction}; train one with --direction generative or unsupervised, or --rule bpc or hybrid"
        )
    wrong = {"--labels": labels} if source == "latents" else {"--samples": samples, "--seed": seed}
    for option, value in wrong.items():
        if value is not None:
            raise ConfigurationError(
                f"expected {option} with a network that generates from {'labels' if source == 'latents' else 'latents'}"
                f", got one that does from {source}; leave it out"
            )
    out = saved.folder / "generated.npz" if out is None else out
    if out.suffix != ".npz":
        raise ConfigurationError(f"expected --out to end in .npz, got {str(out)!r}; name it so")
    pixels = parse_shape(shape)
    if pixels is not None or is_square(saved.n_pixels):
        pixels = image_shape(saved.n_pixels, pixels)
    with CompileNotice():
        if source == "labels":
            classes = parse_classes(labels, saved.n_classes)
            images = saved.generate(np.array(classes, np.int64))
            arrays = {"labels": np.array(classes, np.int64)}
        else:
            images = saved.sample(SAMPLES if samples is None else samples, seed or 0)
            arrays = {}
    rows = images if pixels is None else images.reshape(len(images), *pixels)
    write_file(out, as_npz({"images": rows, **arrays}))
    written = [out]
    if pixels is not None and plots.available():
        named = arrays["labels"].tolist() if arrays else None
        figure = plots.generated_images(images, named, columns=10, shape=pixels)
        plots.save_figure(figure, out.with_suffix(".png"))
        written.append(out.with_suffix(".png"))
    if as_json:
        print_json({"samples": len(images), "shape": rows.shape, "out": written, **arrays})
    elif not quiet:
        typer.echo(f"{len(images):,} images are in {' and '.join(map(str, written))}.")
