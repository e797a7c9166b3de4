"""The plain dense counts, against figures worked out by hand."""

import pytest

from benchmarks.workloads import WORKLOADS, Workload

TABLE = ("A64", "A64t", "A256", "B", "P", "W", "N32", "N64", "G")


def test_every_row_of_the_table_is_there_with_a_bar_below_its_aim():
    for name in TABLE:
        workload = WORKLOADS[name]
        assert workload.name == name
        assert workload.bar is not None
        assert workload.aim is not None
        assert workload.bar < workload.aim


@pytest.mark.parametrize(
    ("sizes", "steps", "rule", "by_hand"),
    [
        # 2 n_0 n_1 = 12 and 2 n_1 n_2 = 24. Twice the first: clamped input, weight gradient.
        # The second: start, two a step, weight gradient: 1 + 2 + 1 = 4 times, then 8 times.
        ((2, 3, 4), 1, "pc", 2 * 12 + 4 * 24),
        ((2, 3, 4), 3, "pc", 2 * 12 + 8 * 24),
        ((2, 3, 4), 3, "epc", 2 * 12 + 8 * 24),
        # Forward, weight gradient, and the second layer's signal back.
        ((2, 3, 4), 3, "backprop", 2 * 12 + 3 * 24),
        ((2, 3, 4), 3, "ipc", 3 * (2 * 12 + 3 * 24)),
        ((2, 3, 4), 5, "notebook", 5 * (3 * 12 + 4 * 24)),
        # Forward, one product a step, and the weight gradient.
        ((2, 3, 4), 3, "fpa", 2 * 12 + 5 * 24),
        # One step of relaxation, whatever is asked for.
        ((2, 3, 4), 3, "zil", 2 * 12 + 4 * 24),
        # The lowest layer moves too.
        ((2, 3, 4), 1, "unsupervised", 4 * 12 + 4 * 24),
        # PC's count, and the other network's two products of each matrix.
        ((2, 3, 4), 1, "hybrid", (2 * 12 + 4 * 24) + 2 * (12 + 24)),
        # bPC: the network's count, and its reverse's, whose clamped layer is the other one.
        ((2, 3, 4), 1, "bpc", (2 * 12 + 4 * 24) + (2 * 24 + 4 * 12)),
        # A third layer of 2·4·5 = 40 costs what the second does.
        ((2, 3, 4, 5), 1, "pc", 2 * 12 + 4 * (24 + 40)),
        # Without hidden layers there is nothing to relax.
        ((2, 3), 8, "pc", 2 * 12),
        ((2, 3), 8, "backprop", 2 * 12),
    ],
)
def test_a_small_network_counts_as_worked_out_by_hand(sizes, steps, rule, by_hand):
    workload = Workload("small", sizes, batch_size=1, steps=steps, rule=rule)
    assert workload.dense_count_per_sample() == by_hand


@pytest.mark.parametrize(
    ("name", "per_sample"),
    [
        # 2·784·128 = 200,704 and 2·128·10 = 2,560.
        ("A64", 2 * 200_704 + 18 * 2_560),
        ("A64t", 447_488),
        ("A256", 447_488),
        # 2·784·256 = 401,408; 2·256·256 + 2·256·10 = 136,192.
        ("B", 2 * 401_408 + 42 * 136_192),
        # 2·128·128 twice and 2·128·10: 68,096.
        ("P", 2 * 200_704 + 18 * 68_096),
        # 2·784·1024 = 1,605,632; 2·1024·1024 + 2·1024·10 = 2,117,632.
        ("W", 2 * 1_605_632 + 18 * 2_117_632),
        ("N32", 5 * (3 * 200_704 + 4 * 2_560)),
        ("N64", 3_061_760),
        # The layer of the image is the second one: 42 products of it, no Gram matrix.
        ("G", 2 * 2_560 + 42 * 200_704),
        # Up 2·401,408 + 18·136,192; down, 2·10·256 = 5,120 is the clamped product, and the image's the dear one.
        ("D", 2 * 401_408 + 18 * 136_192 + 2 * 5_120 + 18 * (131_072 + 401_408)),
        ("A64-backprop", 2 * 200_704 + 3 * 2_560),
        ("A64-ipc", 8 * 409_088),
        ("A64-epc", 447_488),
        ("A64-fpa", 2 * 200_704 + 10 * 2_560),
        ("A64-zil", 2 * 200_704 + 4 * 2_560),
        # G's count for 8 steps, and the network that guesses: 4·(784·128 + 128·10).
        ("H", (2 * 2_560 + 18 * 200_704) + 2 * (200_704 + 2_560)),
        ("U", 18 * (8_192 + 200_704)),
        ("B-backprop", 2 * 401_408 + 3 * 136_192),
    ],
)
def test_the_rows_count_as_worked_out_by_hand(name, per_sample):
    workload = WORKLOADS[name]
    assert workload.dense_count_per_sample() == per_sample
    assert workload.dense_count_per_batch() == workload.batch_size * per_sample


def test_another_rule_keeps_the_network_and_drops_the_bar():
    other = WORKLOADS["B"].with_rule("backprop")
    assert (other.name, other.sizes, other.rule) == ("B-backprop", (784, 256, 256, 10), "backprop")
    assert other.bar is None
    assert other.aim is None


def test_a_workload_cannot_be_changed():
    with pytest.raises(AttributeError):
        WORKLOADS["A64"].steps = 1
