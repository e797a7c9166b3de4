"""To Keras and back: the same outputs; what cannot be carried over is refused by its name."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from fastpc.data import as_dataset, as_tf_dataset
from fastpc.errors import ConfigurationError
from fastpc.network import PCNetwork
from fastpc.structure import ACTIVATIONS
from strategies import Case, cases
from training import network_of

keras = pytest.importorskip("tensorflow").keras
layers = keras.layers


def outputs(model: Any, x: Any) -> Any:
    return np.asarray(model(x))


def chain(*parts: Any, n_inputs: int = 4) -> Any:
    return keras.Sequential([keras.Input((n_inputs,)), *parts])


def assert_agree(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


class TestToKeras:
    @settings(max_examples=20)
    @given(cases(max_hidden=3))
    def test_outputs_and_probabilities_agree(self, case: Case):
        network, x = network_of(case), case.x.astype(case.dtype)
        assert_agree(network.forward(x), outputs(network.to_keras(), x))
        if case.sizes[-1] > 1:  # of a single output Keras warns
            assert_agree(network.predict_proba(x), outputs(network.to_keras(softmax=True), x))

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_every_activation_agrees_far_from_0_too(self, activation):
        network = PCNetwork((1, 33, 3), activation, dtype="float64")
        x = np.linspace(-30, 30, 101)[:, None]
        np.testing.assert_allclose(network.forward(x), outputs(network.to_keras(), x), rtol=1e-7, atol=1e-7)

    def test_weights_are_the_same(self):
        network = PCNetwork((5, 7, 3), ["tanh"])
        model = network.to_keras()
        kernels = [weights for weights in model.get_weights() if weights.ndim == 2]
        assert all(np.array_equal(w, k) for w, k in zip(network.weights, kernels, strict=True))
        assert [layer.name for layer in model.layers] == ["input", "layer_1", "layer_2"]

    @pytest.mark.parametrize("scaling", [None, "mupc"])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_skip_connections_and_scales_agree(self, scaling, dtype):
        activation = ("gelu", "tanh", "relu", "leaky_relu", "silu")
        network = PCNetwork((9, *(12,) * 5, 4), activation, dtype=dtype, residual=True, scaling=scaling)
        network.biases = [np.random.default_rng(0).normal(size=len(b)) for b in network.biases]
        x = np.random.default_rng(1).normal(size=(30, 9)).astype(dtype)
        assert_agree(network.forward(x), outputs(network.to_keras(), x))

    def test_pixels_are_scaled_where_that_is_asked_for(self):
        network = PCNetwork((64, 16, 10))
        pixels = np.random.default_rng(0).integers(0, 256, (20, 64), np.uint8)
        assert_agree(network.forward(pixels), outputs(network.to_keras(scale=1 / 255), pixels))
        scaled = as_tf_dataset(as_dataset(pixels, np.zeros(20, np.uint8)), batch_size=7)
        assert_agree(network.forward(pixels), network.to_keras().predict(scaled, verbose=0))
        with pytest.raises(ConfigurationError, match="scale"):
            network.to_keras(scale=0.0)

    def test_keras_goes_on_training_it(self):
        x = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)
        network = PCNetwork((5, 8, 2), "tanh", "cross_entropy")
        model = network.to_keras(softmax=True)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, x[:, 0] > 0, epochs=1, verbose=0)
        assert not np.array_equal(model.get_weights()[0], network.weights[0])
        assert_agree(PCNetwork.from_keras(model).predict_proba(x), outputs(model, x))


class TestFromKeras:
    @settings(max_examples=10)
    @given(cases(max_hidden=3))
    def test_there_and_back_is_the_same_network(self, case: Case):
        network = network_of(case)
        back = PCNetwork.from_keras(network.to_keras(), loss=case.loss)
        assert repr(back) == repr(network)
        assert np.array_equal(back.parameters, network.parameters)

    def test_a_softmax_is_the_cross_entropys(self):
        model = chain(layers.Dense(5, "relu"), layers.Dense(3, "softmax"))
        network = PCNetwork.from_keras(model)
        assert (network.sizes, network.activations, network.loss) == ((4, 5, 3), ("relu",), "cross_entropy")
        x = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
        assert_agree(network.predict_proba(x), outputs(model, x))
        with pytest.raises(ConfigurationError, match="softmax"):
            PCNetwork.from_keras(model, loss="squared_error")

    @pytest.mark.parametrize("loss", [None, "squared_error", "cross_entropy"])
    def test_a_linear_output_has_the_loss_that_is_asked_for(self, loss):
        network = PCNetwork.from_keras(chain(layers.Dense(3)), loss=loss, seed=5)
        assert (network.loss, network.seed) == (loss or "squared_error", 5)

    @pytest.mark.parametrize(
        ("parts", "activation"),
        [
            ((layers.Activation("tanh"),), "tanh"),
            ((layers.ReLU(),), "relu"),
            ((layers.ReLU(negative_slope=0.01),), "leaky_relu"),
            ((layers.LeakyReLU(negative_slope=0.01),), "leaky_relu"),
            ((), "identity"),
        ],
        ids=["tanh", "relu", "leaky relu", "leaky relu by name", "none"],
    )
    def test_activations_may_be_layers_and_images_flattened(self, parts, activation):
        model = keras.Sequential([keras.Input((4, 3)), layers.Flatten(), layers.Dense(6), *parts, layers.Dense(2)])
        network = PCNetwork.from_keras(keras.models.clone_model(model))
        assert network.activations == (activation,)
        model = keras.models.clone_model(model)
        x = np.random.default_rng(0).normal(size=(9, 4, 3)).astype(np.float32)
        assert_agree(PCNetwork.from_keras(model).forward(x), outputs(model, x))

    def test_a_model_made_layer_by_layer_a_functional_one_and_one_without_biases(self):
        grown = keras.Sequential()
        grown.add(keras.Input((4,)))
        grown.add(layers.Dense(6, "gelu", use_bias=False))
        grown.add(layers.Dense(2))
        x = inputs = keras.Input((4,), dtype="float64")
        for n in (5, 3):
            x = layers.Dense(n, "silu" if n == 5 else None, dtype="float64")(x)
        rows = np.random.default_rng(0).normal(size=(9, 4))
        for model in (grown, keras.Model(inputs, x)):
            network = PCNetwork.from_keras(model)
            assert network.dtype == model.dtype if model is grown else "float64"
            assert_agree(network.forward(rows.astype(network.dtype)), outputs(model, rows))


def branched() -> Any:
    x = keras.Input((4,))
    h = layers.Dense(4, name="first")(x)
    return keras.Model(x, layers.Add(name="sum")([h, layers.Dense(4, name="second")(h)]))


def skipped() -> Any:
    x = keras.Input((4,))
    first, second = layers.Dense(4, name="first")(x), layers.Dense(4, name="second")(x)
    return keras.Model(x, [first, second])


def shared() -> Any:
    x, layer = keras.Input((4,)), layers.Dense(4, name="twice")
    return keras.Model(x, layer(layer(x)))


def empty() -> Any:
    x = keras.Input((4,))
    return keras.Model(x, x)


class Own(keras.Model):
    def call(self, x: Any) -> Any:
        return x


class OwnDense(layers.Dense):
    pass


def mixed() -> Any:
    return chain(layers.Dense(3, name="mixed", dtype="mixed_float16"))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: chain(layers.Dense(5), layers.Dropout(0.5, name="drop"), layers.Dense(3)), "Dropout layer 'drop'"),
        (lambda: chain(layers.BatchNormalization(name="norm"), layers.Dense(3)), "BatchNormalization layer 'norm'"),
        (lambda: chain(layers.Rescaling(0.1, name="r"), layers.Dense(3)), "Rescaling layer 'r'.* on the data"),
        (
            lambda: keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3, name="conv"), layers.Flatten()]),
            "Conv2D layer 'conv'",
        ),
        (lambda: chain(layers.Dense(3), layers.Flatten(name="flat")), "Flatten layer 'flat'"),
        (lambda: chain(OwnDense(3, name="own")), "OwnDense layer 'own'"),
        (lambda: chain(chain(layers.Dense(3))), "Sequential layer"),
        (lambda: chain(layers.Dense(3, "elu", name="e"), layers.Dense(3)), "activation elu of the Dense layer 'e'"),
        (lambda: chain(layers.Dense(3, "leaky_relu", name="e"), layers.Dense(3)), "leaky_relu of the Dense layer 'e'"),
        (lambda: chain(layers.Dense(3, lambda x: 2 * x, name="e"), layers.Dense(3)), "<lambda> of the Dense layer 'e'"),
        (lambda: chain(layers.Dense(3), layers.LeakyReLU(name="l"), layers.Dense(3)), "LeakyReLU layer 'l'"),
        (lambda: chain(layers.Dense(3), layers.ReLU(6.0, name="l"), layers.Dense(3)), "ReLU layer 'l'"),
        (lambda: chain(layers.Dense(3, "relu"), layers.ReLU(name="l"), layers.Dense(3)), "ReLU layer 'l' where no"),
        (lambda: chain(layers.ReLU(name="l"), layers.Dense(3)), "ReLU layer 'l' where no"),
        (lambda: chain(layers.Dense(3, "sigmoid")), "sigmoid at the output"),
        (lambda: chain(layers.Dense(3, "softmax"), layers.Dense(3)), "softmax below the output"),
        (lambda: keras.Sequential([layers.Dense(3)]), "without a known input; begin .* keras.Input"),
        (empty, "one without any"),
        (lambda: keras.Sequential([keras.Input((2, 2)), layers.Flatten()]), "one without any"),
        (lambda: chain(layers.Dense(2), layers.Dense(2, dtype="float64")), "of float32 and of float64"),
        (lambda: keras.Sequential([keras.Input((5, 4)), layers.Dense(3)]), r"inputs of shape \(None, 5, 4\)"),
        (mixed, "'mixed' in mixed_float16"),
        (branched, "Add layer 'sum'"),
        (skipped, "1 inputs and 2 outputs"),
        (shared, "'twice' whose first output"),
        (Own, "the Own .* without a known input"),
        (lambda: layers.Dense(3), "got Dense"),
        (lambda: "model.keras", "got str"),
        (lambda: PCNetwork((4, 4, 4, 2), residual=True).to_keras(), "layer 'activation_2'|Add layer"),
    ],
)
def test_what_no_network_has_is_refused_by_its_name(make, named):
    with pytest.raises(ConfigurationError, match=named) as caught:
        PCNetwork.from_keras(make())
    assert "\n" not in str(caught.value)


def test_an_unknown_loss_is_refused():
    with pytest.raises(ConfigurationError, match="'mse'"):
        PCNetwork.from_keras(chain(layers.Dense(3)), loss="mse")
