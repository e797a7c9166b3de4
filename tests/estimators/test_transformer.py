"""Latents as features, and back."""

import numpy as np
import pytest

from fastpc import PCTransformer, Unsupervised
from fastpc.errors import DataError

from .samples import QUICK, plane

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
PLANE = QUICK | {"n_components": 2, "hidden_layer_sizes": (), "max_iter": 150}


def test_two_latents_rebuild_a_plane() -> None:
    x, test = np.split(plane(400), [160])
    transformer = PCTransformer(**PLANE, prior=0.01).fit(x)
    latents = transformer.transform(test)
    assert latents.shape == (240, 2)
    rebuilt = transformer.inverse_transform(latents)
    assert np.square(test - rebuilt).sum() < 0.02 * np.square(test - test.mean(axis=0)).sum()


def test_latents_are_the_relaxed_states_of_the_network() -> None:
    x = plane()
    rule = Unsupervised(20, "auto", prior=0.3)
    transformer = PCTransformer(**PLANE | {"max_iter": 5}, rule=rule).fit(x)
    expected = transformer.network_.infer(x, rule.inference, prior=0.3)
    assert np.array_equal(transformer.transform(x), expected)
    assert np.array_equal(transformer.inverse_transform(expected), transformer.network_.forward(expected))


def test_in_one_batch_whole_weights_are_repetitions() -> None:
    x = plane(50)
    weights = np.random.default_rng(0).integers(0, 4, 50)
    weighted, repeated = PCTransformer(**PLANE), PCTransformer(**PLANE)
    weighted.fit(x, sample_weight=weights)
    repeated.fit(x.repeat(weights, axis=0))
    np.testing.assert_allclose(weighted.transform(x), repeated.transform(x), rtol=1e-6, atol=1e-9)


def test_features_have_names() -> None:
    transformer = PCTransformer(**PLANE | {"max_iter": 2}).fit(plane())
    assert transformer.get_feature_names_out().tolist() == ["pctransformer0", "pctransformer1"]


def test_latents_of_another_width_are_refused() -> None:
    transformer = PCTransformer(**PLANE | {"max_iter": 2}).fit(plane())
    with pytest.raises(DataError, match="expected latents with 2 columns, one a component, got 3"):
        transformer.inverse_transform(np.zeros((4, 3)))
