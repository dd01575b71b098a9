"""A run as one object: each method is the command of its name."""

import numpy as np
import pytest
import yaml

import nanochart as nc
from helpers.configs import small_config


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small study up to its families."""
    folder = tmp_path_factory.mktemp("study")
    values = small_config().model_dump(mode="json", exclude_unset=True)
    (folder / "au38.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    stages = []
    made = nc.sample(folder / "au38.yaml", progress=lambda stage, *_: stages.append(stage))
    made.quench().label()
    made.train(epochs=2)
    made.chart()
    assert {"sample", "quench", "label", "train", "chart"} <= set(stages)
    return made


def test_a_study_is_made_beside_its_configuration_and_says_how_far_it_is(study):
    assert study.path.name == "au38.zarr"
    assert (
        repr(study) == "Study(au38.zarr: Au38, 3 replicas, 100 frames, quenched, labelled, charted)"
    )
    assert repr(nc.Study(study.path)) == repr(study)


def test_settings_are_those_of_the_run_with_what_is_asked_otherwise(study):
    assert study.path.with_suffix(".nanochart").exists()
    assert study.model.config.epochs == 2
    assert study.model.config.bottleneck == small_config().training.bottleneck
    assert study.run.info("train")["fingerprint"] == study.model.fingerprint


def test_results_are_those_of_the_stages(study):
    melting = study.thermo().melting_temperature
    assert melting.known == nc.workflow.thermo_run(study.run).melting_temperature.known
    free = study.fes(by="motif", temperature=400.0)
    other = nc.workflow.fes_run(study.run, by="motif", temperature=400.0)
    np.testing.assert_array_equal(free.surface.energy, other.surface.energy)


def test_a_biased_run_is_a_study_along_the_chart_of_its_source(study, tmp_path):
    biased = study.bias(
        {"temperature": 400.0, "variables": ["s1"], "time": 0.35,
         "umbrella": {"along": [[-0.5], [0.5]], "windows": 2, "stiffness": 0.5}},
        tmp_path / "windows.zarr",
    )  # fmt: skip
    assert biased.run.metadata.kind == "biased"
    assert biased.run.metadata.provenance["method"] == "umbrella"
    assert repr(biased).startswith("Study(windows.zarr: Au38, 2 walkers, ")


@pytest.mark.usefixtures("undrawn")
def test_report_and_explorer_lie_beside_the_run(study):
    assert study.report() == study.path.with_suffix(".html")
    assert study.path.with_suffix(".html").exists()


def test_a_content_without_a_path_is_one_sentence():
    with pytest.raises(ValueError, match="a run needs the path of its folder"):
        nc.sample(small_config())


def test_a_notebook_shows_pictures(study):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    nc.load_ipython_extension(shell)
    for shown in (study, study.model, study.fes(by="motif", temperature=400.0)):
        data, _ = shell.display_formatter.format(shown)
        assert data["image/png"][:8] == b"\x89PNG\r\n\x1a\n", shown
    uncharted, _ = shell.display_formatter.format(nc.config.load_config)
    assert "image/png" not in uncharted
