"""tf.data in, Keras out: train on shifted digits from a tf.data pipeline, and let Keras measure the network.

Needs fastpc[tensorflow].
"""

import tensorflow as tf

from fastpc import PC, Adam, PCNetwork, Trainer, load_mnist
from fastpc.data import as_tf_dataset

EPOCHS = 5


def shifted(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Move an image by up to a pixel in each direction."""
    return tf.roll(tf.reshape(x, (28, 28)), tf.random.uniform((2,), -1, 2, tf.int32), (0, 1)), y


train, test = load_mnist()
stream = as_tf_dataset(train, batch_size=None).map(shifted, tf.data.AUTOTUNE).batch(256)

network = PCNetwork((784, 256, 256, 10), "relu", "cross_entropy")
trainer = Trainer(network, PC(steps=3, step_size=0.05), Adam(1e-3), batch_size=128)
for epoch in range(EPOCHS):
    # A call reads the stream once and keeps it; another call reads it anew, with other shifts.
    history = trainer.fit(stream)
    print(f"epoch {epoch + 1}: {history.epochs[-1].accuracy:.2%} while training")
print(f"fastpc: {trainer.evaluate(test).accuracy:.2%} of the test images")

model = network.to_keras(softmax=True)
model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
_, accuracy = model.evaluate(as_tf_dataset(test), verbose=0)
print(f"Keras:  {accuracy:.2%}")
