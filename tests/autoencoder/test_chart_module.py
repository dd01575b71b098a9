"""A model as a module of PyTorch alone agrees with it, here and where there is no nanochart."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import nanochart as nc
from helpers.small_models import RDF_SETTINGS, clusters, training
from nanochart.autoencoder import (
    ARCHITECTURES,
    Model,
    TrainingConfig,
    build_network,
    initialize_weights,
)
from nanochart.descriptors import RDF

#: Of coordinates and their derivatives (1/Å); of those in single precision.
TOLERANCE, OF_SLOPES, SINGLE = 1e-5, 1e-4, 5e-4

NO_NANOCHART = """
import sys
class Refused:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "nanochart":
            raise ImportError(name)
sys.meta_path.insert(0, Refused())
import numpy as np, torch
program, data = sys.argv[1:]
loaded = (torch.export.load(program).module() if program.endswith("pt2")
          else torch.jit.load(program))
given = np.load(data)
x = torch.tensor(given["x"], requires_grad=True)
s = loaded(x)
slopes = [torch.autograd.grad(s[:, k].sum(), x, retain_graph=True)[0] for k in range(s.shape[1])]
np.savez(data, s=s.detach(), one=loaded(x[:1]).detach(), slopes=torch.stack(slopes, 1))
assert not any(name.startswith("nanochart") for name in sys.modules)
"""


def untrained(architecture, metal="Cu", n=38, lengths=None):
    """A model of random weights, whose encoder sees RDFs as a trained one does."""
    x = shaken(metal, n)
    rdf = RDF.for_positions(x)
    network = build_network(architecture, rdf.n_bins, 2)
    initialize_weights(network, np.random.default_rng(0))
    g = torch.tensor(rdf(x), dtype=torch.float32)
    network.input_shift.copy_(g.mean(0))
    network.input_scale.copy_(g.std(0) + 0.02)
    model = Model(network, TrainingConfig(architecture=architecture, bottleneck=2), rdf, metal, n,
                  lengths=lengths or {})  # fmt: skip
    # Coordinates vary by about one, as those of a chart.
    network.encoder.latent.weight.div_(torch.tensor(model.encode(x).std(0))[:, None])
    return model


def shaken(metal="Cu", n=38, count=6):
    """A crystal that vibrates, is strained, and melts: (frame, atom, 3)."""
    random = np.random.default_rng(3)
    base = nc.clusters.build("octahedron", metal, n).positions
    frames = [base + width * random.normal(size=base.shape) for width in (0.0, 0.05, 0.15)]
    frames += [base * (1.02, 0.98, 1.0), base @ np.linalg.qr(random.normal(size=(3, 3)))[0] + 5.0]
    frames.append(nc.clusters.build("random", metal, n, seed=1).positions)
    return np.stack(frames)[:count]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_coordinates_and_slopes_are_those_of_the_model(architecture):
    model, x = untrained(architecture), shaken()
    before = model.fingerprint
    s, ds_dx = model.encode_with_jacobian(x)
    module = model.to_torch()
    positions = torch.tensor(x, requires_grad=True)
    found = module(positions)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.detach(), s, atol=TOLERANCE)
    for k in range(2):
        (slope,) = torch.autograd.grad(found[:, k].sum(), positions, retain_graph=True)
        np.testing.assert_allclose(slope, ds_dx[:, k], atol=OF_SLOPES)
    assert np.abs(ds_dx).max() > 0.1
    single = model.to_torch(dtype=torch.float32)(positions)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.detach(), s, atol=SINGLE)
    assert model.fingerprint == before
    assert model.network.input_shift.dtype == torch.float64


def test_slopes_are_the_gradient():
    module, x = untrained("compact").to_torch(), torch.tensor(shaken()[2:3])
    assert torch.autograd.gradcheck(lambda y: module(x + y), torch.zeros(1, 38, 3).double()
                                    .requires_grad_(), atol=1e-6, fast_mode=True)  # fmt: skip


def test_a_trained_model_of_wide_bins_agrees_too():
    model, (thermal, _) = training()[0], clusters(20)
    assert model.rdf == RDF_SETTINGS
    found = model.to_torch()(torch.tensor(thermal))
    np.testing.assert_allclose(found, model.encode(thermal), atol=TOLERANCE)


@pytest.mark.parametrize("sigma", [0.01, 3.0])
def test_bandwidths_far_from_the_width_of_a_bin_agree(sigma):
    model = untrained("compact")
    rdf = RDF(model.rdf.r_min, model.rdf.r_max, model.rdf.n_bins, sigma)
    model.network.input_scale.fill_(1.0)
    other, x = Model(model.network, model.config, rdf, "Cu", 38), shaken()
    np.testing.assert_allclose(other.to_torch()(torch.tensor(x)), other.encode(x), atol=TOLERANCE)


def test_leading_dimensions_are_kept():
    module, x = untrained("compact").to_torch(), torch.tensor(shaken())
    s = module(x)
    assert module(x[0]).shape == (2,)
    torch.testing.assert_close(module(x.reshape(2, 3, 38, 3)), s.reshape(2, 3, 2))
    torch.testing.assert_close(module(x[0]), s[0])
    assert module(x[:0]).shape == (0, 2)


def test_metals_of_one_chart_have_their_own_length():
    model = untrained("compact", lengths={"Cu": 2.556, "Au": 2.884})
    gold = shaken("Au")
    found = model.to_torch("Au")(torch.tensor(gold))
    np.testing.assert_allclose(found, model.encode(gold, "Au"), atol=TOLERANCE)
    with pytest.raises(nc.errors.ModelError, match="got Ag"):
        model.to_torch("Ag")


def test_off_the_grid_nothing_is_known():
    module, x = untrained("compact").to_torch(), shaken()[:3]
    x[1, 0] += 100.0
    x[2, 0] = np.nan
    positions = torch.tensor(x, requires_grad=True)
    s = module(positions)
    assert torch.isfinite(s[0]).all()
    assert torch.isnan(s[1:]).all()
    s.sum().backward()
    assert torch.isfinite(positions.grad[0]).all()
    assert torch.isnan(positions.grad[1:]).any(dim=(1, 2)).all()


def test_other_input_is_refused():
    model = untrained("compact")
    with pytest.raises(ValueError, match=r"must have the shape \(..., 38, 3\); got \[2, 13, 3\]"):
        model.to_torch()(torch.zeros(2, 13, 3))
    with pytest.raises(TypeError, match=r"float32 or float64; got torch\.float16"):
        model.to_torch(dtype=torch.float16)


def elsewhere(program, x, folder):
    """What an exported program gives in a process that cannot import nanochart."""
    data = folder / "data.npz"
    np.savez(data, x=x)
    command = [sys.executable, "-W", "ignore", "-c", NO_NANOCHART, str(program), str(data)]
    subprocess.run(command, check=True)
    return np.load(data)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_is_exported_and_loaded_without_nanochart(architecture, tmp_path):
    model, x = untrained(architecture), shaken()
    module = model.to_torch()
    frames = torch.export.Dim("frame")
    example = torch.zeros(2, 38, 3, dtype=torch.float64)
    program = torch.export.export(module, (example,), dynamic_shapes=({0: frames},))
    torch.export.save(program, tmp_path / "chart.pt2")
    found = elsewhere(tmp_path / "chart.pt2", x, tmp_path)
    s, ds_dx = model.encode_with_jacobian(x)
    np.testing.assert_allclose(found["s"], s, atol=TOLERANCE)
    np.testing.assert_allclose(found["one"], s[:1], atol=TOLERANCE)
    np.testing.assert_allclose(found["slopes"], ds_dx, atol=OF_SLOPES)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:FutureWarning")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_is_scripted_and_loaded_without_nanochart(architecture, tmp_path):
    model, x = untrained(architecture), shaken()
    torch.jit.script(model.to_torch()).save(str(tmp_path / "chart.pt"))
    found = elsewhere(tmp_path / "chart.pt", x, tmp_path)
    s, ds_dx = model.encode_with_jacobian(x)
    np.testing.assert_allclose(found["s"], s, atol=TOLERANCE)
    np.testing.assert_allclose(found["slopes"], ds_dx, atol=OF_SLOPES)
