"""What a training run from the command line leaves."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fastpc.presets import Preset

if TYPE_CHECKING:
    from fastpc.bidirectional import BidirectionalNetwork
    from fastpc.evaluation import Evaluation
    from fastpc.history import History
    from fastpc.network import PCNetwork


@dataclass(frozen=True)
class Result:
    """What a run leaves: the network, what was asked for, and how it went."""

    network: "PCNetwork | BidirectionalNetwork"
    preset: Preset
    data_name: str
    seed: int
    history: "History"
    evaluation: "Evaluation"
    out: Path | None
