"""What training measures, epoch by epoch and on the way."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch measured.

    Attributes
    ----------
    epoch : int
        From 1.
    energy : tuple of float
        Each layer's energy after relaxation, a mean over the epoch's samples.
    accuracy : float or None
        Of the feed-forward pass on each training batch before it was learned; None without labels.
    validation_accuracy : float or None
    samples : int
    train_seconds : float
        Shuffling, scaling and converting included; compilation and evaluation not.
    learning_rate : float
        Of the last batch.
    state_step : float
        gamma after the last batch.
    """

    epoch: int
    energy: tuple[float, ...]
    accuracy: float | None
    validation_accuracy: float | None
    samples: int
    train_seconds: float
    learning_rate: float
    state_step: float

    @property
    def samples_per_second(self) -> float:
        """Training throughput."""
        return self.samples / self.train_seconds if self.train_seconds else 0.0


@dataclass
class History:
    """What a call of `Trainer.fit` measured, epoch by epoch."""

    epochs: list[EpochRecord] = field(default_factory=list)
    compile_seconds: float = 0.0
    interrupted: bool = False

    @property
    def train_seconds(self) -> float:
        """Seconds of training, without compilation and evaluation."""
        return sum(record.train_seconds for record in self.epochs)

    @property
    def samples_seen(self) -> int:
        """Samples trained on, each epoch counted."""
        return sum(record.samples for record in self.epochs)


@dataclass(frozen=True)
class Progress:
    """Where a run stands, for callbacks' ``on_chunk``; energy and accuracy are the epoch's so far."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    energy: float
    accuracy: float | None
    samples_per_second: float
    seconds_left: float
