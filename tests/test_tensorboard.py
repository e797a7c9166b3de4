"""What the callback writes, as TensorBoard itself reads it."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastpc import (
    PC,
    Adam,
    BidirectionalNetwork,
    BidirectionalPC,
    ConfigurationError,
    Generative,
    Hybrid,
    PCNetwork,
    TensorBoard,
    Trainer,
    Unsupervised,
    load_digits,
)
from fastpc.cli import main
from fastpc.tensorboard import mosaic
from training import digits_trainer

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorboard")

TRAIN, TEST = load_digits()
RULE = PC(steps=2, step_size=0.05)


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return events


def tags(folder: Path) -> set[str]:
    return set(read(folder).Tags()["tensors"])


def values(folder: Path, tag: str) -> list[tuple[int, Any]]:
    return [(event.step, tf.make_ndarray(event.tensor_proto)) for event in read(folder).Tensors(tag)]


def image(folder: Path, tag: str, nth: int = -1) -> Any:
    """Return the nth picture, (height, width, channels), from 0 to 255."""
    _, written = values(folder, tag)[nth]
    return tf.io.decode_png(written[2]).numpy()


def fitted(folder: Path, network: Any, rule: Any, epochs: int = 1, **settings: Any) -> Trainer:
    trainer = Trainer(network, rule, Adam(1e-3), batch_size=128, callbacks=[TensorBoard(folder, **settings)])
    trainer.fit(TRAIN, TEST, epochs=epochs)
    return trainer


def test_scalars_are_the_historys(tmp_path):
    trainer = fitted(tmp_path, PCNetwork((64, 12, 8, 10), seed=1), RULE, epochs=3)
    epochs = trainer.history.epochs
    wanted = {
        **{f"energy/layer_{l}": [record.energy[l - 1] for record in epochs] for l in (1, 2, 3)},
        "energy/total": [sum(record.energy) for record in epochs],
        "accuracy/train": [record.accuracy for record in epochs],
        "accuracy/validation": [record.validation_accuracy for record in epochs],
        "speed/samples_per_second": [record.samples_per_second for record in epochs],
        "rate/learning": [record.learning_rate for record in epochs],
        "rate/state_step": [record.state_step for record in epochs],
    }
    for tag, numbers in wanted.items():
        steps, found = zip(*values(tmp_path, tag), strict=True)
        assert steps == (1, 2, 3)
        np.testing.assert_allclose(found, numbers, rtol=1e-6, err_msg=tag)


def test_histograms_hold_all_weights_and_biases(tmp_path):
    trainer = fitted(tmp_path, PCNetwork((64, 12, 10)), RULE)
    for l in (1, 2):
        for kind in ("weights", "biases"):
            (before, _), (after, counted) = values(tmp_path, f"{kind}/layer_{l}")
            assert (before, after) == (0, 1)
            array = getattr(trainer.network, kind)[l - 1]
            assert counted[:, 2].sum() == array.size
            np.testing.assert_allclose((counted[0, 0], counted[-1, 1]), (array.min(), array.max()), rtol=1e-6)


def test_the_run_is_described(tmp_path):
    trainer = fitted(tmp_path, PCNetwork((64, 12, 10)), RULE)
    ((step, text),) = values(tmp_path, "run")
    assert step == 0
    for setting in (trainer.network, trainer.rule, trainer.optimizer, "batch_size=128"):
        assert str(setting) in text.item().decode()


class TestPictures:
    def test_each_units_weights_are_an_image_of_the_input(self, tmp_path):
        trainer = fitted(tmp_path, PCNetwork((64, 12, 10)), RULE)
        picture = image(tmp_path, "images/weights")
        assert picture.shape == (2 * 9, 8 * 9, 1)  # twelve units in two rows of eight, a line around each
        for unit in range(12):
            row, column = divmod(unit, 8)
            cell = picture[9 * row : 9 * row + 8, 9 * column : 9 * column + 8, 0].astype(float)
            weights = trainer.network.weights[0][:, unit].reshape(8, 8)
            np.testing.assert_allclose(cell, 127.5 + 127.5 * weights / np.abs(weights).max(), atol=1.0)

    @pytest.mark.parametrize("rule", [Generative(RULE), Hybrid(2, 0.05)], ids=["generative", "hybrid"])
    def test_a_network_that_generates_shows_each_class(self, tmp_path, rule):
        trainer = fitted(tmp_path, PCNetwork((10, 16, 64)), rule)
        self.assert_shown(tmp_path, trainer.network.generate(range(10)))
        assert image(tmp_path, "images/weights").shape == (18, 72, 1)

    def test_a_network_with_latents_shows_samples(self, tmp_path):
        trainer = fitted(tmp_path, PCNetwork((6, 16, 64)), Unsupervised(2, 0.05))
        self.assert_shown(tmp_path, trainer.network.sample(16))

    def test_a_bidirectional_network_shows_each_class_and_both_directions(self, tmp_path):
        trainer = fitted(tmp_path, BidirectionalNetwork((64, 16, 10)), BidirectionalPC(steps=2))
        self.assert_shown(tmp_path, trainer.network.generate(range(10)))
        found = tags(tmp_path)
        for part in ("recognition", "generation"):
            for l in (1, 2):
                assert {f"{kind}/{part}/layer_{l}" for kind in ("energy", "weights", "biases")} <= found

    def assert_shown(self, folder: Path, images: Any) -> None:
        expected = mosaic(images, (8, 8))[0] * 255
        np.testing.assert_allclose(image(folder, "images/generated").astype(float), expected, atol=1.0)

    def test_a_classifier_generates_nothing(self, tmp_path):
        fitted(tmp_path, PCNetwork((64, 12, 10)), RULE)
        assert "images/weights" in tags(tmp_path)
        assert "images/generated" not in tags(tmp_path)

    def test_images_that_are_not_square_need_a_shape(self, tmp_path):
        data = (TRAIN.inputs[:, :60].astype(np.float32), TRAIN.targets)
        for name, shape in (("without", None), ("grey", (6, 10)), ("coloured", (4, 5, 3))):
            board = TensorBoard(tmp_path / name, image_shape=shape)
            Trainer(PCNetwork((60, 4, 10)), RULE, callbacks=[board]).fit(data)
        assert "images/weights" not in tags(tmp_path / "without")
        assert image(tmp_path / "grey", "images/weights").shape == (7, 44, 1)
        assert image(tmp_path / "coloured", "images/weights").shape == (5, 24, 3)

    def test_every_so_many_epochs_or_never(self, tmp_path):
        fitted(tmp_path / "second", PCNetwork((64, 4, 10)), RULE, epochs=5, every=2)
        assert [step for step, _ in values(tmp_path / "second", "images/weights")] == [0, 2, 4]
        fitted(tmp_path / "never", PCNetwork((64, 4, 10)), RULE, every=0)
        assert not any(tag.startswith(("images", "weights", "biases")) for tag in tags(tmp_path / "never"))

    def test_a_mosaic_keeps_channels_rows_and_columns(self):
        images = np.random.default_rng(0).random((11, 2 * 3 * 3))
        picture = mosaic(images, (2, 3, 3))
        assert picture.shape == (1, 2 * 3, 8 * 4, 3)
        np.testing.assert_allclose(picture[0, 3:5, 8:11], images[10].reshape(2, 3, 3), rtol=1e-6)
        assert (mosaic(np.array([[-1.0, 2.0]]), (1, 2))[0, 0, :2, 0] == (0, 1)).all()


def test_a_further_fit_goes_on_behind_the_first(tmp_path):
    trainer = fitted(tmp_path, PCNetwork((64, 4, 10)), RULE, epochs=2)
    trainer.fit(TRAIN, epochs=1)
    assert [step for step, _ in values(tmp_path, "energy/total")] == [1, 2, 3]


def test_training_goes_as_it_goes_without(tmp_path):
    watched = fitted(tmp_path, PCNetwork((64, 8, 10)), RULE, epochs=2)
    alone = Trainer(PCNetwork((64, 8, 10)), RULE, Adam(1e-3), batch_size=128)
    alone.fit(TRAIN, epochs=2)
    assert np.array_equal(watched.network.parameters, alone.network.parameters)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"every": -1}, "every"),
        ({"every": 0.5}, "every"),
        ({"image_shape": (8,)}, "image_shape"),
        ({"image_shape": 64}, "image_shape"),
        ({"image_shape": (8, 8, 2)}, "image_shape"),
        ({"image_shape": (8, 0)}, "image_shape"),
        ({"image_shape": (8, 9)}, r"image_shape of 64 numbers.* got \(8, 9\)"),
    ],
)
def test_bad_settings_are_refused(tmp_path, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        digits_trainer(RULE, callbacks=[TensorBoard(tmp_path, **settings)]).fit(TRAIN)


def test_a_folder_that_cannot_be_written_to_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "logs"):
        with pytest.raises(ConfigurationError, match="folder that TensorBoard's files can be written to") as caught:
            TensorBoard(path)
        assert "\n" not in str(caught.value)


def test_the_command_line_writes_it_too(tmp_path, capsys):
    arguments = ["train", "--data", "digits", "--hidden", "16", "--epochs", "2", "--quiet"]
    assert main([*arguments, "--tensorboard", str(tmp_path / "logs")]) == 0
    assert [step for step, _ in values(tmp_path / "logs", "accuracy/train")] == [1, 2]
    assert main([*arguments, "--tensorboard", "/dev/null/logs"]) == 2
    assert "expected a folder" in capsys.readouterr().err


def test_the_command_line_keeps_tensorflows_log_out_of_sight(tmp_path):
    command = [
        sys.executable,
        "-m",
        "fastpc",
        "train",
        "--data",
        "digits",
        "--hidden",
        "16",
        "--epochs",
        "1",
        "--quiet",
    ]
    done = subprocess.run([*command, "--tensorboard", str(tmp_path)], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_the_picture_is_a_png(tmp_path):
    fitted(tmp_path, PCNetwork((64, 4, 10)), RULE)
    _, written = values(tmp_path, "images/weights")[0]
    assert io.BytesIO(written[2]).read(4) == b"\x89PNG"
