import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from helpers_runs import arrays

from keras_gans import callbacks, experiment, lock
from keras_gans.callbacks import checkpoint
from keras_gans.config import Config


def small(tmp_path, **values):
    defaults = {"name": "run", "width": 4, "latent_dim": 3, "batch_size": 16, "steps": 4}
    return Config(**{**defaults, "output_dir": str(tmp_path), **values})


def state(run):
    """Every array of a run's newest checkpoint, by its path in the file."""
    return arrays(checkpoint.newest(run / "checkpoints")[0])


@pytest.mark.parametrize(
    ("step", "total", "in_epoch", "calls"),
    [
        (0, 20, 10, [(0, 2, 10)]),
        (0, 25, 10, [(0, 2, 10), (2, 3, 5)]),
        (3, 25, 10, [(0, 1, 7), (1, 2, 10), (2, 3, 5)]),
        (3, 5, 10, [(0, 1, 2)]),
        (20, 20, 10, []),
    ],
)
def test_segments(step, total, in_epoch, calls):
    assert experiment.segments(step, total, in_epoch) == calls
    assert sum((end - start) * steps for start, end, steps in calls) == total - step


def test_schedule_of_epochs_is_passes_and_of_steps_is_twentieths():
    data = experiment.load_data(Config())  # 1,797 digits
    assert experiment.schedule(Config(epochs=3), data) == (3 * 28, 28)  # 1797 // 64
    assert experiment.schedule(Config(epochs=3, discriminator_steps=5), data) == (3 * 5, 5)
    assert experiment.schedule(Config(), data) == (20 * 28, 28)
    assert experiment.schedule(Config(steps=1000), data) == (1000, 50)
    assert experiment.schedule(Config(steps=1000, steps_per_execution=40), data) == (1000, 80)
    with pytest.raises(ValueError, match=r"1797 samples.*--batch_size=1024"):
        experiment.schedule(Config(epochs=1, batch_size=1024, discriminator_steps=2), data)


def test_train_leaves_everything_in_the_run(tmp_path, capsys):
    assert experiment.train(small(tmp_path, loss="wasserstein", penalty="gradient_penalty")) == 0
    run = tmp_path / "run"
    assert {path.name for path in run.iterdir()} == {
        *("flags.txt", "samples", "logs", "checkpoints", "export"),
        *("MODEL_CARD.md", "model_card.json"),
    }
    assert "--loss=wasserstein\n" in (run / "flags.txt").read_text()
    assert [path.name for path in sorted((run / "samples").iterdir())][-1] == "00000004.png"
    assert (run / "logs" / "history.csv").read_text().count("\n") == 5
    assert (run / "export" / "1" / "saved_model.pb").exists()
    assert checkpoint.steps(run / "checkpoints") == [2, 3, 4]
    assert "1,797 samples" in capsys.readouterr().out


def test_load_run_gives_the_trained_model_back(tmp_path):
    experiment.train(small(tmp_path, ema_decay=0.9))
    gan = experiment.load_run(tmp_path / "run")
    exported = tf.saved_model.load(str(tmp_path / "run" / "export" / "1"))
    images = exported.signatures["sample"](n=tf.constant(4), seed=tf.constant(0))["images"]
    pixels = np.round((gan.generate(4, seed=0) + 1) * 127.5)
    assert gan.step == 4 and np.abs(images.numpy() - pixels).max() <= 1


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": None, "steps": 6},
        {"steps": 6, "discriminator_steps": 2, "ema_decay": 0.9, "loss": "hinge"},
        {"steps": 6, "steps_per_execution": 3, "discriminator_norm": "spectral"},
        {"steps": 6, "steps_per_execution": "auto", "ema_decay": 0.9},
        {"steps": 6, "augment": "flip", "lr_decay": "none", "penalty": "r1"},
        {"steps": 6, "dynamics": "lookahead", "penalty": "r1", "penalty_weight": "auto"},
        {"steps": 6, "packing": 2, "optimizer": "optimistic_adam"},
        {"steps": 6, "on_divergence": "rollback", "optimizer": "negative_momentum"},
    ],
    ids=lambda values: "-".join(values),
)
def test_resume_is_bitwise(tmp_path, values):
    straight = small(tmp_path / "a", **values)
    experiment.train(straight)
    experiment.train(small(tmp_path / "b", **{**values, "steps": 3}))
    experiment.train(small(tmp_path / "b", **values, resume=True))
    a, b = state(tmp_path / "a" / "run"), state(tmp_path / "b" / "run")
    assert a.keys() == b.keys() and len(a) > 20
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def test_resume_within_an_epoch_goes_on_with_the_data_that_come_next(tmp_path):
    values = {"steps": None, "epochs": 1, "batch_size": 256}  # 7 steps a pass
    experiment.train(small(tmp_path / "a", **values))
    experiment.train(small(tmp_path / "b", batch_size=256, steps=3))
    experiment.train(small(tmp_path / "b", **values, resume=True))
    a, b = state(tmp_path / "a" / "run"), state(tmp_path / "b" / "run")
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def test_resume_refuses_other_flags_and_names_them(tmp_path):
    experiment.train(small(tmp_path))
    with pytest.raises(ValueError, match=r"--loss=hinge \(the run has non_saturating\)"):
        experiment.train(small(tmp_path, loss="hinge", resume=True))


