"""Pages whose code runs, and whose commands, options, links and citations exist."""

import re

import pytest
import typer
import yaml

import nanochart
from helpers.repository import PACKAGE, PAGES, ROOT, fenced, name_of
from nanochart.cli.app import _register, app
from nanochart.config import load_bias_config, load_config
from nanochart.errors import ConfigError


def pages_with(language):
    return [pytest.param(p, id=name_of(p)) for p in PAGES if fenced(p, language)]


@pytest.mark.parametrize("page", pages_with("python"))
def test_python_blocks_of_a_page_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "page"}
    for block in fenced(page, "python"):
        exec(compile(block, name_of(page), "exec"), namespace)  # noqa: S102 (our own pages)


@pytest.mark.parametrize("page", pages_with("yaml"))
def test_configurations_of_a_page_are_valid(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in fenced(page, "yaml"):
        config = yaml.safe_load(block)
        if "run" in config:  # a biased run
            (tmp_path / "bias.yaml").write_text(block)
            load_bias_config(tmp_path / "bias.yaml")
            (tmp_path / "bias.yaml").write_text(block + "temprature: 300\n")
            with pytest.raises(ConfigError, match="did you mean temperature"):
                load_bias_config(tmp_path / "bias.yaml")
            continue
        load_config(config)
        with pytest.raises(ConfigError, match="swap_intervall is not a field"):
            load_config({**config, "tempering": {**config["tempering"], "swap_intervall": 1.0}})


def test_readme_example_has_at_most_fifteen_lines():
    (example,) = fenced(ROOT / "README.md", "python")
    assert len(example.strip().splitlines()) <= 15


def cli_commands():
    """Name -> options of every command, from the command line's own definition."""
    _register()
    group = typer.main.get_command(app)
    return {
        name: {o for p in command.params for o in (*p.opts, *p.secondary_opts) if o[0] == "-"}
        for name, command in group.commands.items()
    }


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_and_option_on_a_page_exists(page):
    commands = cli_commands()
    wrong = []
    for line in code_of(page).splitlines():
        for call in re.finditer(r"nanochart ([a-z]+)((?: [^|;&#`]*)?)", line):
            name, rest = call.groups()
            if name not in commands:
                wrong.append(call.group(0))
                continue
            options = set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest))
            wrong += [f"nanochart {name} {o}" for o in options - commands[name] - {"--help"}]
    assert not wrong


def code_of(page):
    """Shell blocks and code spans of a page, a span or a shell line each on a line of its own."""
    text = page.read_text(encoding="utf-8")
    blocks = [b for language in ("console", "bash") for b in fenced(page, language)]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [s.replace("\n", " ") for s in re.findall(r"`([^`]+)`", prose)]
    return "\n".join([*blocks, *spans]).replace("\\\n", " ")


def test_every_command_is_documented():
    documented = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    missing = [name for name in cli_commands() if f"`nanochart {name}" not in documented]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_on_a_page_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^(?:\$ )?make ([a-z-]+)", code_of(page), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_local_links_on_a_page_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    images = re.findall(r"^```{image} (\S+)", text, re.MULTILINE)
    local = [link for link in links + images if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_files_and_tables_that_contributors_are_sent_to_exist():
    """What to touch to add something: a path, or the name of a registry before its path."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## To add something")[2].partition("\n## ")[0]
    named = re.findall(r"`([\w/]+\.py)`", section)
    missing = [n for n in named if not (PACKAGE / n).exists() and not (ROOT / n).exists()]
    assert len(named) > 8
    assert not missing
    for registry, path in re.findall(r"`([A-Z_]+)` (?:of|in) `([\w/]+\.py)`", section):
        assert f"{registry}" in (PACKAGE / path).read_text(encoding="utf-8")


def test_citations_of_the_pages_are_in_the_bibliography():
    bibliography = (ROOT / "docs" / "references.bib").read_text(encoding="utf-8")
    entries = set(re.findall(r"^@\w+{(\w+),", bibliography, re.MULTILINE))
    cited = {
        key.strip()
        for page in PAGES
        for keys in re.findall(r"{cite:[pt]}`([^`]+)`", page.read_text(encoding="utf-8"))
        for key in keys.split(",")
    }
    assert cited <= entries
    assert {"telari2023", "telari2025"} <= cited


def test_every_subpackage_is_in_the_api_reference():
    reference = "".join(p.read_text() for p in (ROOT / "docs" / "api").glob("*.rst"))
    documented = set(re.findall(r"automodule:: nanochart\.(\w+)", reference))
    missing = [name for name in nanochart._SUBPACKAGES if name not in documented]
    assert not missing
