"""Recordings: written, read, compared, and turned into the README's figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import readme, report, results
from benchmarks.errors import BenchmarkError

MACHINE = {
    "cpu": "A Processor",
    "cores": 2,
    "blas": [{"architecture": "Zen", "library": "libblas"}],
    "numba_threading_layer": "omp",
}
RATES = {("A64", "fastpc"): 0.8, ("A64", "jax"): 0.4, ("A64-backprop", "jax"): 0.5, ("W", "fastpc"): 0.9}


def found(workload: str, implementation: str, fraction: float) -> dict[str, Any]:
    return {
        "workload": workload,
        "implementation": implementation,
        "fraction": fraction,
        "samples_per_second": 1000 * fraction,
        "gemm_gflops": 100.0,
        "steady": workload != "W",
        "threads": 2,
        "readings": [{"gemm_gflops": 100.0, "run_seconds": s} for s in (1.0, 2.0, 3.0, 4.0, 5.0)],
        "machine": MACHINE,
    }


def recording(rates: dict[tuple[str, str], float] | None = None, **parts: Any) -> dict[str, Any]:
    rates = RATES if rates is None else rates
    return results.new_record([found(*key, rate) for key, rate in rates.items()], MACHINE, **parts)


def test_a_recording_has_the_fields_of_pytest_benchmark(tmp_path: Path) -> None:
    saved = results.save(recording(), tmp_path / "deeper" / "record.json")
    record = results.load(saved)
    assert {"machine_info", "commit_info", "benchmarks", "datetime", "version"} <= set(record)
    entry = record["benchmarks"][0]
    assert {"group", "name", "fullname", "params", "param", "extra_info", "options", "stats"} <= set(entry)
    assert (entry["stats"]["min"], entry["stats"]["median"], entry["stats"]["rounds"]) == (1.0, 3.0, 5)
    assert entry["extra_info"]["fraction"] == 0.8


def test_pytest_benchmark_itself_can_read_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = pytest.importorskip("pytest_benchmark.cli")
    path = results.save(recording(), tmp_path / "0001_record.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["pytest-benchmark", "compare", str(path), "--columns=min,median,ops"])
    cli.main()
    assert "A64-fastpc" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "not JSON", "[1]", '{"other": 1}'])
def test_what_is_no_recording_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record.json"
    path.write_text(text)
    with pytest.raises(BenchmarkError, match="expected a recording in"):
        results.load(path)


def test_history_is_in_order_of_time(tmp_path: Path) -> None:
    for name, when in (("b", "2001"), ("a", "2002"), ("c", "2000")):
        results.save(recording() | {"datetime": when}, tmp_path / f"{name}.json")
    assert [record["datetime"] for record in results.history(tmp_path)] == ["2000", "2001", "2002"]


def test_the_table_sets_everyone_beside_fastpc_on_the_same_network() -> None:
    header, *rows = report.table_rows(recording())
    assert header[0] == "workload"
    assert [row[:4] for row in rows] == [
        ["A64", "fastpc", "800", ""],
        ["A64", "jax (backprop)", "500", "1.60 ×"],
        ["A64", "jax", "400", "2.0 ×"],
        ["W", "fastpc", "900", ""],
    ]
    assert [row[4:] for row in rows] == [["0.80", "0.70"], ["0.50", ""], ["0.40", ""], ["0.90 ~", "0.85"]]


def test_a_workload_that_lost_more_than_a_tenth_is_flagged() -> None:
    slower = RATES | {("A64", "fastpc"): 0.71, ("W", "fastpc"): 0.82, ("A64", "jax"): 0.1}
    compared = report.compare(recording(), recording(slower))
    assert [(item.workload, item.implementation) for item in compared if item.flagged] == [("A64", "fastpc")]
    assert report.changes(compared).count("LOST MORE THAN 10%") == 1


def test_what_else_was_measured_is_said_in_a_line_each() -> None:
    gain = {"threads": 2, "relative": 0.934}
    fit = {"slope": 1e-3, "worst_residual": 0.021}
    scaling = {"threads": {"B": gain, "W": None}, "samples": fit, "steps": fit, "depth": fit}
    said = report.also(recording(scaling=scaling)).splitlines()
    assert said[0] == "2 threads on B: 0.93 of sgemm's own gain"
    assert said[1:] == [
        f"{kind}: 0.001 s each, worst residual 2.1% from a line" for kind in ("samples", "steps", "depth")
    ]
    assert report.also(recording()) == ""


def test_what_only_one_recording_has_is_not_compared() -> None:
    compared = report.compare(recording({("A64", "fastpc"): 0.8}), recording())
    assert [(item.workload, item.implementation) for item in compared] == [("A64", "fastpc")]


def test_the_readme_is_filled_between_its_marks_and_nowhere_else() -> None:
    run = {"test_accuracy": 0.985, "train_seconds": 9.0, "layers": [784, 512, 256, 10], "epochs": 10}
    train = {"command": "fastpc train", "test_accuracy": 0.985, "train_seconds": 9.0, "runs": [run] * 3}
    text = (
        "before\n<!-- figures: train -->\nold\n<!-- /figures -->\nbetween\n"
        "<!-- figures: speed -->\n<!-- /figures -->\nafter\n"
    )
    filled = readme.fill(text, recording(train=train))
    assert filled.startswith("before\n<!-- figures: train -->\n`fastpc train` trains 784-512-256-10 for 10 epochs")
    assert "**98.50%**" in filled
    assert "old" not in filled
    assert "\n<!-- /figures -->\nbetween\n<!-- figures: speed -->\n" in filled
    assert "| **A64** | fastpc | 800 |" in filled
    assert filled.endswith("<!-- /figures -->\nafter\n")
    assert readme.fill(filled, recording(train=train)) == filled


def test_a_block_without_figures_stays_as_it_is() -> None:
    text = "<!-- figures: train -->\nolder figures\n<!-- /figures -->"
    assert readme.fill(text, recording()) == text


def test_a_block_that_nothing_fills_is_an_error() -> None:
    with pytest.raises(BenchmarkError, match="got other"):
        readme.fill("<!-- figures: other -->\n<!-- /figures -->", recording())


def test_a_quick_look_does_not_reach_the_readme(tmp_path: Path) -> None:
    path = results.save(recording(quick=True), tmp_path / "quick.json")
    with pytest.raises(BenchmarkError, match="expected a whole recording"):
        readme.main([str(path)])


def test_the_blocks_of_our_readme_can_be_filled() -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert "<!-- figures: speed -->" in text
    assert readme.fill(text, recording()) != text


def race_entry(seconds: float | None) -> dict[str, Any]:
    times = {"0.97": 1.0, "0.98": seconds}
    return {
        "settings": {"rule": "pc", "steps": 3},
        "train_seconds": times,
        "total_seconds": times,
        "runs": [{"relaxation": {"residual": 0.5, "cosine": 0.9}}],
    }


def test_who_does_not_get_there_is_not_given_a_time() -> None:
    rows = readme.race_rows({"fastpc": race_entry(2.0), "slow": race_entry(None)})
    assert rows[1][2:] == ["1.0", "2.0", "2.0", "0.500", "0.900"]
    assert rows[2][2:5] == ["1.0", "not reached", "not reached"]


def test_charts_are_drawn_of_whatever_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks import charts

    monkeypatch.setattr(results, "FOLDER", tmp_path)
    record = recording(race={"fastpc": race_entry(2.0), "slow": race_entry(None)})
    drawn = charts.draw_all(record, tmp_path / "figures", earlier=[recording()])
    assert [path.name for path in drawn] == ["comparison.png", "history.png", "race.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)
    assert json.dumps(record)  # drawing leaves it as it was
