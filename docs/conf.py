"""How the documentation is built: ``python -m sphinx -W -n docs OUT``; nothing is fetched meanwhile.

Sphinx, because the docstrings are NumPy's style of reStructuredText, whose references it resolves, or refuses.
"""

import importlib
import inspect
import re
from contextlib import suppress
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

import fastpc

project = "fastpc"
author = "the fastpc authors"
release = version = fastpc.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_parser"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"fastpc {version}"
html_copy_source = False
html_show_sphinx = False

# Names in backquotes are references: each has to lead somewhere.
default_role = "py:obj"
nitpicky = True
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {
    "members": True,
    # What only kernels ask of a rule, and what scikit-learn adds to estimators.
    "exclude-members": "relaxation, set_fit_request, set_partial_fit_request, set_score_request, "
    "set_transform_request, set_inverse_transform_request",
}
autodoc_preserve_defaults = True
napoleon_google_docstring = False
# A parameter's type is prose here ("PCNetwork or BidirectionalNetwork"), not a name to look up.
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]

# What belongs to others, whose documentation would have to be fetched to look it up.
nitpick_ignore_regex = [
    (r"py:.*", r"(numpy|np|matplotlib|scipy|sklearn|tf|os|pathlib|collections|numbers|typing|abc|enum|optuna)\..*"),
    (r"py:.*", r"ndarray|csr_array|NDArray|ArrayLike|Axes|Figure|PathLike|(Frozen)?Trial"),
]

_BARE = re.compile(r"(?<![`:])`([A-Za-z_]\w*)`(?!`)")
_LISTED = re.compile(r"\s*(\w+(?:, \w+)*) : ")


def _keep_equations(lines: list[str]) -> list[str]:
    """Return a module's docstring with its indented blocks as they stand; they are equations and tables."""
    kept: list[str] = []
    before = ""  # the last line that is not empty
    for line in lines:
        if line.startswith("    ") and not kept[-1] and not before.startswith("    ") and not before.endswith("::"):
            kept += ["::", ""]
        kept.append(line)
        before = line or before
    return kept


def _import(name: str) -> Any:
    """Return what a module offers under this name, or None."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError):
        return None


def _own_names(item: Any, lines: list[str]) -> set[str]:
    """Return what a docstring may call by its bare name: parameters, fields, and whatever it lists itself."""
    names = {name for line in lines if (match := _LISTED.match(line)) for name in match[1].split(", ")}
    with suppress(TypeError, ValueError):  # no function
        names |= set(inspect.signature(item).parameters)
    if inspect.isclass(item):
        names |= {name for kind in item.__mro__ for name in vars(kind).get("__annotations__", ())}
    return names


def _quote_parameters(app: Sphinx, what: str, name: str, item: Any, options: Any, lines: list[str]) -> None:
    """Make code of parameters' names, which lead nowhere else than to the list they stand in."""
    own = _own_names(item, lines)
    owner = _import(name.rpartition(".")[0])
    if inspect.isclass(owner):
        own |= _own_names(owner, [])
    if what == "module":
        lines[:] = _keep_equations(lines)
    lines[:] = [_BARE.sub(lambda m: f"``{m[1]}``" if m[1] in own else m[0], line) for line in lines]


def _home(target: str) -> str | None:
    """Return the name that an object of fastpc has in the module that defines it."""
    item = _import(target)
    name = getattr(item, "__qualname__", None)
    return None if name is None else f"{item.__module__}.{name}"


def _find_public(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Let a docstring name what is documented elsewhere: by its last part, or by any module that offers it."""
    if node.get("refdomain") != "py":
        return None
    domain = env.domains.python_domain
    target = node["reftarget"]
    matches = domain.find_obj(env, node.get("py:module"), node.get("py:class"), target, None, 1)
    if not matches and (home := _home(target)) is not None:
        last = home.rpartition(".")[2]
        offered = [(name, entry) for name, entry in domain.objects.items() if name.rpartition(".")[2] == last]
        matches = [(name, entry) for name, entry in offered if name == home or _home(name) == home]
    places = {(entry.docname, entry.node_id) for _, entry in matches}
    if len(places) != 1:
        return None
    ((page, anchor),) = places
    return make_refnode(app.builder, node["refdoc"], page, anchor, content, target)


def setup(app: Sphinx) -> None:
    """Connect what is above."""
    app.connect("autodoc-process-docstring", _quote_parameters)
    app.connect("missing-reference", _find_public)
