"""The other direction: labels, or nothing but a prior, at layer 0, and images at layer L."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, ClassVar

from fastpc.checks import require_number
from fastpc.errors import ConfigurationError
from fastpc.rules.pc import PC
from fastpc.rules.rule import Rule

if TYPE_CHECKING:
    from fastpc.network import PCNetwork
    from fastpc.optimizers import Optimizer
    from fastpc.session import Session

# How layer 0's states are found where images alone are clamped. Momentum: layer 0 is the last to settle.
RECOGNITION = PC(steps=100, step_size="auto", momentum=0.9)
INFERENCE_STEPS = 200


def require_free_bottom(owner: str, rule: object, prior: float = 0.0) -> None:
    """Raise a ConfigurationError unless `rule` can relax with layer 0 free, and `prior` be its precision."""
    require_number(owner, "prior", prior, at_least=0)
    if not isinstance(rule, PC) or rule.solver != "gradient":
        raise ConfigurationError(
            f'{owner}: expected PC(solver="gradient") to relax a free layer 0, got {rule!r}; use plain steps there'
        )


@dataclass(frozen=True)
class Generative(Rule):
    """Any rule that clamps both ends, with the data turned over: labels at layer 0, images at layer L.

    The network's sizes are (classes, …, pixels) and it learns to generate. It recognises by relaxing: with the image
    alone clamped, the label's states settle, and the largest is the answer. Data are given as for classifiers,
    images with labels.

    Parameters
    ----------
    rule : Rule
        How to learn.
    recognition : PC, optional
        How to relax where the image alone is clamped; by default `RECOGNITION`, under the precisions of `rule`.

    Raises
    ------
    ConfigurationError
        If `rule` is no rule, or `recognition` cannot relax a free layer 0.

    Notes
    -----
    Recognition, from x_0 = 0 and the states predicted from there::

        x_0 ← x_0 + gamma pi_1 e_1 W_1^T,  and x_1 … x_{L-1} as in `PC`

    Sources: Rao & Ballard 1999; Whittington & Bogacz 2017.
    """

    name: ClassVar[str] = "generative"

    rule: Rule = field(default_factory=PC)
    recognition: PC | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.rule, Rule) or self.rule.name in ("generative", "unsupervised", "hybrid"):
            raise ConfigurationError(
                f"Generative: expected a rule that clamps both ends, got {self.rule!r}; pass for example PC()"
            )
        if self.recognition is None:
            own = replace(RECOGNITION, precisions=getattr(self.rule, "precisions", None))
            object.__setattr__(self, "recognition", own)
        require_free_bottom("Generative", self.recognition)

    @property
    def takes_weights(self) -> bool:
        """Whether samples may have weights."""
        return self.rule.takes_weights

    @property
    def steps(self) -> int:
        """The steps of the rule within."""
        return int(getattr(self.rule, "steps", 1))

    def session(self, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int) -> Session:
        """Return the session of the rule within, its data turned over."""
        from fastpc.generative import GenerativeSession

        return GenerativeSession(self, network, self.rule.session(network, optimizer, batch_size, threads))


@dataclass(frozen=True)
class Unsupervised(PC):
    """Predictive coding of images alone: the latents at layer 0 are free, under a Gaussian prior.

    Labels that the data may have are not looked at. `PCNetwork.reconstruct`, `infer` and `sample` use what was learned.

    Parameters
    ----------
    prior : float
        pi_0, above 0, of a Gaussian around 0.
    inference : PC, optional
        How to find the latents of images after learning; by default as in learning, in ``INFERENCE_STEPS`` steps.
    **others
        As in `PC`; with solver="gradient".

    Notes
    -----
    As in `PC`, with ½ pi_0 ‖x_0‖² in the energy, and::

        v_0 ← m v_0 + gamma (pi_1 e_1 W_1^T - pi_0 x_0),  x_0 ← x_0 + v_0

    Sources: Rao & Ballard 1999; Oliviers et al. 2024 for the prior that sampling needs.
    """

    name: ClassVar[str] = "unsupervised"

    prior: float = 1.0
    inference: PC | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("Unsupervised", "prior", self.prior, above=0)
        require_free_bottom("Unsupervised", self)
        if self.inference is None:
            kept = {field.name: getattr(self, field.name) for field in fields(PC)}
            object.__setattr__(self, "inference", PC(**kept | {"steps": INFERENCE_STEPS}))
        require_free_bottom("Unsupervised", self.inference)

    def session(self, network: PCNetwork, optimizer: Optimizer, batch_size: int, threads: int) -> Session:
        """Return a session in which `network` learns to generate images from latents."""
        from fastpc.generative import UnsupervisedSession

        return UnsupervisedSession(self, network, super().session(network, optimizer, batch_size, threads))
