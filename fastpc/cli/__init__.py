"""The command line: ``fastpc train``, ``evaluate``, ``predict``, ``generate``, ``plot``, ``notebook`` and more.

Only Typer is imported up front. Whatever takes time to load is imported by the command that needs
it, so that ``fastpc --help`` answers at once.
"""

from fastpc.cli.app import main

__all__ = ["main"]
