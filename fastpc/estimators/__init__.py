"""Estimators for scikit-learn: networks that a pipeline, a grid search or a cross-validation can train."""

from fastpc.estimators.classifier import PCClassifier
from fastpc.estimators.regressor import PCRegressor
from fastpc.estimators.transformer import PCTransformer

__all__ = ["PCClassifier", "PCRegressor", "PCTransformer"]
