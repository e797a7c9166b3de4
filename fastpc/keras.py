"""To Keras and back: models of Dense layers with a network's weights and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastpc.checks import require_choice, require_number
from fastpc.engine.activations import LEAK
from fastpc.errors import ConfigurationError
from fastpc.extras import tensorflow
from fastpc.network import DTYPES, LOSSES, PCNetwork
from fastpc.structure import ACTIVATIONS, scales_of, skips_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_keras(network: PCNetwork, softmax: bool, scale: float | None) -> Any:
    """Return a Keras model of the network; see `PCNetwork.to_keras`.

    Notes
    -----
    Layer l of Keras is f_l(x W_l + b_l), the f behind the product, ours is f_{l-1}(x) W_l + b_l, the f before it: f_l
    goes with W_l there. In residual networks the sums pass on what no f has touched, so each f is a layer there.
    """
    if scale is not None:
        require_number("to_keras", "scale", scale, above=0)
    keras = tensorflow("to_keras").keras
    activations = [_activation(keras, name, network.dtype) for name in network.activations]
    dtype, last = network.dtype, network.n_layers
    x = inputs = keras.Input((network.sizes[0],), dtype=dtype, name="input")
    if scale is not None:
        x = keras.layers.Rescaling(scale, dtype=dtype, name="scale")(x)
    dense = []
    for l, skip in enumerate(skips_of(last, network.residual), 1):
        after = activations[l - 1] if l < last and not network.residual else None
        dense.append(keras.layers.Dense(network.sizes[l], activation=after, dtype=dtype, name=f"layer_{l}"))
        f = activations[l - 2] if network.residual and l > 1 else None
        below = x if f is None else keras.layers.Activation(f, dtype=dtype, name=f"activation_{l - 1}")(x)
        product = dense[-1](below)
        x = keras.layers.Add(dtype=dtype, name=f"sum_{l}")([x, product]) if skip else product
    if softmax:
        x = keras.layers.Activation("softmax", dtype=dtype, name="softmax")(x)
    model = keras.Model(inputs, x, name="pc_network")
    scales = scales_of(network.sizes, network.scaling)
    for layer, weights, biases, a in zip(dense, network.weights, network.biases, scales, strict=True):
        layer.set_weights([weights * a, biases * a])
    return model


def from_keras(model: Any, loss: str | None, seed: int) -> PCNetwork:
    """Return a network with the weights of a Keras model; see `PCNetwork.from_keras`."""
    keras = tensorflow("from_keras").keras
    if loss is not None:
        require_choice("loss", loss, LOSSES)
    kernels: list[NDArray[Any]] = []
    biases: list[NDArray[Any]] = []
    activations: list[str] = []
    for layer in _chain(keras, model):
        if type(layer) is keras.layers.Dense:
            _require_plain(layer)
            kernel, *bias = layer.get_weights()
            kernels.append(kernel)
            biases.append(bias[0] if bias else np.zeros(layer.units))
            activations.append(_name(keras, layer))
        elif kernels and activations[-1] == "identity":
            activations[-1] = _name(keras, layer)
        else:
            raise _refusal(f"{_described(layer)} where no linear Dense layer is before it; use one activation for each")
    if not kernels:
        raise _refusal("one without any; add some")
    if len({kernel.dtype for kernel in kernels}) > 1:
        raise _refusal("layers of float32 and of float64; use one of these for all")
    *hidden, last = activations
    if "softmax" in hidden or last not in ("identity", "softmax"):
        wrong = "a softmax below the output" if "softmax" in hidden else f"{last} at the output"
        raise _refusal(f"{wrong}; use a linear output or a softmax, and one of fastpc's activations below")
    if last == "softmax" and loss == "squared_error":
        raise ConfigurationError(
            'expected loss="cross_entropy" for a model with a softmax at its output, got "squared_error"; '
            "leave loss out, or the softmax"
        )
    chosen = loss or ("cross_entropy" if last == "softmax" else "squared_error")
    sizes = (kernels[0].shape[0], *(kernel.shape[1] for kernel in kernels))
    network = PCNetwork(sizes, hidden, chosen, kernels[0].dtype.name, seed)
    network.weights, network.biases = kernels, biases
    return network


def _chain(keras: Any, model: Any) -> list[Any]:
    """Return the layers between input and output, each fed by the one before; a Flatten in front is left out."""
    parts = keras.layers
    if not isinstance(model, keras.Model):
        raise _refusal(f"{type(model).__name__}; pass a keras.Sequential or a functional model")
    if not getattr(model, "inputs", None):
        raise _refusal(
            f"the {type(model).__name__} {model.name!r} without a known input; begin a Sequential with keras.Input, "
            "or build a functional model in place of a class of its own"
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise _refusal(f"a model of {len(model.inputs)} inputs and {len(model.outputs)} outputs; use one of each")
    layers = [layer for layer in model.layers if not isinstance(layer, parts.InputLayer)]
    known = (parts.Dense, parts.Activation, parts.ReLU, parts.LeakyReLU, parts.Softmax)
    for k, layer in enumerate(layers):
        if type(layer) not in known and not (k == 0 and type(layer) is parts.Flatten):
            raise _refusal(f"{_described(layer)}; leave it out, or do its work on the data")
    if not isinstance(model, keras.Sequential):  # which are chains by themselves
        _require_chain(model, layers)
    if layers and type(layers[0]) is parts.Flatten:
        layers = layers[1:]
    elif len(model.inputs[0].shape) != 2:
        raise _refusal(f"inputs of shape {model.inputs[0].shape}; begin with keras.layers.Flatten")
    return layers


def _require_chain(model: Any, layers: list[Any]) -> None:
    """Raise unless every layer is fed by the one before, and the last is the output."""
    below = model.inputs[0]
    for layer in layers:
        if layer.input is not below:
            raise _refusal(f"{_described(layer)} that the layer before does not feed; use a plain chain")
        below = layer.output
    if layers and below is not model.outputs[0]:
        raise _refusal(f"{_described(layers[-1])} whose first output is not the model's; use a plain chain")


def _require_plain(layer: Any) -> None:
    """Raise unless a Dense layer computes in one dtype that we have, with no weights but kernel and bias."""
    dtypes = {layer.compute_dtype, layer.variable_dtype}
    if len(dtypes) != 1 or not dtypes <= set(DTYPES):
        raise _refusal(f"{_described(layer)} in {layer.dtype_policy.name}; use float32 or float64 for all layers")
    if getattr(layer, "quantization_mode", None) or getattr(layer, "lora_enabled", False):
        raise _refusal(f"{_described(layer)} that is quantized or has LoRA weights; merge these into its kernel first")


def _activation(keras: Any, name: str, dtype: str) -> Any:
    """Return Keras's object for an activation of ours."""
    if name == "leaky_relu":
        return keras.layers.LeakyReLU(negative_slope=LEAK, dtype=dtype)
    return keras.activations.get("linear" if name == "identity" else name)


