"""Which pictures there are of a run, and what goes into them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastpc import plots
from fastpc.cli.options import warn
from fastpc.cli.pca import images_of
from fastpc.cli.run import read_metrics
from fastpc.cli.saved import Saved
from fastpc.errors import ConfigurationError
from fastpc.images import is_square

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastpc.data import Dataset

NAMES = ("curves", "energy", "weights", "confusion", "generated", "reconstructions")
RELAXED = 256
LEAST_STEPS = 32
RECONSTRUCTED = 1000
SAMPLES = 100


def pictures(
    run: Path, names: Sequence[str], source: str, shape: tuple[int, ...] | None, threads: int | None
) -> dict[str, Figure]:
    """Return the pictures by these names that there are of a run; those that mean nothing for it are left out.

    Raises
    ------
    ConfigurationError, DataError
        If the run or its data cannot be read.
    """
    from fastpc.data import find

    saved = Saved(run, threads)
    _, test = find(saved.source if source == "auto" else source, warn=warn)
    # What is no image is not drawn as one.
    as_images = shape is not None or is_square(saved.n_pixels)
    outputs = saved.class_outputs(test, None) if saved.preset.direction != "unsupervised" else None
    figures: dict[str, Figure] = {}
    if "curves" in names and (metrics := read_metrics(saved.folder)):
        accuracy = None
        if outputs is not None and test.n_classes is not None:
            accuracy = float(np.mean(outputs.argmax(axis=1) == test.targets))
        both = saved.preset.rule == "bpc"
        figures["curves"] = plots.learning_curves(metrics, test_accuracy=accuracy, bidirectional=both)
    if "energy" in names and (energy := _energy(saved, test)) is not None:
        figures["energy"] = energy
    if "weights" in names and as_images:
        figures["weights"] = plots.input_weights(saved.network, top=saved.image_on_top, shape=shape)
    if "confusion" in names and outputs is not None and test.n_classes is not None:
        images = images_of(test) if as_images else None
        figures["confusion"] = plots.confusion_matrix(outputs, test.targets, images, shape=shape)
    if "generated" in names and as_images and saved.generates is not None:
        figures["generated"] = _generated(saved, shape)
    if "reconstructions" in names and as_images and saved.generates == "latents":
        some = test.take(np.arange(min(RECONSTRUCTED, len(test))))
        figures["reconstructions"] = plots.reconstructions(images_of(some), saved.reconstruct(some), shape=shape)
    return figures


def _generated(saved: Saved, shape: tuple[int, ...] | None) -> Figure:
    if saved.generates == "latents":
        title = "sampled from the prior"
        return plots.generated_images(saved.sample(SAMPLES, 0), columns=20, shape=shape, title=title)
    classes = np.arange(saved.n_classes)
    title = "generated from each class's label"
    return plots.generated_images(saved.generate(classes), classes.tolist(), shape=shape, title=title)


def _energy(saved: Saved, test: Dataset) -> Figure | None:
    """Draw how states settle by the run's rule, for more steps than in training; None of a rule that relaxes none."""
    from fastpc.clamp import Clamp
    from fastpc.rules import PC, BidirectionalPC, Generative, IncrementalPC, TileRule
    from fastpc.rules.hybrid import Hybrid

    if saved.by_notebook:
        return None
    rule: Any = saved.rule
    network, some = saved.network, test.take(np.arange(min(RELAXED, len(test))))
    learned = int(getattr(rule, "steps", 0))
    if learned < 1:
        return None
    steps = max(LEAST_STEPS, 2 * learned)
    if isinstance(rule, BidirectionalPC):
        up, down = network.relax(some, rule=replace(rule, steps=steps), threads=saved.threads)
        titles = ("bottom-up errors", "top-down errors")
        return plots.relaxation_energy(up, down, titles=titles, mark=learned)
    rule = rule.rule if isinstance(rule, Generative) else rule
    prior = getattr(rule, "prior", None)
    if isinstance(rule, IncrementalPC | Hybrid):
        # With weights that stand still, and from where the feed-forward pass begins.
        rule = PC(rule.steps, rule.step_size, precisions=rule.precisions)
    if not isinstance(rule, TileRule):
        return None
    rule = replace(rule, steps=steps)  # type: ignore[type-var]
    if saved.generates == "latents":
        relaxed = network.relax(None, images_of(some), rule, clamp=Clamp.OUTPUT, prior=prior, threads=saved.threads)
    elif saved.image_on_top:
        labels = np.eye(saved.n_classes)[some.targets]
        relaxed = network.relax(labels, images_of(some), rule, threads=saved.threads)
    else:
        relaxed = network.relax(some, rule=rule, threads=saved.threads)
    return plots.relaxation_energy(relaxed, titles=(f"as states settle, {len(some)} test samples",), mark=learned)


def compare(runs: Sequence[Path], source: str, threads: int | None) -> Figure:
    """Draw the learning curves of several runs in one picture, with their test accuracies where they recognise.

    Raises
    ------
    ConfigurationError, DataError
        If a run has no finished epoch, or its data cannot be read.
    """
    from fastpc.data import find

    metrics: dict[str, Any] = {}
    accuracies: dict[str, float | None] = {}
    for run, name in zip(runs, short_names(runs), strict=True):
        metrics[name] = read_metrics(run)
        if not metrics[name]:
            raise ConfigurationError(
                f"expected a run with a finished epoch, got none in {str(run)!r}; name a folder that train --out wrote"
            )
        saved = Saved(run, threads)
        _, test = find(saved.source if source == "auto" else source, warn=warn)
        accuracies[name] = None if saved.preset.direction == "unsupervised" else saved.evaluate(test).accuracy
    return plots.comparison(metrics, accuracies)


def short_names(runs: Sequence[Path]) -> list[str]:
    """Return what runs are called beside each other: their paths without what all begin with."""
    paths = [str(run.absolute()) for run in runs]
    if len(set(paths)) < len(paths):
        raise ConfigurationError("expected different runs to compare, got one twice; name each once")
    common = Path(os.path.commonpath(paths))
    return [str(Path(path).relative_to(common)) if Path(path) != common else Path(path).name for path in paths]