def test_resume_of_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        experiment.train(small(tmp_path, resume=True))
    with pytest.raises(FileNotFoundError, match="holds no run"):
        experiment.load_run(tmp_path)


def test_an_earlier_run_is_kept(tmp_path):
    for _ in range(3):
        experiment.train(small(tmp_path, steps=1))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run-1", "run-2"]
    assert all(checkpoint.steps(p / "checkpoints") == [1] for p in tmp_path.iterdir())


def test_bad_data_leaves_an_earlier_run_alone(tmp_path):
    experiment.train(small(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FileNotFoundError, match="--dataset=folder:"):
        experiment.train(small(tmp_path, dataset=f"folder:{tmp_path / 'none'}"))
    with pytest.raises(ValueError, match=r"--network=dcgan does not fit.*--image_size"):
        experiment.train(small(tmp_path, image_size=29, network="dcgan"))
    assert sorted(tmp_path.rglob("*")) == before


def test_divergence_ends_with_1_and_keeps_the_last_good_checkpoint(tmp_path, capsys):
    config = small(tmp_path, optimizer="sgd", generator_lr=1e30, discriminator_lr=1e30)
    assert experiment.train(config) == 1
    output = capsys.readouterr().out
    assert "training diverged" in output and "checkpoint" in output
    assert not (tmp_path / "run" / "export").exists()


def test_divergence_is_rolled_back_before_it_ends_the_run(tmp_path, capsys):
    config = small(
        tmp_path,
        optimizer="sgd",
        generator_lr=1e30,
        discriminator_lr=1e30,
        lr_decay="cosine",
        on_divergence="rollback",
    )
    assert experiment.train(config) == 1
    output = capsys.readouterr().out
    assert output.count("back to step 0, learning rates now") == 3
    assert "after 3 rollbacks" in output


def test_a_run_that_was_rolled_back_goes_on_to_its_end(tmp_path, monkeypatch, capsys):
    broken = []

    def break_once(self, batch, logs=None):
        if self.model.step == 6 and not broken:
            broken.append(weight := self.model.discriminator_variables[-2])
            weight.assign(np.full(weight.shape, np.nan))

    monkeypatch.setattr(callbacks.SampleGrid, "on_train_batch_end", break_once, raising=False)
    config = small(tmp_path, steps=40, on_divergence="rollback", loss="wasserstein")
    assert experiment.train(config) == 0
    output = capsys.readouterr().out
    assert "back to step 4, learning rates now 0.0001" in output and "done" in output
    gan = experiment.load_run(tmp_path / "run")
    assert gan.step == 40 and np.isfinite(gan.generate(4, seed=0)).all()
    rows = (tmp_path / "run" / "logs" / "history.csv").read_text().splitlines()
    assert [row.split(",")[1] for row in rows[-3:]] == ["36", "38", "40"]


@pytest.mark.parametrize("dataset", ["ring", "spiral", "mixture_1d"])
def test_points_get_an_mlp_and_a_plot(tmp_path, dataset):
    assert experiment.train(small(tmp_path, dataset=dataset, depth=2)) == 0
    gan = experiment.load_run(tmp_path / "run")
    assert gan.generate(5).shape == (5, 1 if dataset == "mixture_1d" else 2)
    assert (tmp_path / "run" / "samples" / "00000004.png").exists()


def test_mixed_precision_holds_for_the_run_only(tmp_path):
    assert experiment.train(small(tmp_path, mixed_precision="mixed_bfloat16")) == 0
    assert keras.config.dtype_policy().name == "float32"
    gan = experiment.load_run(tmp_path / "run")
    assert gan.generator.layers[1].compute_dtype == "bfloat16"


def test_weight_clip_holds_every_weight_of_the_critic(tmp_path):
    experiment.train(small(tmp_path, weight_clip=0.01, discriminator_norm="batch"))
    gan = experiment.load_run(tmp_path / "run")
    for variable in gan.discriminator.trainable_variables:
        assert np.abs(variable.numpy()).max() <= 0.01 + 1e-9, variable.path


def test_skipped_files_are_counted_at_the_end_and_listed(tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    for i in range(18):
        pixels = np.full([8, 8, 3], 10 * i, "uint8")
        PIL.Image.fromarray(pixels).save(photos / f"{i:02d}.png")
    (photos / "03.png").write_bytes(b"")
    (photos / "07.png").write_bytes((photos / "07.png").read_bytes()[:60])
    values = {"dataset": f"folder:{photos}", "steps": 1}
    with pytest.raises(ValueError, match=r"03\.png cannot be read.*--on_corrupt=skip"):
        experiment.train(small(tmp_path, **values))
    assert not (tmp_path / "run").exists()
    assert experiment.train(small(tmp_path, **values, on_corrupt="skip")) == 0
    last = capsys.readouterr().out.splitlines()[-2:]
    assert "2 corrupt file(s) were skipped" in last[0], last
    listed = (tmp_path / "run" / "skipped.txt").read_text().splitlines()
    assert [line.split()[0] for line in listed] == ["03.png", "07.png"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"augment": "color"}, "--augment=color: found 1 channel"),
        ({"batch_size": 2000}, "batch size of 2000 for 1797 samples"),
    ],
)
def test_what_does_not_fit_the_data_is_refused_before_a_file_is_written(tmp_path, values, words):
    with pytest.raises(ValueError, match=words):
        experiment.train(small(tmp_path, **values))
    assert not list(tmp_path.iterdir())


