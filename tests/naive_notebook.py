"""The seed notebook's procedure: as printed, and batch-first as a rule to stream batches through.

Layer 0 is the image, predicted from above: w1 (hidden, pixels) carries x1 down to the image and
w2 (classes, hidden) carries x2 down to x1. In batch-first arrays a prediction is x @ W.
"""

import numpy as np
from scipy.special import softmax

from naive import Array

STEPS, STEP_SIZE, LEARNING_RATE = 5, 0.1, 0.005


def initial_weights() -> tuple[Array, Array]:
    """w1 and w2 as the notebook draws them."""
    random = np.random.RandomState(0)
    return random.randn(128, 784) * 0.01, random.randn(10, 128) * 0.01


def as_printed(images: np.ndarray, labels: np.ndarray) -> tuple[Array, float]:
    """Run the notebook's cells, in its own names and its samples-as-columns arrays.

    Parameters
    ----------
    images : ndarray of uint8, (60000, 28, 28)
    labels : ndarray of uint8, (60000,)

    Returns
    -------
    table : ndarray of float64, (10, 64)
        Its last cell, softmax(x2).
    accuracy : float
        Its "Batch Accuracy", in [0, 1].
    """
    x_batch = (images[:64].reshape(-1, 784).astype(np.float32) / 255.0).T
    y_batch = np.eye(10)[labels[:64]].T
    w1, w2 = initial_weights()
    x0 = x_batch
    x1 = np.zeros((128, x0.shape[1]))
    x2 = np.zeros((10, x0.shape[1]))
    lr_w = LEARNING_RATE
    lr_s = STEP_SIZE
    for _ in range(STEPS):
        pred_x0 = w1.T @ x1
        pred_x1 = w2.T @ x2
        err_x0 = x0 - pred_x0
        err_x1 = x1 - pred_x1
        err_x2 = y_batch - softmax(x2, axis=0)
        x1 += lr_s * (w1 @ err_x0 - w2.T @ err_x2)
        x2 += lr_s * (w2 @ err_x1 + err_x2)
        w1 += lr_w * (x1 @ err_x0.T)
        w2 += lr_w * (x2 @ err_x1.T)
    accuracy = np.mean(np.argmax(softmax(x2, axis=0), axis=0) == np.argmax(y_batch, axis=0))
    # The last cell adds 1e-9 to the sum, after the run.
    e_x = np.exp(x2 - np.max(x2, axis=0, keepdims=True))
    return e_x / (np.sum(e_x, axis=0, keepdims=True) + 1e-9), float(accuracy)


def batch(
    w1: Array,
    w2: Array,
    x0: Array,
    y: Array,
    steps: int = STEPS,
    step_size: float = STEP_SIZE,
    learning_rate: float = LEARNING_RATE,
) -> tuple[Array, Array, Array, Array]:
    """Take one batch, (B, pixels) and (B, classes), through the rule; return w1, w2, x1, x2.

    The states start from zero, and every step moves the weights by a sum over the batch.
    """
    x1, x2 = np.zeros((len(x0), len(w1))), np.zeros((len(x0), len(w2)))
    for _ in range(steps):
        e0, e1, e2 = x0 - x1 @ w1, x1 - x2 @ w2, y - softmax(x2, axis=1)
        # The energy's gradient would have e1 where the notebook has e2 @ w2.
        x1 = x1 + step_size * (e0 @ w1.T - e2 @ w2)
        x2 = x2 + step_size * (e1 @ w2.T + e2)
        w1 = w1 + learning_rate * x1.T @ e0
        w2 = w2 + learning_rate * x2.T @ e1
    return w1, w2, x1, x2


def recognise(w1: Array, w2: Array, x0: Array, steps: int = STEPS, step_size: float = STEP_SIZE) -> Array:
    """Settle the states from zero on the image alone; return x2, (B, classes).

    The notebook's rule with the label's error gone and the weights still.
    """
    x1, x2 = np.zeros((len(x0), len(w1))), np.zeros((len(x0), len(w2)))
    for _ in range(steps):
        e0, e1 = x0 - x1 @ w1, x1 - x2 @ w2
        x1 = x1 + step_size * e0 @ w1.T
        x2 = x2 + step_size * e1 @ w2.T
    return x2


def auto_step_size(w1: Array) -> float:
    """1 / (1 + λ), λ the largest eigenvalue of w1 W1ᵀ."""
    return float(1 / (1 + np.linalg.norm(w1, 2) ** 2))
