"""Tests of fastpc.estimators."""
