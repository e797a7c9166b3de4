"""What stands behind an option of a search: values, a range, or both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastpc import ConfigurationError
from fastpc.tuning.domain import Domain, parse

optuna = pytest.importorskip("optuna")


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("3", int, Domain((3,))),
        ("32, 64", int, Domain((32, 64))),
        ("2:8", int, Domain((), 2, 8)),
        ("1e-4:0.01", float, Domain((), 1e-4, 0.01)),
        ("auto,0.01:0.5", float, Domain(("auto",), 0.01, 0.5)),
        ("auto", float, Domain(("auto",))),
        ("relu,gelu", str, Domain(("relu", "gelu"))),
    ],
)
def test_domains_are_read(text, kind, expected):
    domain = parse("--it", text, kind, ("auto",))
    assert domain == expected
    assert parse("--it", str(domain), kind, ("auto",)) == expected


@pytest.mark.parametrize(
    "text", ["", "a", "1:", ":2", "2:1", "1:1", "1:2:3", "1:2,3:4", "1,1", "1,2:3", "nan", "1:inf"]
)
@pytest.mark.parametrize("kind", [int, float])
def test_what_is_no_domain_is_refused_in_a_sentence(text, kind):
    with pytest.raises(ConfigurationError, match=r"^expected --it to be different .*numbers.*, got '.*'; write a"):
        parse("--it", text, kind)


@pytest.mark.parametrize("text", ["", "a,,b", "a,a"])
def test_names_are_different_and_none_is_empty(text):
    with pytest.raises(ConfigurationError, match=r"^expected --it to be a name, or different names"):
        parse("--it", text, str)


@given(
    st.lists(st.integers(1, 9), unique=True, max_size=3).map(tuple),
    st.none() | st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(sorted).filter(lambda ends: ends[0] < ends[1]),
    st.booleans(),
    st.integers(0, 99),
)
def test_what_is_drawn_is_within_and_can_be_drawn_again(values, ends, log, seed):
    low, high = ends or (None, None)
    domain = Domain((*values, "auto"), low, high, log=log)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    drawn = domain.suggest(trial, "it")
    assert drawn in domain
    assert domain.suggest(optuna.trial.FixedTrial(trial.params), "it") == drawn
    start = domain.start("it", drawn)
    assert start == trial.params
    assert domain.start("it", -1.0) == {}


def test_a_single_value_is_no_parameter():
    trial = optuna.create_study().ask()
    assert Domain((3,)).suggest(trial, "it") == 3
    assert trial.params == {}


def test_whole_numbers_stay_whole():
    trial = optuna.create_study().ask()
    assert isinstance(Domain((), 2, 8).suggest(trial, "it"), int)
