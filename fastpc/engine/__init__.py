"""All compiled code, and the only place that imports Numba. Nothing here is imported until a network runs.

Read it in this order: `layout` (where every number lies), `vector` and `products` (the arithmetic),
`inputs`, `activations`, `relax` (one tile of samples), `update` (one block of weights), `train` (many batches a call).
"""

from fastpc.engine.environment import check_environment

check_environment()