def _name(keras: Any, layer: Any) -> str:
    """Return our name of the activation that a layer has, or is."""
    f = getattr(layer, "activation", layer)
    if isinstance(f, keras.layers.Activation):
        f = f.activation
    # leaky_relu is no function of Keras's here: that one has another slope.
    functions = {getattr(keras.activations, name, None): name for name in ACTIVATIONS if name != "leaky_relu"}
    functions[keras.activations.linear] = "identity"
    if f in functions:
        return functions[f]
    if f is keras.activations.softmax or (isinstance(f, keras.layers.Softmax) and f.axis in (-1, 1)):
        return "softmax"
    slope = getattr(f, "negative_slope", None)
    if isinstance(f, keras.layers.LeakyReLU) and slope == LEAK:
        return "leaky_relu"
    if isinstance(f, keras.layers.ReLU) and f.max_value is None and not f.threshold and slope in (0, LEAK):
        return "leaky_relu" if slope else "relu"
    what = getattr(f, "__name__", None) or type(f).__name__
    raise _refusal(
        f"the activation {what} of {_described(layer)}; use {', '.join(ACTIVATIONS[1:])}, "
        f"for leaky_relu keras.layers.LeakyReLU({LEAK})"
    )


def _described(layer: Any) -> str:
    return f"the {type(layer).__name__} layer {layer.name!r}"


def _refusal(got: str) -> ConfigurationError:
    return ConfigurationError(f"expected a Keras model of Dense layers in a chain, got {got}")
