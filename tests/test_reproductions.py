"""Presets with names: settings that exist, bars no higher than what was published."""

import pytest

from fastpc import build, initializers, network, optimizers, schedules
from fastpc.presets import OF_THE_RULE, Preset
from fastpc.reproductions import REPRODUCTIONS
from fastpc.rules import BY_NAME


@pytest.mark.parametrize("name", REPRODUCTIONS)
class TestEveryPreset:
    def test_has_its_own_name(self, name):
        assert REPRODUCTIONS[name].name == name
        assert name != "list"

    def test_is_made_of_settings_that_exist(self, name):
        preset = REPRODUCTIONS[name].preset
        assert set(preset.activation) <= set(network.ACTIVATIONS)
        assert preset.loss in network.LOSSES
        assert preset.dtype in network.DTYPES
        assert preset.initializer in initializers.NAMES
        assert preset.optimizer in optimizers.NAMES
        assert preset.schedule in schedules.NAMES
        assert preset.rule in BY_NAME
        assert preset.nudge in build.NUDGES

    def test_makes_a_network_a_rule_and_an_optimiser(self, name):
        preset = REPRODUCTIONS[name].preset
        small = build.network(preset, (4, *(2 for _ in preset.hidden), 3), seed=0)
        assert small.loss == preset.loss
        turned = preset.direction != "discriminative"
        assert build.rule(preset).name == (preset.direction if turned else preset.rule)
        made = build.optimizer(preset)
        assert made.learning_rate == preset.learning_rate
        assert preset.weight_decay in (None, made.weight_decay)

    def test_says_nothing_that_its_rule_has_no_use_for(self, name):
        preset, default = REPRODUCTIONS[name].preset, Preset()
        for setting in ("momentum", "nudge"):
            if not build.takes(preset.rule, setting):
                assert getattr(preset, setting) == getattr(default, setting)

    def test_trains_for_at_most_25_epochs(self, name):
        assert 1 <= REPRODUCTIONS[name].preset.epochs <= 25

    def test_has_a_bar_that_an_accuracy_can_reach(self, name):
        found = REPRODUCTIONS[name]
        assert found.by_error == (found.bar is None)
        if found.bar is not None:
            assert 0 < found.bar < 1
            assert found.published is None or 0 < found.published < 1


def test_settings_of_the_rule_are_settings():
    assert set(OF_THE_RULE) <= set(vars(Preset()))
