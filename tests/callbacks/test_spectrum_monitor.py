import numpy as np
import pytest
from helpers import make_gan, players, samples
from helpers_games import bilinear

from keras_gans.callbacks import SpectrumMonitor, checkpoint
from keras_gans.penalties import R1


def test_it_logs_the_spectrum_of_each_nth_epoch(tmp_path):
    # With R1 the bilinear game has the eigenvalues -1/2 ± i sqrt(3)/2 wherever it stands.
    gan = bilinear(penalty=R1(1.0))
    monitor = SpectrumMonitor(tmp_path, samples=np.zeros([4, 1], "float32"), every=2)
    history = gan.fit(
        np.zeros([8, 1], "float32"), batch_size=4, epochs=4, callbacks=[monitor], verbose=0
    ).history
    assert [step for step, _ in monitor.spectra] == [4, 8]
    for name, value in {
        "spectrum_real": -0.5,
        "rotation_index": 1.0,
        "max_learning_rate": 1.0,
    }.items():
        assert history[name] == pytest.approx([value] * 2, rel=1e-5)
    kept = np.load(tmp_path / "spectrum.npz")
    assert list(kept) == ["step_00000004", "step_00000008"]
    np.testing.assert_allclose(kept["step_00000008"].imag, np.sqrt(0.75) * np.array([-1, 1]), 1e-5)
    assert (tmp_path / "spectrum.png").read_bytes()[:4] == b"\x89PNG"

    checkpoint.save(gan, tmp_path / "checkpoints", [monitor])
    again = SpectrumMonitor(tmp_path)
    checkpoint.restore(gan, tmp_path / "checkpoints", [again])
    assert [(step, repr(found)) for step, found in again.spectra] == [
        (step, repr(found)) for step, found in monitor.spectra
    ]


def test_without_samples_it_takes_the_first_batch():
    gan = make_gan(networks=players(shape=(2,), width=3), penalty="r1", loss="wasserstein")
    monitor = SpectrumMonitor(n=8)
    gan.fit(samples(32, (2,)), batch_size=16, callbacks=[monitor], verbose=0)
    (step, spectrum) = monitor.spectra[0]
    assert step == 2 and spectrum.complete and np.isfinite(spectrum.eigenvalues).all()


@pytest.mark.parametrize("values", [{"every": 0}, {"n": 0}])
def test_what_cannot_be_is_refused(values):
    with pytest.raises(ValueError, match=">= 1"):
        SpectrumMonitor(**values)