# --- a run that cannot go on ----------------------------------------------------------------------


def test_out_of_memory_names_the_batch_size_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    experiment.train(small(tmp_path, steps=2))
    before = sorted((tmp_path / "run" / "checkpoints").rglob("*"))

    def exhausted(self, *args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\nmore")

    monkeypatch.setattr(experiment.GAN, "fit", exhausted)
    with pytest.raises(MemoryError) as error:
        experiment.train(small(tmp_path, steps=4, resume=True))
    assert str(error.value) == (
        "out of memory at --batch_size=16; the checkpoint of step 2 is kept. Start again with "
        "--batch_size=8 or less, or with a smaller --width. (OOM when allocating)"
    )
    assert isinstance(error.value, experiment.USER_ERRORS)
    assert sorted((tmp_path / "run" / "checkpoints").rglob("*")) == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_in_use_is_refused_and_left_alone(tmp_path, resume):
    run = tmp_path / "run"
    run.mkdir()
    (run / "flags.txt").write_text(small(tmp_path).to_flags())
    with (
        lock.hold(run),
        pytest.raises(lock.InUseError, match=r"run is in use by process \d+ on .*--name"),
    ):
        experiment.train(small(tmp_path, resume=resume))
    assert [path.name for path in run.iterdir()] == ["flags.txt"]
    assert list(tmp_path.iterdir()) == [run]


def test_a_run_that_died_before_its_first_checkpoint_starts_again(tmp_path, capsys):
    config = small(tmp_path, steps=1, monitor_every=0, sample_every=0)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "flags.txt").write_text(config.to_flags())
    again = small(tmp_path, steps=1, monitor_every=0, sample_every=0, resume=True)
    assert experiment.train(again) == 0
    assert "ended before its first checkpoint: it starts again" in capsys.readouterr().out


def test_a_damaged_checkpoint_is_passed_over_and_the_run_ends_the_same(tmp_path, capsys):
    values = {"monitor_every": 0, "sample_every": 0}
    experiment.train(small(tmp_path, **values))
    run = tmp_path / "run"
    whole = state(run)
    path = run / "checkpoints" / "00000004" / checkpoint.STATE
    path.write_bytes(path.read_bytes()[:-1])
    experiment.train(small(tmp_path, **values, resume=True))
    said = capsys.readouterr().out
    assert "00000004 is passed over: state.weights.h5 is damaged: it has" in said
    assert "steps 3 to 4" in said
    assert [p.name for p in sorted((run / "checkpoints").iterdir())] == [
        *("00000002", "00000003", "00000004", "00000004.damaged")
    ]
    again = state(run)
    for name in whole:
        np.testing.assert_array_equal(whole[name], again[name], err_msg=name)


@pytest.mark.parametrize("tf32", [False, True])
def test_tf32_is_by_flag(tf32):
    experiment.make_gan(Config(tf32=tf32, network="mlp", width=2), (4, 4, 1), total_steps=1)
    assert tf.config.experimental.tensor_float_32_execution_enabled() is tf32
