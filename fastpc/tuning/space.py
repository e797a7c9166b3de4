"""What a search looks for: which settings, from which values, and how a trial's settings come of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

from fastpc import build
from fastpc.checks import require_choice, require_whole
from fastpc.errors import ConfigurationError
from fastpc.presets import DEFAULT, OF_THE_RULE, Preset
from fastpc.rules import BY_NAME
from fastpc.tuning.domain import Domain, Suggests, parse


class Kind(NamedTuple):
    """Of which type a setting is, how its range is drawn from, and what is searched where nothing else is said."""

    type: type
    log: bool = False
    default: str | None = None


SEARCHABLE: dict[str, Kind] = {
    "rule": Kind(str, default="pc,ipc,epc"),
    "depth": Kind(int, default="1:3"),
    "width": Kind(int, log=True, default="64:512"),
    "activation": Kind(str, default="relu,leaky_relu,tanh,gelu"),
    "loss": Kind(str, default="squared_error,cross_entropy"),
    "initializer": Kind(str),
    "steps": Kind(int, default="2:12"),
    "step_size": Kind(float, log=True, default="auto,0.01:0.5"),
    "momentum": Kind(float),
    "nudge": Kind(str),
    "beta": Kind(float),
    "optimizer": Kind(str, default="adam,adamw"),
    "lr": Kind(float, log=True, default="0.0001:0.01"),
    "weight_decay": Kind(float),
    "schedule": Kind(str),
    "warmup": Kind(float),
    "batch_size": Kind(int, log=True, default="32,64,128,256"),
}
"""By option, in the order in which a trial decides. A setting without a default is searched where it is given values.

SGD is not among the defaults: its good rates lie elsewhere, and one range for both would be mostly waste.
"""
BY_DEFAULT = tuple(name for name, kind in SEARCHABLE.items() if kind.default is not None)
OF_THE_NOTEBOOK = ("width", "steps", "step_size", "lr", "batch_size")
"""All else is the notebook's own."""
FIELDS = {"lr": "learning_rate"}
SIZES = ("depth", "width")
GIVEN = tuple(field.name for field in fields(Preset) if field.name != "rule")


@dataclass(frozen=True)
class Space:
    """Settings that are fixed, and domains of those that are searched.

    Parameters
    ----------
    base : Preset, optional
        What all else is taken from, instead of the rule's own settings.
    fixed : dict
        Settings by their names in `Preset`; ``rule`` may be among them.
    domains : dict of Domain
        By the options of ``fastpc tune``.
    """

    base: Preset | None
    fixed: dict[str, Any]
    domains: dict[str, Domain]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that trials may have."""
        if "rule" in self.domains:
            return self.domains["rule"].values
        return (self.fixed.get("rule") or (self.base or DEFAULT).rule,)

    def draw(self, trial: Suggests) -> Preset:
        """Return a trial's settings; what means nothing to its rule is not drawn."""
        rule = self.domains["rule"].suggest(trial, "rule") if "rule" in self.domains else self.rules[0]
        values: dict[str, Any] = {}
        for name, domain in self.of_rule(rule):
            if not (name == "beta" and self._nudge(rule, values) == "none"):
                values[name] = domain.suggest(trial, name)
        return self.preset(rule, values)

    def preset(self, rule: str, values: Mapping[str, Any]) -> Preset:
        """Return all settings of a trial from the values of those that are searched.

        Raises
        ------
        ConfigurationError
            If something fixed means nothing to the rule.
        """
        given = dict.fromkeys(GIVEN) | {name: value for name, value in self.fixed.items() if name != "rule"}
        given |= {FIELDS.get(name, name): value for name, value in values.items() if name not in SIZES}
        if isinstance(given["activation"], str):
            given["activation"] = (given["activation"],)
        asked = None if rule == (self.base or DEFAULT).rule else rule
        preset = build.chosen(self.base, asked, given)
        if any(name in values for name in SIZES):
            hidden = preset.hidden or (DEFAULT.hidden[0],)
            depth, width = values.get("depth", len(hidden)), values.get("width", max(hidden))
            preset = replace(preset, hidden=(width,) * depth)
        return preset

    def start(self) -> dict[str, Any]:
        """Return parameters of the first trial: what would be taken without a search, where it can be drawn."""
        rule = self.rules[0]
        known = self.preset(rule, {})
        values = {name: getattr(known, FIELDS.get(name, name)) for name in self.domains if name not in SIZES}
        values |= {"depth": len(known.hidden), "width": max(known.hidden, default=0)}
        if "activation" in values:
            values["activation"] = values["activation"][0]
        found = self.domains["rule"].start("rule", rule) if "rule" in self.domains else {}
        for name, domain in self.of_rule(rule):
            found |= domain.start(name, values[name])
        return found

    def check(self) -> None:
        """Raise unless every rule can be trained with every value, and with both ends of every range.

        Raises
        ------
        ConfigurationError
            If one cannot.
        """
        require_whole("fastpc tune", "--epochs", self.preset(self.rules[0], {}).epochs, at_least=1)
        if "beta" in self.domains and "nudge" not in self.domains and self._nudge(self.rules[0], {}) == "none":
            raise ConfigurationError("expected --nudge with --beta, to say where to, got none; add --nudge positive")
        for rule in self.rules:
            require_choice("--rule", rule, build.RULES)
            plain = {name: domain.corners[0] for name, domain in self.of_rule(rule)}
            for name, domain in self.of_rule(rule):
                for value in domain.corners:
                    self._try(rule, plain | {name: value})
            self._try(rule, plain)

    def _try(self, rule: str, values: dict[str, Any]) -> None:
        """Make all that a trial is made of, but small."""
        if "beta" in values and self._nudge(rule, values) == "none":
            values = {name: value for name, value in values.items() if name != "beta"}
        for name in (*SIZES, "batch_size"):
            if name in values:
                require_whole("fastpc tune", build.option(name), values[name], at_least=1)
        preset = self.preset(rule, values)
        if preset.direction == "unsupervised":
            raise ConfigurationError(
                "expected a direction that recognises, as trials are held to their validation accuracy, got "
                "--direction unsupervised; search another"
            )
        sizes = (2, *(2 for _ in preset.hidden), 2)
        made = build.network(preset, sizes, seed=0)
        build.rule(preset, build.encoder(preset, made))
        build.optimizer(preset)

    def of_rule(self, rule: str) -> Iterator[tuple[str, Domain]]:
        """Yield the domains that mean something to a rule, in the order in which a trial decides."""
        for name in SEARCHABLE:
            domain = self.domains.get(name)
            if domain is None or name == "rule":
                continue
            needs = "nudge" if name == "beta" else name
            if needs in OF_THE_RULE and not build.takes(rule, needs):
                continue
            if rule == "notebook" and name not in OF_THE_NOTEBOOK:
                continue
            yield name, domain if name != "step_size" or _takes_auto(rule) else domain.without("auto")

    def _nudge(self, rule: str, values: Mapping[str, Any]) -> str:
        return str(values.get("nudge") or self.preset(rule, {}).nudge)

    def described(self) -> dict[str, Any]:
        """Return all that two workers of one search must have alike, as JSON knows it."""
        known = {name: getattr(self.preset(rule, {}), name) for rule in self.rules[:1] for name in GIVEN}
        searched = {name: str(domain) for name, domain in sorted(self.domains.items())}
        return {"settings": known, "rules": list(self.rules), "searched": searched}


