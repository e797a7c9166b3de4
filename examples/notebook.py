"""The notebook that fastpc grew from: its own run to the digit, what its figure is worth, and where to go from there.

It clamps the label while the states settle, and then compares these states with the label, which reads the answer
back. The honest figure clamps the image alone.
"""

import numpy as np

from fastpc import PC, Adam, Generative, PCNetwork, Trainer, load_mnist, notebook

train, test = load_mnist()

result = notebook.run(train)
print(f"Batch Accuracy: {result.accuracy * 100:.2f}%")
with np.printoptions(precision=8):
    print(f"softmax(x2), the first class: {result.probabilities[0, :4]} …")
print(f"from the image alone: {result.honest_accuracy:.2%} of these 64 images")

# The same network in the same direction, by the energy's own gradient, with state steps that stay stable.
network = PCNetwork((10, 128, 784), "relu")
trainer = Trainer(network, Generative(PC(steps=5, step_size="auto")), Adam(1e-3), batch_size=64)
trainer.fit(train, epochs=2)
print(f"two epochs of generative PC: {trainer.evaluate(test).accuracy:.2%} of the test images, from the image alone")
