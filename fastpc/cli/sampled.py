"""Digits sampled from an unsupervised network's prior, and how many of them a classifier recognises."""

from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastpc import build, plots
from fastpc.cli.options import warn
from fastpc.cli.pca import Components, images_of
from fastpc.cli.reproduction import Row, run_folder, run_of
from fastpc.cli.run import MODEL
from fastpc.presets import Preset

CLASSIFIER = "pc-ce"
"""Which preset judges: one whose outputs are probabilities."""
CONFIDENT = 0.9
SAMPLES = 10_000
TEST, PRIOR, COMPONENTS, SHUFFLED = "test images", "from the prior", "principal components", "pixels shuffled"


def sample_unsupervised(
    rows: list[Row], folder: Path, *, quick: bool, source: str, threads: int | None, show: bool
) -> dict[str, Any] | None:
    """Sample from the unsupervised network among finished runs, and draw ``sampled.png`` where matplotlib is installed.

    The classifier that judges is trained first where `folder` does not have it yet.

    Returns
    -------
    dict or None
        What `recognised_of` returns, without the images; None without such a network, or such a classifier.
    """
    row = next((row for row in rows if row.target.by_error and row.mean is not None), None)
    if row is None or not run_of(CLASSIFIER, 0, folder, quick=quick, source=source, threads=threads, show=show):
        return None
    networks = [run_folder(folder, row.target.name, seed) for seed in range(len(row.runs))]
    classifier = run_folder(folder, CLASSIFIER, 0)
    found = recognised_of(networks, classifier, row.target.preset, source, threads)
    images = found.pop("images")
    if plots.available():
        figure = plots.sampled_digits(images, found["recognised"], found["confident"])
        plots.save_figure(figure, folder / "sampled.png")
    return found


def recognised_of(
    networks: list[Path], classifier: Path, preset: Preset, source: str, threads: int | None
) -> dict[str, Any]:
    """Return how many images the classifier recognises with confidence, by where they come from.

    A classifier is confident of much that is no digit, so other images are there to compare with: the test set, samples
    of as many principal components, and test images with the pixels of each shuffled.

    Parameters
    ----------
    networks : list of pathlib.Path
        Folders of unsupervised networks' runs, one a seed.
    classifier : pathlib.Path
        The folder of the classifier's run.
    preset : Preset
        The unsupervised networks' settings.
    source : str
        See `fastpc.data.find`.
    threads : int, optional

    Returns
    -------
    dict
        ``recognised``, by origin, the part of the images that a class has a probability above `CONFIDENT` for;
        ``seeds``, each network's part; ``classes``, how the first network's recognised ones fall on the classes;
        ``deviation``, how far its latents of test images are from 0; and ``images``, by origin.
    """
    from fastpc.data import find
    from fastpc.network import PCNetwork
    from fastpc.rules import Unsupervised

    judge = PCNetwork.load(classifier / MODEL)
    train, test = find(source, warn=warn)
    new = images_of(test)
    unsupervised = [PCNetwork.load(path / MODEL) for path in networks]
    drawn = [network.sample(SAMPLES, seed, threads=threads) for seed, network in enumerate(unsupervised)]
    rule = build.rule(preset)
    assert isinstance(rule, Unsupervised)
    latents = unsupervised[0].infer(test, rule.inference, prior=rule.prior, threads=threads)
    images = {
        TEST: new,
        PRIOR: drawn[0],
        COMPONENTS: Components(train, preset.latents).sample(SAMPLES),
        SHUFFLED: np.random.default_rng(0).permuted(new, axis=1),
    }
    # Pixels beyond black and white are no image's, and would speak for themselves.
    images = {origin: np.clip(rows, 0, 1) for origin, rows in images.items()}
    found = {origin: _recognised(judge, rows, threads) for origin, rows in images.items()}
    seeds = [_recognised(judge, np.clip(rows, 0, 1), threads) for rows in drawn]
    return {
        "classifier": CLASSIFIER,
        "confident": CONFIDENT,
        "samples": SAMPLES,
        "recognised": {origin: float(np.mean(classes >= 0)) for origin, classes in found.items()}
        | {PRIOR: fmean(float(np.mean(classes >= 0)) for classes in seeds)},
        "seeds": [float(np.mean(classes >= 0)) for classes in seeds],
        "classes": np.bincount(seeds[0][seeds[0] >= 0], minlength=judge.sizes[-1]).tolist(),
        "deviation": float(np.sqrt(np.mean(np.square(latents, dtype=np.float64)))),
        "images": images,
    }


def _recognised(judge: Any, images: NDArray[Any], threads: int | None) -> NDArray[np.int64]:
    """Return each image's class, −1 where the classifier is not confident of one."""
    probabilities = judge.predict_proba(images, scale=1.0, threads=threads)
    return np.where(probabilities.max(axis=1) > CONFIDENT, probabilities.argmax(axis=1), -1)
