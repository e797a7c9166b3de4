"""Which kernel settles a tile: the settings' type says so, and a run compiles no other.

A kernel ``f(model, settings, step_size, order, first, count, tile, work, energies, trace)`` is called for every tile,
with samples ``order[first : first + count]``. It finds the feed-forward pass in the tile's states, predictions and
activities, and the clamped target in the output's states. It leaves in every layer's ERROR area what the weights learn
from, pi_l e_l, and in the ACTIVITY areas below what they multiply: the weights' gradient is the sum over samples of
f(x_{l-1})^T pi_l e_l. It adds each layer's energy, summed over the samples, to ``energies[l]``, and the energies after
t steps to ``trace[t]`` if there are any such rows; it returns the steps taken. ``work`` is scratch, whole numbers.
"""

from __future__ import annotations

from typing import Any

from numba.extending import overload

from fastpc.engine.backward import Backward, sweep_once
from fastpc.engine.energy import add_energies
from fastpc.engine.fixed_predictions import FixedPredictions, relax_fixed
from fastpc.engine.jit import INNER, merged_kernel
from fastpc.engine.relax import Relaxation, relax
from fastpc.engine.relax_errors import Sweeps, relax_errors
from fastpc.engine.zil import Schedule, run_schedule
from fastpc.errors import ConfigurationError


@merged_kernel
def relax_plainly(model, settings, step_size, order, first, count, tile, work, energies, trace):
    """Relax by plain steps."""
    taken = relax(model, settings, step_size, order, first, count, tile, work, trace)
    add_energies(model, tile, count, energies)
    return taken


KERNELS: dict[type, Any] = {
    Relaxation: relax_plainly,
    Sweeps: relax_errors,
    Backward: sweep_once,
    FixedPredictions: relax_fixed,
    Schedule: run_schedule,
}


def register(settings: type, kernel: Any) -> None:
    """Let `kernel` settle tiles for rules whose `relaxation` returns `settings`, from outside the package.

    Parameters
    ----------
    settings : type
        A NamedTuple of at least one number.
    kernel : a function compiled by `fastpc.engine.jit.kernel`
        As the module's notes say. It is compiled anew in every process, so that no edit of it is ever missed.

    Raises
    ------
    ConfigurationError
        If the settings are no NamedTuple with a field, or have a kernel: what was compiled for it would stay.
    """
    if not (isinstance(settings, type) and issubclass(settings, tuple) and getattr(settings, "_fields", None)):
        raise ConfigurationError(
            f"expected settings to be a NamedTuple of at least one number, got {settings!r}; pass such a class"
        )
    if settings in KERNELS:
        raise ConfigurationError(
            f"expected settings that have no kernel yet, got {settings.__name__}; make a NamedTuple of their own"
        )
    KERNELS[settings] = kernel


def require_kernel(settings: object) -> None:
    """Raise unless a rule's settings have a kernel.

    Raises
    ------
    ConfigurationError
        If they have none.
    """
    if type(settings) not in KERNELS:
        raise ConfigurationError(
            f"expected a rule's relaxation to be settings with a kernel, got {settings!r}; "
            "name its kernel with fastpc.engine.settle.register"
        )


def settle(model, settings, step_size, order, first, count, tile, work, energies, trace):
    """Settle a tile as its settings ask; return the steps taken."""
    raise NotImplementedError("compiled code only")


@overload(settle, jit_options=INNER)
def _settle_by_type(model, settings, step_size, order, first, count, tile, work, energies, trace):
    kernel = KERNELS[settings.instance_class]

    def chosen(model, settings, step_size, order, first, count, tile, work, energies, trace):
        return kernel(model, settings, step_size, order, first, count, tile, work, energies, trace)

    return chosen
