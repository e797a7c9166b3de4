"""Learning rules: small frozen objects that say how a network learns."""

from fastpc.rules.incremental import IncrementalPC
from fastpc.rules.notebook import Notebook
from fastpc.rules.nudge import Nudge
from fastpc.rules.pc import PC
from fastpc.rules.rule import Rule

__all__ = ["PC", "IncrementalPC", "Notebook", "Nudge", "Rule"]
