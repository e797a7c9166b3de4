"""Learning rules: small frozen objects that say how a network learns."""

from fastpc.rules.backprop import Backprop
from fastpc.rules.bidirectional import BidirectionalPC
from fastpc.rules.engine_rule import EngineRule
from fastpc.rules.error_pc import ErrorPC
from fastpc.rules.fixed_prediction import FixedPrediction
from fastpc.rules.generative import RECOGNITION, Generative, Unsupervised
from fastpc.rules.hybrid import Hybrid
from fastpc.rules.incremental import IncrementalPC
from fastpc.rules.notebook import Notebook
from fastpc.rules.nudge import Nudge
from fastpc.rules.pc import PC
from fastpc.rules.rule import Rule
from fastpc.rules.tile_rule import TileRule
from fastpc.rules.zil import ZIL

__all__ = [
    "BY_NAME",
    "PC",
    "RECOGNITION",
    "ZIL",
    "Backprop",
    "BidirectionalPC",
    "EngineRule",
    "ErrorPC",
    "FixedPrediction",
    "Generative",
    "Hybrid",
    "IncrementalPC",
    "Notebook",
    "Nudge",
    "Rule",
    "TileRule",
    "Unsupervised",
]

# What a rule is called on the command line, and its class.
BY_NAME: dict[str, type[Rule]] = {
    rule.name: rule
    for rule in (
        PC,
        IncrementalPC,
        ErrorPC,
        FixedPrediction,
        ZIL,
        Backprop,
        Hybrid,
        BidirectionalPC,
        Notebook,
    )
}
