"""MNIST in ten lines: train, see what is recognised, keep the network."""

from fastpc import PC, Adam, Cosine, PCNetwork, Trainer, load_mnist

train, test = load_mnist()
network = PCNetwork((784, 256, 256, 10), activation="relu", loss="cross_entropy", seed=0)
trainer = Trainer(network, PC(steps=3, step_size=0.05), Adam(2e-3, schedule=Cosine()), batch_size=128)
history = trainer.fit(train, epochs=5)
print(f"{history.samples_seen / history.train_seconds:,.0f} samples a second")
evaluation = trainer.evaluate(test)
print(f"{evaluation.accuracy:.2%} of the test images, after the last epoch")
print("the first ten:", evaluation.predictions[:10])
network.save("mnist.safetensors")
