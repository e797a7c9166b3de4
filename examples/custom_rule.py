"""A learning rule of one's own, with a compiled kernel: backpropagation whose signals fade.

Every layer passes on only a part of what it received. docs/adding-a-rule.md goes through it, and the test suite holds
it to its gradient; as a script it learns scikit-learn's digits.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from fastpc import Adam, PCNetwork, Trainer, load_digits
from fastpc.engine.backward import carry_down
from fastpc.engine.energy import add_energy
from fastpc.engine.jit import kernel
from fastpc.engine.layout import ERROR
from fastpc.engine.settle import register
from fastpc.engine.tile import area, set_output_errors
from fastpc.rules import TileRule


class Fading(NamedTuple):
    """What the kernel is told; its type picks the kernel."""

    kept: Any


@kernel
def sweep_fading(model, settings, step_size, order, first, count, tile, work, energies, trace):  # type: ignore[no-untyped-def]
    """One sweep down, every layer's signals times `kept`."""
    last = len(model.layers) - 1
    set_output_errors(model, tile)
    for l in range(last - 1, 0, -1):
        carry_down(model, l, ERROR, tile)
        signals = area(model, l, ERROR, tile)
        for i in range(len(signals)):
            signals[i] *= settings.kept
    add_energy(model, last, tile, count, energies)
    for t in range(len(trace)):
        add_energy(model, last, tile, count, trace[t])
    return 0


register(Fading, sweep_fading)


@dataclass(frozen=True)
class FadingBackprop(TileRule):
    """Backpropagation whose signals fade by `kept` a layer."""

    name: ClassVar[str] = "fading"

    kept: float = 0.5

    def relaxation(self, number: type, seed: int) -> Fading:
        """Return the settings as the kernel takes them."""
        return Fading(kept=number(self.kept))


if __name__ == "__main__":
    train, test = load_digits()
    trainer = Trainer(PCNetwork((64, 64, 64, 10)), FadingBackprop(kept=0.5), Adam(0.01))
    trainer.fit(train, epochs=10)
    print(f"{trainer.evaluate(test).accuracy:.1%} of the test digits are recognised")
