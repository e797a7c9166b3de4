"""The workloads that are timed, and the plain dense count of the work in each.

A workload is a network, a rule and a batch size; it says nothing of who runs it. Layers are
numbered 0…L, and ``sizes[l]`` is n_l.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

Rule = Literal["pc", "epc", "ipc", "fpa", "zil", "backprop", "bpc", "hybrid", "unsupervised", "notebook"]
Precision = Literal["float32", "float64"]


@dataclass(frozen=True)
class Workload:
    """One row of the table of workloads.

    Parameters
    ----------
    name : str
    sizes : tuple of int
        n_0…n_L.
    batch_size : int
    steps : int
        T, relaxation steps a batch; the rule "backprop" ignores it.
    rule : {"pc", "epc", "ipc", "fpa", "zil", "backprop", "bpc", "hybrid", "unsupervised", "notebook"}
    activation : str
        f, of every hidden layer; the notebook's rule has none.
    loss : {"squared_error", "cross_entropy"}
    step_size, momentum : float
        Of the states.
    learning_rate : float
        Adam's; for the notebook's rule, that of its own updates, which are summed over the batch.
    dtype : {"float32", "float64"}
    generative : bool
        The label is clamped at layer 0 and the image at layer L, instead of the other way round.
    bar, aim : float, optional
        The roofline fraction, on two threads, that fastpc must reach, and the one it aims at.
    """

    name: str
    sizes: tuple[int, ...]
    batch_size: int
    steps: int
    rule: Rule = "pc"
    activation: str = "relu"
    loss: Literal["squared_error", "cross_entropy"] = "squared_error"
    step_size: float = 0.1
    momentum: float = 0.0
    learning_rate: float = 1e-3
    dtype: Precision = "float32"
    generative: bool = False
    bar: float | None = None
    aim: float | None = None

    def with_rule(self, rule: Rule, bar: float | None = None) -> "Workload":
        """Return the same network and batch under another rule, with a bar of its own, if any."""
        return replace(self, name=f"{self.name}-{rule}", rule=rule, bar=bar, aim=None)

    @property
    def matrices(self) -> list[tuple[int, int]]:
        """Every weight matrix's (n_in, n_out); bidirectional and hybrid networks have a second set, the other way."""
        upward = list(pairwise(self.sizes))
        return upward if self.rule not in ("bpc", "hybrid") else upward + list(pairwise(self.sizes[::-1]))

    def dense_count_per_sample(self) -> int:
        """Floating-point operations a sample costs a straightforward dense implementation.

        Returns
        -------
        int
            Multiplications and additions of the matrix products, and nothing else.

        Notes
        -----
        With P_l = 2 n_{l-1} n_l, the cost of one product with W_l:

        - PC and ePC: P_1 once, as the input is clamped; every other layer's product for the
          feed-forward start and two a step, 2T + 1 in all; and every layer's weight gradient.
        - backpropagation: forward, weight gradient, and all signals but the one to the input.
        - iPC: T times backpropagation.
        - FPA: forward, a product a step, and the weight gradient; the clamped input's layer but twice.
        - Z-IL: PC's count for L - 1 steps, in which the error reaches the lowest layer.
        - unsupervised: PC's count, but that the lowest layer's input is free, and its product one of the others.
        - hybrid: PC's count, and the bottom-up network's forward pass and weight gradient.
        - bPC: PC's count for the network, and once more for its reverse: either end is clamped.
        - the notebook's rule: three products of the lower layer and four of the upper, a step.

        Images in sparse form, Gram matrices and states that cannot move yet are not counted, so
        that an implementation which exploits them may pass a fraction of 1.
        """
        if self.rule == "bpc":
            ways = (replace(self, rule="pc", sizes=sizes) for sizes in (self.sizes, self.sizes[::-1]))
            return sum(way.dense_count_per_sample() for way in ways)
        if self.rule == "hybrid":
            return replace(self, rule="pc").dense_count_per_sample() + 4 * sum(n * m for n, m in pairwise(self.sizes))
        first, *others = (2 * n * m for n, m in self.matrices)
        backprop = 2 * first + 3 * sum(others)
        match self.rule:
            case "pc" | "epc":
                return 2 * first + (2 * self.steps + 2) * sum(others)
            case "unsupervised":
                return (2 * self.steps + 2) * (first + sum(others))
            case "fpa":
                return 2 * first + (self.steps + 2) * sum(others)
            case "zil":
                return replace(self, rule="pc", steps=len(others)).dense_count_per_sample()
            case "backprop":
                return backprop
            case "ipc":
                return self.steps * backprop
            case "notebook":
                (second,) = others
                return self.steps * (3 * first + 4 * second)

    def dense_count_per_batch(self) -> int:
        """Floating-point operations of one whole batch: see `dense_count_per_sample`."""
        return self.batch_size * self.dense_count_per_sample()


_A64 = Workload("A64", (784, 128, 10), batch_size=64, steps=8, bar=0.70, aim=1.0)
_B = Workload("B", (784, 256, 256, 10), batch_size=256, steps=20, bar=0.80, aim=0.95)
# He-normal weights to 784 pixels give a curvature of 25: a step of 0.1 would not be stable.
_G = Workload(
    "G",
    (10, 128, 784),
    batch_size=128,
    steps=20,
    activation="identity",
    step_size=0.02,
    generative=True,
    bar=2.0,
    aim=4.0,
)
# The rule itself turns images and labels over.
_H = replace(_G, name="H", rule="hybrid", steps=8, generative=False, bar=None, aim=None)
# The notebook's own rate of 0.005 diverges when streamed; this one keeps every number finite.
_N32 = Workload(
    "N32",
    (784, 128, 10),
    batch_size=64,
    steps=5,
    rule="notebook",
    activation="identity",
    learning_rate=1e-7,
    bar=0.65,
    aim=0.9,
)

WORKLOADS: dict[str, Workload] = {
    workload.name: workload
    for workload in (
        _A64,
        replace(_A64, name="A64t", activation="tanh", bar=0.62, aim=0.95),
        replace(_A64, name="A256", batch_size=256, bar=0.85, aim=1.2),
        _B,
        # The published settings of the states for this network, PCX's squared-error PC.
        Workload(
            "P",
            (784, 128, 128, 128, 10),
            batch_size=128,
            steps=8,
            activation="gelu",
            step_size=0.0105,
            momentum=0.65,
            bar=0.60,
            aim=0.9,
        ),
        Workload(
            "W",
            (784, 1024, 1024, 10),
            batch_size=256,
            steps=8,
            loss="cross_entropy",
            bar=0.85,
            aim=0.95,
        ),
        _N32,
        replace(_N32, name="N64", dtype="float64"),
        _G,
        # Both directions between image and label; the 256 units below the image meet it through its Gram matrix.
        Workload("D", (784, 256, 256, 10), batch_size=128, steps=8, rule="bpc", step_size=0.05),
        # Labels below and images on top, relaxation started by a network that guesses; and images alone.
        _H,
        replace(_H, name="U", rule="unsupervised", sizes=(32, 128, 784)),
        replace(_A64.with_rule("ipc"), bar=0.5),
        _A64.with_rule("epc"),
        _A64.with_rule("fpa"),
        _A64.with_rule("zil"),
        _A64.with_rule("backprop"),
        _B.with_rule("epc", bar=0.70),
        _B.with_rule("backprop", bar=0.70),
    )
}
