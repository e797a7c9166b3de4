"""The table of kernels: what may be added to it, and that nothing else is let through."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from fastpc import PCNetwork, Trainer
from fastpc.engine import settle
from fastpc.engine.jit import kernel
from fastpc.engine.relax import Relaxation
from fastpc.errors import ConfigurationError
from fastpc.rules import Notebook, TileRule

DATA = (np.ones((2, 3)), np.ones((2, 2)))


class Kept(NamedTuple):
    """Settings without a kernel."""

    number: Any


class Unregistered(TileRule):
    """A rule whose author forgot the kernel."""

    name = "unregistered"

    def relaxation(self, number: type, seed: int) -> Kept:
        """Return settings that no kernel takes."""
        return Kept(number(1))


@pytest.mark.parametrize("wrong", [int, dict, tuple, NamedTuple("Empty", []), Kept(1.0)])
def test_settings_that_no_kernel_can_read_are_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected settings to be a NamedTuple.*, got .*; "):
        settle.register(wrong, kernel(lambda: 0))


def test_a_second_kernel_for_the_same_settings_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no kernel yet, got Relaxation; make a NamedTuple of their own"):
        settle.register(Relaxation, kernel(lambda: 0))


@pytest.mark.parametrize("use", [
    lambda network, rule: network.gradient(*DATA, rule),
    lambda network, rule: Trainer(network, rule).fit(DATA),
])  # fmt: skip
def test_a_rule_whose_kernel_is_unknown_is_refused(use: Callable[[PCNetwork, TileRule], Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"with a kernel, got Kept\(.*; name its kernel"):
        use(PCNetwork((3, 2)), Unregistered())


def test_a_rule_that_settles_no_tiles_cannot_be_relaxed_alone() -> None:
    with pytest.raises(ConfigurationError, match=r"expected a rule that settles samples .*Notebook"):
        PCNetwork((3, 2)).relax(*DATA, Notebook())  # type: ignore[arg-type]
