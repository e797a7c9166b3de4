"""Everything fastpc raises on purpose.

Each message is one sentence of the form "expected ..., got ...; do ...", fit to be printed as it
stands. Catch `FastPCError` to catch them all; most are also the built-in error that plain Python
would have raised, so that code which knows nothing of fastpc handles them too.
"""


class FastPCError(Exception):
    """The base of every error that fastpc raises on purpose."""


class ConfigurationError(FastPCError, ValueError):
    """A setting that cannot work: a negative rate, an unknown name, sizes that do not fit."""


class DataError(FastPCError, ValueError):
    """Data that cannot be used: wrong shapes or types, NaN, bad labels, broken files."""


class DataWarning(UserWarning):
    """Data that can be used, but are probably not what was meant."""


class CheckpointError(FastPCError):
    """A saved model that is damaged, incomplete, or not one of ours."""


class CheckpointWarning(RuntimeWarning):
    """A checkpoint that could not be written; the run goes on, and the checkpoint before is still there."""


class DependencyError(FastPCError, ImportError):
    """An optional package that is needed and cannot be imported."""


class WorkerError(FastPCError, RuntimeError):
    """All worker processes of a search ended before its trials did."""


class DivergenceError(FastPCError, ArithmeticError):
    """Training, or what a network was asked for, left the finite numbers.

    Attributes
    ----------
    cause : str
        What went wrong, such as "the weights are no longer finite".
    epoch, batch : int or None
        Where, both counted from 1; the batch within its epoch. None where nothing was being trained.
    layer : int or None
        The first layer that is affected, None where none can be singled out.
    advice : str
        What to try next.
    """

    def __init__(self, cause: str, epoch: int | None, batch: int | None, layer: int | None, advice: str) -> None:
        # All five go to the base class: pickling rebuilds an exception from its `args`.
        super().__init__(cause, epoch, batch, layer, advice)
        self.cause = cause
        self.epoch = epoch
        self.batch = batch
        self.layer = layer
        self.advice = advice

    def __str__(self) -> str:
        training = () if self.epoch is None else (f"epoch {self.epoch}", f"batch {self.batch}")
        place = ", ".join((*training, *(() if self.layer is None else (f"layer {self.layer}",))))
        what = "the network" if self.epoch is None else "training"
        return f"{what} diverged{' in ' * bool(place)}{place}: {self.cause}; {self.advice}"
