"""Searches for settings, on Optuna: ``pip install fastpc[tune]``. To import this package imports no Optuna."""

from fastpc.tuning.results import Row, Searched
from fastpc.tuning.search import Search, tune
from fastpc.tuning.space import Space, space_of
from fastpc.tuning.worker import Pruning

__all__ = ["Pruning", "Row", "Search", "Searched", "Space", "space_of", "tune"]
