"""Importing fastpc is cheap, and its public names are there."""

import json
import subprocess
import sys

import pytest

import fastpc

HEAVY = ("tensorflow", "keras", "sklearn", "matplotlib", "numba", "llvmlite", "scipy")


def modules_after(*statements: str) -> list[str]:
    """Names of the modules that a fresh interpreter holds once it has run these statements."""
    program = "\n".join([*statements, "import json, sys", "print(json.dumps(sorted(sys.modules)))"])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    return list(json.loads(done.stdout.splitlines()[-1]))


def top_level(modules: list[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_importing_fastpc_loads_nothing_that_takes_time():
    modules = modules_after("import fastpc")
    assert top_level(modules).isdisjoint(HEAVY)
    assert [name for name in modules if name.startswith("fastpc")] == ["fastpc"]


def test_the_help_of_every_command_loads_no_compiler_and_no_learning_library():
    commands = ("train", "evaluate", "notebook", "info", "warmup")
    calls = [f"main([{name!r}, '--help'])" for name in commands]
    modules = modules_after("from fastpc.cli import main", "main(['--help'])", *calls)
    assert top_level(modules).isdisjoint({*HEAVY, "numpy"})


def test_data_and_settings_load_no_compiler():
    modules = modules_after("import fastpc", "fastpc.Adam", "fastpc.PC", "fastpc.as_dataset")
    assert top_level(modules).isdisjoint({"tensorflow", "sklearn", "matplotlib", "numba"})


def test_tensorflow_waits_until_it_is_used():
    names = ("PCNetwork", "Trainer", "TensorBoard", "data.as_tf_dataset")
    modules = modules_after("import fastpc, fastpc.keras", *(f"fastpc.{name}" for name in names))
    assert top_level(modules).isdisjoint({"tensorflow", "tensorboard", "keras"})


def test_every_public_name_is_there_and_listed():
    for name in fastpc.__all__:
        assert getattr(fastpc, name) is not None
        assert name in dir(fastpc)


def test_public_names_are_the_ones_of_their_modules():
    from fastpc.data import Dataset
    from fastpc.optimizers import Adam

    assert fastpc.Adam is Adam
    assert fastpc.Dataset is Dataset
    assert fastpc.data.Dataset is Dataset


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Adamm'"):
        fastpc.Adamm  # noqa: B018
    assert not hasattr(fastpc, "__wrapped__")
