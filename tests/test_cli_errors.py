"""Wrong use of the command line: one clear sentence on standard error, and exit code 2."""

import pytest

import fastpc
from commands import SMALL, complaint
from fastpc.cli import main
from fastpc.errors import DataError
from fastpc.presets import BY_RULE


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--hidden", "16,-3"), "expected --hidden to be sizes above 0"),
        (("--hidden", "16,x"), "expected --hidden to be sizes above 0"),
        (("--hidden", "0"), "expected --hidden to be sizes above 0"),
        (("--layers", "784,16,10"), "expected --layers to begin with 64 and end with 10"),
        (("--layers", "64,16,12"), "expected --layers to begin with 64 and end with 10"),
        (("--layers", "64"), "expected --layers to begin with 64 and end with 10"),
        (("--layers", "64,16,10", "--hidden", "16"), "expected --layers or --hidden, got both"),
        (("--activation", "rellu"), "'rellu'"),
        (("--activation", "relu,tanh,relu"), "activations"),
        (("--loss", "mse"), "'mse'"),
        (("--dtype", "float16"), "'float16'"),
        (("--rule", "magic"), ", ".join(BY_RULE)),
        (("--optimizer", "adm"), "'adm'"),
        (("--schedule", "cosin"), "'cosin'"),
        (("--lr", "-0.1"), "learning_rate"),
        (("--lr", "nan"), "learning_rate"),
        (("--lr", "fast"), "--lr"),
        (("--steps", "-1"), "steps"),
        (("--steps", "2.5"), "--steps"),
        (("--step-size", "0"), "step_size"),
        (("--step-size", "big"), "--step-size"),
        (("--momentum", "1"), "momentum"),
        (("--nudge", "up"), "expected --nudge to be one of none, positive, negative, centred"),
        (("--beta", "0.5"), "expected --beta with --nudge positive, negative or centred, got --nudge none"),
        (("--beta-growth", "0.1"), "expected --beta-growth with --nudge positive, negative or centred"),
        (("--nudge", "centred", "--beta", "1.5"), "beta"),
        (("--nudge", "centred", "--beta-growth", "-1"), "growth"),
        (
            ("--rule", "ipc", "--momentum", "0.5"),
            "has use for it, pc or hybrid, got --rule ipc",
        ),
        (("--rule", "ipc", "--steps", "0"), "steps"),
        (("--residual",), "expected at least two hidden layers, all of one size"),
        (("--hidden", "16,16", "--scaling", "mupc"), "expected scaling='mupc' with residual=True"),
        (("--hidden", "16,16", "--residual", "--scaling", "mup"), "'mup'"),
        (("--hidden", "16,16", "--residual", "--scaling", "mupc", "--initializer", "orthogonal"), "standard_normal"),
        (("--rule", "bpc", "--hidden", "16,16", "--residual"), "expected --residual and --scaling with --rule pc, ipc"),
        (("--rule", "notebook", "--scaling", "mupc"), "expected --residual and --scaling with --rule pc, ipc"),
        (("--epochs", "0"), "--epochs"),
        (("--batch-size", "0"), "batch_size"),
        (("--validation", "1"), "fraction"),
        (("--seed", "-1"), "seed"),
        (("--threads", "0"), "threads"),
        (("--data", "no-such-file.npz"), "no-such-file.npz"),
        (("--out", "/dev/null/run"), "expected --out to be a folder"),
        (("--colour", "red"), "--colour"),
        (("everything",), "everything"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_clear_sentence_and_code_2(capsys, arguments, says):
    small = ("train", "--data", "digits", "--epochs", "1")
    assert main([*small, *arguments]) == 2
    assert says in complaint(capsys)


def test_wrong_use_of_evaluate(capsys, tmp_path):
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "model.safetensors" in complaint(capsys)
    (tmp_path / "model.safetensors").write_bytes(b"not a model")
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "model.safetensors" in complaint(capsys)
    assert main(["evaluate"]) == 2
    assert "MODEL" in complaint(capsys)


def test_a_model_and_data_that_do_not_fit_are_wrong_use(capsys, tmp_path):
    fastpc.PCNetwork((8, 10)).save(tmp_path / "model.safetensors")
    assert main(["evaluate", str(tmp_path), "--data", "digits"]) == 2
    assert "8 features" in complaint(capsys)


def test_broken_data_is_wrong_use(capsys, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise DataError("expected images, got\nnoise; look again")

    monkeypatch.setattr("fastpc.data.find", broken)
    assert main([*SMALL]) == 2
    assert complaint(capsys) == "fastpc: expected images, got noise; look again."


@pytest.mark.parametrize("option", [
    "--activation=tanh", "--loss=cross_entropy", "--momentum=0.9", "--optimizer=adam", "--nudge=centred", "--beta=0.1",
])  # fmt: skip
def test_options_without_effect_on_the_notebook_s_rule_are_refused(capsys, option):
    assert main([*SMALL, "--rule", "notebook", option]) == 2
    assert "leave it out" in complaint(capsys)


@pytest.mark.parametrize(("rule", "option", "names"), [
    ("backprop", "--steps=3", "pc or ipc or epc or fpa or hybrid or bpc or notebook"),
    ("zil", "--step-size=0.5", "pc or ipc or epc or fpa or hybrid or bpc or notebook"),
    ("epc", "--momentum=0.5", "pc or hybrid,"),
    ("fpa", "--momentum=0", "pc or hybrid,"),
])  # fmt: skip
def test_options_without_effect_on_a_rule_are_refused_and_say_where_they_have_one(capsys, rule, option, names):
    assert main([*SMALL, "--rule", rule, option]) == 2
    said = complaint(capsys)
    assert f"expected {option.partition('=')[0]} with a rule that has use for it, {names}" in said
    assert "leave it out" in said


def test_a_notebook_run_is_read_back(capsys, tmp_path):
    run = [*SMALL, "--rule", "notebook", "--step-size", "auto", "--out", str(tmp_path), "--quiet"]
    assert main(run) == 0
    assert main(["evaluate", str(tmp_path), "--quiet"]) == 0
    assert "test accuracy" in capsys.readouterr().out
