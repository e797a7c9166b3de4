"""Random starting states: a pure function of seed, sample, layer and unit, so that no order of work changes them."""

from __future__ import annotations

import math

import numpy as np

from fastpc.engine.jit import exact_kernel

WIDTH = 0.1


@exact_kernel
def _mix(x):
    """Scramble 64 bits (the finaliser of splitmix64; Steele, Lea & Flood 2014)."""
    x = np.uint64(x)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@exact_kernel
def random_state(seed, sample, l, j):
    """Return a normal number of standard deviation `WIDTH`, by Box and Muller's transform."""
    key = _mix(np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.uint64(sample + 1))
    key = _mix(key + np.uint64(0x9E3779B97F4A7C15) * np.uint64((l << 32) + j + 1))
    radius_bits = (key >> np.uint64(11)) + np.uint64(1)
    angle_bits = _mix(key) >> np.uint64(11)
    radius = math.sqrt(-2 * math.log(radius_bits * (1 / 2**53)))
    return WIDTH * radius * math.cos(2 * math.pi * (angle_bits * (1 / 2**53)))
