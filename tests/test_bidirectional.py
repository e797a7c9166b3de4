"""BidirectionalNetwork: two directions of one network, what can be asked of them, and what is kept in files."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import naive
from fastpc import BidirectionalNetwork, BidirectionalPC, PCNetwork
from fastpc.checkpoint import kind_of_network
from fastpc.errors import CheckpointError, ConfigurationError, DataError

SETTINGS = ("sizes", "activations", "loss", "dtype", "seed", "initializer", "n_layers", "n_parameters")


def make_network(**settings: Any) -> BidirectionalNetwork:
    network = BidirectionalNetwork((5, 4, 3, 2), ("tanh", "gelu"), seed=7, **settings)
    network.recognition.biases[1] = [1.0, -2.5, 1 / 3]
    network.generation.biases[0] = [1.0, 2.0, 3.0]
    return network


class TestDirections:
    def test_one_is_the_other_s_reverse(self) -> None:
        network = make_network(loss="cross_entropy")
        up, down = network.recognition, network.generation
        assert up.sizes == network.sizes == down.sizes[::-1] == (5, 4, 3, 2)
        assert up.activations == network.activations == down.activations[::-1]
        assert (up.loss, down.loss) == ("cross_entropy", "squared_error")
        assert network.n_layers == 3
        assert network.n_parameters == up.n_parameters + down.n_parameters

    def test_their_parameters_are_views_of_the_network_s(self) -> None:
        network = make_network()
        for part in (network.recognition, network.generation):
            part.parameters[:] = 3
        assert np.all(network.parameters == 3)
        network.parameters[:] = 4
        assert np.all(network.recognition.weights[0] == 4)
        assert np.all(network.generation.biases[-1] == 4)

    def test_the_seed_decides_the_weights(self) -> None:
        first, again, other = (BidirectionalNetwork((5, 4, 2), seed=seed) for seed in (1, 1, 2))
        assert np.array_equal(first.parameters, again.parameters)
        assert not np.array_equal(first.parameters, other.parameters)

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
    def test_a_copy_is_whole_and_apart(self, copied: Any) -> None:
        network = make_network()
        twin = copied(network)
        assert np.array_equal(twin.parameters, network.parameters)
        twin.parameters[:] = 9
        assert np.all(twin.recognition.parameters == 9)
        assert np.all(twin.generation.parameters == 9)
        assert not np.any(network.parameters == 9)

    @pytest.mark.parametrize("wrong", [{"sizes": (5,)}, {"activation": "step"}, {"loss": "hinge"}, {"dtype": "int8"}])
    def test_what_is_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ConfigurationError, match=r"expected .*, got .*; "):
            BidirectionalNetwork(**({"sizes": (5, 4, 2)} | wrong))

    def test_it_says_what_it_is(self) -> None:
        assert repr(make_network()) == "BidirectionalNetwork(5-4-3-2, tanh,gelu, squared_error, float32)"


class TestAsking:
    def test_recognition_is_the_bottom_up_pass(self) -> None:
        network, x = make_network(), np.random.default_rng(0).normal(size=(6, 5))
        assert np.array_equal(network.forward(x), network.recognition.forward(x))
        assert np.array_equal(network.predict(x), network.forward(x).argmax(axis=1))
        np.testing.assert_allclose(network.predict_proba(x).sum(axis=1), 1, rtol=1e-6)

    def test_generation_is_the_top_down_pass_from_classes_or_rows(self) -> None:
        network = make_network(dtype="float64")
        images = network.generate([1, 0, 1])
        assert images.shape == (3, 5)
        assert np.array_equal(images, network.generate(np.eye(2)[[1, 0, 1]]))
        down = network.generation
        _, expected = naive.feedforward(down.weights, down.biases, ("gelu", "tanh"), np.eye(2)[[1, 0, 1]])
        np.testing.assert_allclose(images, expected, rtol=1e-10)

    @pytest.mark.parametrize("wrong", [[2], [-1], [0.5], ["one"]])
    def test_classes_that_are_none_are_refused(self, wrong: list[Any]) -> None:
        with pytest.raises(DataError, match="expected classes from 0 to 1"):
            make_network().generate(wrong)

    def test_energies_fall_as_the_states_settle(self) -> None:
        network, random = make_network(), np.random.default_rng(0)
        data = random.normal(size=(6, 5)), random.integers(0, 2, 6)
        before = sum(part.sum() for part in network.energy(*data))
        after = sum(part.sum() for part in network.energy(*data, BidirectionalPC(steps=20)))
        assert after < before
        up, _ = network.energy(*data)
        assert np.all(up[:-1] == 0)  # the bottom-up pass is where the states start


class TestFiles:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_a_network_comes_back_as_it_was(self, tmp_path: Path, dtype: str) -> None:
        network = make_network(dtype=dtype, initializer="he_normal", loss="cross_entropy")
        network.save(tmp_path / "model")
        loaded = BidirectionalNetwork.load(tmp_path / "model")
        assert all(getattr(loaded, name) == getattr(network, name) for name in SETTINGS)
        assert loaded.parameters.tobytes() == network.parameters.tobytes()
        loaded.save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()

    def test_either_kind_refuses_the_other_s_file(self, tmp_path: Path) -> None:
        make_network().save(tmp_path / "both")
        PCNetwork((5, 2)).save(tmp_path / "one")
        with pytest.raises(CheckpointError, match="expected format fastpc network 1, got fastpc bidirectional"):
            PCNetwork.load(tmp_path / "both")
        with pytest.raises(CheckpointError, match="load it as what it is"):
            BidirectionalNetwork.load(tmp_path / "one")
        assert kind_of_network(tmp_path / "both") is BidirectionalNetwork
        assert kind_of_network(tmp_path / "one") is PCNetwork

    def test_a_direction_that_is_missing_or_changed_is_found(self, tmp_path: Path) -> None:
        path = tmp_path / "model"
        make_network().save(path)
        whole = path.read_bytes()
        path.write_bytes(whole.replace(b"generation.weights.1", b"generation.weights.9"))
        with pytest.raises(CheckpointError, match="expected header_sha256"):
            BidirectionalNetwork.load(path)
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(CheckpointError, match=r"damaged or was changed"):
            BidirectionalNetwork.load(path)
