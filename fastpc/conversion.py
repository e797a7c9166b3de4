"""A network as other libraries have it, and theirs as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from fastpc.network import PCNetwork


class Conversion:
    """The methods of a `PCNetwork` that go to Keras and back."""

    def to_keras(self, *, softmax: bool = False, scale: float | None = None) -> Any:
        """Return a Keras model with the same weights and outputs, not compiled.

        Parameters
        ----------
        softmax : bool
            End in one: the outputs are then those of `predict_proba`, else those of `forward`.
        scale : float, optional
            Begin with a layer that multiplies the inputs, as 1/255 does for pixels; without it the model takes what
            layer 0 takes, such as `fastpc.data.as_tf_dataset` yields. Keras scales no uint8 by itself.

        Returns
        -------
        keras.Model
            A chain of Dense layers, each with the activation of the layer it makes; with skip connections, sums
            between them. Scales of layers are part of its kernels.

        Raises
        ------
        DependencyError
            If TensorFlow is missing.
        """
        from fastpc.keras import to_keras

        return to_keras(cast("PCNetwork", self), softmax, scale)

    @classmethod
    def from_keras(cls, model: Any, loss: str | None = None, seed: int = 0) -> PCNetwork:
        """Return a network with the weights and outputs of a Keras model.

        Parameters
        ----------
        model : keras.Model
            Dense layers in a chain, with or without biases, behind an optional Flatten. Activations may be layers.
        loss : "squared_error" or "cross_entropy", optional
            By default cross-entropy behind a softmax, which is the loss's own part here: outputs are what enters it.
            A linear output says nothing about the loss, and has the squared error.
        seed : int
            As of any network; rules that draw numbers use it.

        Raises
        ------
        ConfigurationError
            If the model has anything that no PCNetwork has, by its name.
        DependencyError
            If TensorFlow is missing.
        """
        from fastpc.keras import from_keras

        return from_keras(model, loss, seed)
