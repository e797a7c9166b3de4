"""Which ends of a network data hold still while it relaxes."""

from enum import StrEnum


class Clamp(StrEnum):
    """The ends that data hold still; everything else is free to move.

    A plain string does as well: ``clamp="output"``.

    Notes
    -----
    A free layer 0 has no f and no layer below::

        x_0 ← x_0 + gamma (pi_1 e_1 W_1^T - pi_0 x_0)

    with pi_0 = 0 where nothing is known beforehand (recognition), and 1 for latents with a unit Gaussian prior. A free
    layer L follows its prediction: the feed-forward pass is then the equilibrium, at zero energy.
    """

    BOTH = "both"  # learning from pairs
    INPUT = "input"  # predicting, or generating from labels
    OUTPUT = "output"  # recognising, or finding latents
