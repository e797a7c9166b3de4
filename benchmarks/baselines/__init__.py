"""Other libraries' training of the same work. None is imported before it is prepared."""

from benchmarks.baselines.base import Baseline
from benchmarks.baselines.jax_pc import JaxScan
from benchmarks.baselines.keras_backprop import KerasFit
from benchmarks.baselines.numpy_pc import NumpyNotebook, NumpyPC
from benchmarks.baselines.tensorflow_pc import TensorFlowGraph
from benchmarks.baselines.torch_pc import TorchCompiled, TorchEager
from benchmarks.workloads import Workload

BASELINES: tuple[type[Baseline], ...] = (
    NumpyPC,
    NumpyNotebook,
    TensorFlowGraph,
    KerasFit,
    TorchEager,
    TorchCompiled,
    JaxScan,
)


def baselines_for(workload: Workload) -> list[type[Baseline]]:
    """Return the installed baselines that implement a workload."""
    return [kind for kind in BASELINES if kind.available() and kind.supports(workload)]
