import os
import pathlib
import signal
import subprocess
import sys
import time

import PIL.Image
import pytest

SCRIPTS = pathlib.Path(__file__).parents[1] / "scripts"
TINY = ("--width=4", "--latent_dim=3", "--batch_size=16")


def run(script, *arguments, cwd, timeout=120):
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout)


@pytest.mark.parametrize(
    "script",
    ["train.py", "sample.py", "export.py", "stability.py", "evaluate.py", "benchmark.py"],
)
def test_help_needs_no_tensorflow_and_two_seconds_at_most(tmp_path, script):
    started = time.perf_counter()
    result = run(script, "--help", cwd=tmp_path)
    assert time.perf_counter() - started < 2
    assert result.returncode == 0 and result.stderr == ""
    flags = {"train.py": "--dataset", "stability.py": "--methods", "benchmark.py": "--workloads"}
    flag = flags.get(script, "--run")
    assert flag in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--lr=3"], ["Unknown command line flag 'lr'"]),
        (["--batch_size=-1"], ["--batch_size=-1", "at least 1"]),
        (["--batch_size=x"], ["--batch_size=x"]),
        (["--loss=foo"], ["--loss=foo", "wasserstein"]),
        (["--flagfile=foo.flags"], ["--flagfile=foo.flags", "wgan.flags"]),
        (["foo"], ["unexpected argument 'foo'"]),
        (["--dataset=ring", "--network=dcgan"], ["--network=mlp"]),
        (["--image_size=-8"], ["--image_size=-8", "at least 0"]),
        (["--on_corrupt=ignore"], ["--on_corrupt=ignore", "skip"]),
    ],
)
def test_a_wrong_flag_ends_with_2_and_one_line(tmp_path, arguments, words):
    result = run("train.py", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert all(word in result.stderr for word in words), result.stderr
    assert result.stderr.count("\n") == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--flagfile=wgan.flags"], ("wgan", None, 2500, 5)),
        (["--flagfile=wgan.flags", "--epochs=50"], ("wgan", 50, None, 5)),
        (["--flagfile", "wgan.flags", "--epochs", "50", "--steps", "7"], ("wgan", None, 7, 5)),
        (["--epochs=3", "--flagfile=wgan.flags"], ("wgan", None, 2500, 5)),
        (["--flagfile=wgan.flags", "--name=x", "--discriminator_steps=1"], ("x", None, 2500, 1)),
        (["--flagfile=own.flags"], ("own", None, None, 3)),
        ([], ("gan", None, None, 1)),
    ],
)
def test_flagfiles_and_what_overrides_them(tmp_path, arguments, expected):
    (tmp_path / "own.flags").write_text("# mine\n--discriminator_steps=3\n")
    code = (
        "import sys, command_line as c; c.define_config_flags(); g = c.parse_config(sys.argv);"
        "print((g.name, g.epochs, g.steps, g.discriminator_steps))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == str(expected)


def test_train_sample_export(tmp_path):
    trained = run("train.py", "--flagfile=ns.flags", *TINY, "--steps=2", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    model = tmp_path / "saved_models" / "ns"
    assert "2/2" in trained.stdout and (model / "export" / "1").is_dir()

    exported = run("export.py", f"--run={model}", cwd=tmp_path)
    assert exported.returncode == 0 and (model / "export" / "2").is_dir(), exported.stderr

    drawn = run("sample.py", f"--run={model}", "--n=5", "--array", cwd=tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    again = run(
        "sample.py", f"--saved_model={model / 'export'}", "--output=o", "--n=3", cwd=tmp_path
    )
    assert again.returncode == 0, again.stderr
    names = {path.name for path in (model / "generated").iterdir()}
    array = {"samples.npz", "samples.npz.json"}
    assert names == {"grid.png", "interpolation.gif", *array, *(f"0000{i}.png" for i in range(5))}
    for i in range(3):
        file = f"0000{i}.png"
        assert (model / "generated" / file).read_bytes() == (tmp_path / "o" / file).read_bytes()
    with PIL.Image.open(tmp_path / "o" / "grid.png") as image:
        checkpoint = image.text["Checkpoint"].removeprefix("sha256:")
    assert f"SHA-256 `{checkpoint}`" in (model / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_run_goes_on(tmp_path, number):
    command = [sys.executable, str(SCRIPTS / "train.py"), *TINY, "--checkpoint_every=0"]
    first = [*command, "--steps=1000000"]
    process = subprocess.Popen(first, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    while "step - " not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    step = int(output.rsplit("stopped at step ", 1)[1].split(";")[0].replace(",", ""))
    checkpoints = tmp_path / "saved_models" / "gan" / "checkpoints"
    assert [path.name for path in checkpoints.iterdir()] == [f"{step:08d}"]

    second = run("train.py", *TINY, f"--steps={step + 2}", "--resume", cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert (checkpoints / f"{step + 2:08d}").is_dir()


def test_evaluate_compares_files_and_tells_what_is_wrong(tmp_path):
    manifest = '{"extractor": "x", "weights": "", "dataset": "d", "split": "s", "split_hash": "h",'
    manifest += ' "n_real": 1, "n_fake": %d}'
    score = '{"metric": "fd", "value": %s, "of": "%s", "manifest": ' + manifest + "}"
    for of, value, n in (("a", 2.0, 5), ("b", 1.0, 5)):
        text = '{"format": 1, "scores": [' + score % (value, of, n) + "]}"
        (tmp_path / f"{of}.json").write_text(text)
    ranked = run("evaluate.py", "--compare", "a.json", "b.json", cwd=tmp_path)
    assert ranked.returncode == 0, ranked.stderr
    assert [line.split()[-1] for line in ranked.stdout.splitlines()[1:]] == ["b", "a"]
    wrong = run("evaluate.py", "--run=nowhere", "--metrics=fid", cwd=tmp_path)
    assert wrong.returncode == 2 and "--metrics=fid" in wrong.stderr


def test_sample_refuses_to_sign_without_a_certificate(tmp_path):
    result = run("sample.py", "--run=x", "--c2pa", cwd=tmp_path)
    assert result.returncode == 2 and "--c2pa_certificates and --c2pa_key" in result.stderr


def test_a_missing_data_set_is_one_line(tmp_path):
    result = run("train.py", "--dataset=folder:nowhere", cwd=tmp_path)
    assert result.returncode == 1
    assert "nowhere" in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "saved_models").exists()
