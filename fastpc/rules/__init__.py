"""Learning rules: small frozen objects that say how a network learns."""

from fastpc.rules.notebook import Notebook
from fastpc.rules.pc import PC
from fastpc.rules.rule import Rule

__all__ = ["PC", "Notebook", "Rule"]