def space_of(
    base: Preset | None, texts: Mapping[str, str | None], fixed: Mapping[str, Any], search: str | None = None
) -> Space:
    """Return the space that options describe.

    Parameters
    ----------
    base : Preset, optional
        Settings to begin with, of a name or of a file.
    texts : mapping
        What options of ``fastpc tune`` say, None where they say nothing.
    fixed : mapping
        Other settings by their names in `Preset`, None where nothing is said.
    search : str, optional
        Names of settings to search, with commas between them; the others stay as they are. By default those with a
        range or several values, and of the rest all that have a default range and no value.

    Raises
    ------
    ConfigurationError
        If a text is none, nothing is left to search, or a combination cannot be trained.
    """
    domains, known = {}, {name: value for name, value in fixed.items() if value is not None}
    named = _names(search)
    for name, kind in SEARCHABLE.items():
        text = texts.get(name)
        if text is None:
            if (name in BY_DEFAULT and search is None and base is None) or name in named:
                text = _default(name, known)
            if text is None:
                continue
        words = ("auto",) if name == "step_size" else ()
        domain = parse(build.option(name), text, kind.type, words)
        if len(domain.corners) > 1:
            domains[name] = replace(domain, log=kind.log and (domain.low is None or domain.low > 0))
        elif name in SIZES:
            domains[name] = domain
        else:
            value = domain.values[0]
            known[FIELDS.get(name, name)] = (value,) if name == "activation" else value
        if name in named and name not in domains:
            raise ConfigurationError(
                f"expected {build.option(name)} to be a range or several values where --search names it, got "
                f"{text!r}; leave one of the two out"
            )
    if "hidden" in known and (given := [build.option(name) for name in SIZES if texts.get(name) is not None]):
        raise ConfigurationError(f"expected --hidden or {' and '.join(given)}, got both; leave one out")
    space = Space(base, known, domains)
    if not any(len(domain.corners) > 1 for domain in domains.values()):
        which = "its settings" if base is not None else "the settings"
        raise ConfigurationError(
            f"expected something to search, got a value for everything; name some of {which}, such as --search "
            "steps,lr, or give a range, such as --lr 0.0001:0.01"
        )
    used = {name for rule in space.rules if rule in build.RULES for name, _ in space.of_rule(rule)} | {"rule"}
    if idle := [build.option(name) for name in domains if name not in used and (texts.get(name) or name in named)]:
        raise ConfigurationError(
            f"expected {idle[0]} with a rule that has use for it, got --rule {','.join(space.rules)}; leave it out"
        )
    space.check()
    return space


def _takes_auto(rule: str) -> bool:
    """Return whether a rule finds the size of its steps by itself, if asked to."""
    kind: Any = BY_NAME[rule]
    try:
        kind(step_size="auto")
    except ConfigurationError:
        return False
    return True


def _names(search: str | None) -> tuple[str, ...]:
    names = () if search is None else tuple(name.strip().replace("-", "_") for name in search.split(","))
    for name in names:
        require_choice("--search", name, tuple(SEARCHABLE))
    return names


def _default(name: str, known: Mapping[str, Any]) -> str | None:
    """Return what is searched of a setting where no more is said of it than its name."""
    if name in SIZES and "hidden" in known:
        return None
    if (default := SEARCHABLE[name].default) is not None:
        return default
    raise ConfigurationError(
        f"expected {build.option(name)} with a range or several values, as --search names it and it has none of its "
        "own, got none; give them"
    )
