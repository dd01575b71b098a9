"""The rules of the house: order of folders, what each offers, lengths, what may compute."""

import ast
import doctest
import importlib
import re
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest

import nanochart
from helpers.repository import PACKAGE, ROOT

#: Folders and single files of the package in the order of the house: each imports from what stands
#: before it, and only what that offers in its ``__init__``.
ORDER = [
    "units", "errors", "metals", "parallel", "progress", "processes", "files", "output", "seal",
    "shown", "system", "compiled", "statistics", "potentials", "minimization", "clusters",
    "descriptors", "dynamics", "motifs", "autoencoder", "compiled_chart", "landscape", "search",
    "tempering", "biasing", "free_energy", "store", "interop", "config", "testing", "report",
    "workflow", "cli",
]  # fmt: skip
#: Folders that are rooms of the user's terminal, and of pictures.
DRAWS = {"report": {"matplotlib", "jinja2"}, "workflow": {"matplotlib"}, "cli": {"rich", "typer"}}
#: What draws, prints or talks to a terminal has no place in what computes.
PRESENTATION = {"matplotlib", "rich", "typer", "jinja2"}


def loaded_after(code, names):
    """Which of the modules a new interpreter has loaded after running the code."""
    code += f"\nimport sys; print(*sorted({names} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return out.stdout.split()


def test_import_is_cheap():
    heavy = {"ase", "matplotlib", "numba", "numpy", "pydantic", "scipy", "torch", "xarray", "zarr"}
    assert loaded_after("import nanochart", heavy) == []


def imports(path):
    """Absolute names that a module imports, at the top and inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(path):
    """Folder of the package that a file is in, or the file itself."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_folder_has_its_place_in_the_order():
    rooms = {room_of(p) for p in PACKAGE.rglob("*.py")} - {"__init__"}
    assert rooms == set(ORDER)


@pytest.mark.parametrize("room", ORDER)
def test_dependence_runs_one_way(room):
    forbidden = []
    for path in (p for p in PACKAGE.rglob("*.py") if room_of(p) == room):
        for name in imports(path):
            top, sub = (*name.split("."), "")[:2]
            upward = top == "nanochart" and sub in ORDER and ORDER.index(sub) > ORDER.index(room)
            # The system names the type of its potential, which it is given.
            if upward and (room, sub) != ("system", "potentials"):
                forbidden.append(f"{path.name}: {name}")
            if top in PRESENTATION - DRAWS.get(room, set()):
                forbidden.append(f"{path.name}: {name}")
    assert not forbidden


def test_folders_take_of_each_other_what_is_offered():
    inner = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.module.startswith("nanochart."):
                continue
            room, *rest = node.module.split(".")[1:]
            if rest and room not in {room_of(path), "compiled"}:
                inner.append(f"{path.name}: {node.module}")
    assert not inner


def test_what_is_inner_has_no_underscore_and_what_is_offered_is_in_a_stub():
    assert [p for p in PACKAGE.rglob("_*.py") if p.name != "__init__.py"] == []
    for room in sorted(PACKAGE.iterdir()):
        if not (room / "__init__.py").exists() or room.name in {"cli", "compiled"}:
            continue
        package = importlib.import_module(f"nanochart.{room.name}")
        assert set(dir(package)) == set(package.__all__) != set()


def test_no_file_is_long():
    lines = {
        str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines())
        for folder in (PACKAGE, ROOT / "tests")
        for p in folder.rglob("*.py")
    }
    assert {name: n for name, n in lines.items() if n > 450} == {}


def test_no_function_takes_more_than_twelve_positional_arguments():
    many = []
    for path in PACKAGE.rglob("*.py"):
        # Compiled loops take their arrays, and commands their options, by the dozen.
        if "kernels" in path.name or room_of(path) in {"compiled", "cli"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                n = len(node.args.posonlyargs) + len(node.args.args)
                if n - sum(a.arg in {"self", "cls"} for a in node.args.args[:1]) > 12:
                    many.append(f"{path.name}: {node.name}")
    assert not many


#: What the report takes of the stages: results as types, names, and what a picture is made of.
REPORT_TAKES = {
    "autoencoder": {"Reconstruction"},
    "clusters": {"superpose"},  # one picture laid onto the one before
    "free_energy": {"FreeEnergies", "IndependentRuns", "Surface", "WorkEstimate"},
    "motifs": {"DESCRIPTORS", "LABELS", "atom_types"},  # the colours of atoms
    "statistics": {"Estimate"},
    "store": {"Frames", "Metadata"},
    "tempering": {
        "Acceptance", "Exchanges", "LadderDiagnostics", "LevelMeans", "Thermodynamics",
        "group_by_temperature",
    },
}  # fmt: skip
#: Libraries of statistics and learning, which have no place in what draws.
COMPUTING = ("pymbar", "scipy.optimize", "scipy.stats", "sklearn", "torch")


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "report").rglob("*.py")), ids=lambda path: path.stem
)
def test_the_report_computes_nothing(path):
    wrong = []
    for name in imports(path):
        top, sub, rest = (*name.split(".", 2), "", "")[:3]
        stage = top == "nanochart" and (PACKAGE / sub).is_dir() and sub != "report"
        if (stage and rest not in REPORT_TAKES.get(sub, set())) or name.startswith(COMPUTING):
            wrong.append(name)
    assert not wrong, "take it as a result of the workflow"


#: What holds the arrays of a run, by the names that callers give it.
HOLDERS = {"block", "data", "dataset", "frames", "part"}


def calls(node, method):
    """Whether an expression calls a method of this name anywhere."""
    return any(getattr(getattr(n, "func", None), "attr", "") == method for n in ast.walk(node))


def holders(tree):
    """Names that hold the arrays of a run: the usual ones, and those that are assigned them."""
    found = set(HOLDERS)
    for node in ast.walk(tree):
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and value and calls(value, "to_xarray"):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for target in targets for part in ast.walk(target)]
            # Where the arrays are handed on whole, as to a class, the name holds no arrays itself.
            if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
                found |= {getattr(part, "id", getattr(part, "attr", "")) for part in parts}
    return found


def arrays_by_name(tree):
    """Names of a run's arrays that code asks for: ``data["energy"]``, ``"motif" in data``."""
    names = holders(tree)

    def holds(node):
        return calls(node, "to_xarray") or getattr(node, "id", getattr(node, "attr", "")) in names

    for node in ast.walk(tree):
        keys = []
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            keys = [node.slice] if holds(node.value) else []
        elif isinstance(node, ast.Call):
            method = getattr(node.func, "attr", "").lstrip("_")
            asked = method == "get" and holds(node.func.value)
            keys = node.args[:1] if asked or method == "values" else []
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            keys = [node.left] if holds(node.comparators[0]) else []
        for key in keys:
            if isinstance(key, ast.Constant) and key.value in nanochart.store.VARIABLES:
                yield key.value


@pytest.mark.parametrize(
    "code",
    [
        'data["energy"]',
        'run.to_xarray()["energy"][:3]',
        'run.to_xarray().isel(frame=0)["energy"]',
        'x = run.to_xarray()\nx["energy"]',
        'self.all = run.to_xarray().isel(frame=0)\nself.all["energy"]',
        'data.get("energy")',
        '"energy" in self.frames',
        'self._values("energy")',
    ],
)
def test_arrays_that_are_asked_for_by_name_are_seen(code):
    assert list(arrays_by_name(ast.parse(code))) == ["energy"]


def test_no_module_but_the_store_asks_for_arrays_by_name():
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "store"
        and any(arrays_by_name(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found == set(), "use run.frames()"


def test_only_learning_needs_torch_when_it_is_imported():
    """A simulation must not wait for PyTorch, nor draw anything."""
    stages = ("descriptors", "clusters", "tempering", "minimization", "store", "interop")
    stages += ("biasing", "free_energy", "testing")
    code = "; ".join(f"import nanochart.{stage}" for stage in stages)
    assert loaded_after(code, {"matplotlib", "sklearn", "torch"}) == []


@pytest.mark.parametrize("name", nanochart._SUBPACKAGES)
def test_public_names_exist_and_are_documented(name):
    module = importlib.import_module(f"nanochart.{name}")
    assert module.__doc__
    assert len(set(module.__all__)) == len(module.__all__)
    undocumented = [
        n for n in module.__all__ if callable(getattr(module, n)) and not getattr(module, n).__doc__
    ]
    assert not undocumented


def test_what_the_package_offers_by_itself_is_documented():
    for name in set(nanochart.__all__) - set(nanochart._SUBPACKAGES) - {"__version__"}:
        assert getattr(nanochart, name).__doc__
    assert set(dir(nanochart)) == set(nanochart.__all__)


def modules_with_examples():
    """Names of the modules whose docstrings hold examples."""
    paths = [p for p in sorted(PACKAGE.rglob("*.py")) if ">>> " in p.read_text(encoding="utf-8")]
    return [".".join(p.relative_to(ROOT / "src").with_suffix("").parts) for p in paths]


@pytest.mark.parametrize("name", modules_with_examples())
def test_docstring_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.testmod(module, optionflags=flags).failed == 0


def test_unknown_attribute_is_named():
    with pytest.raises(AttributeError, match=r"nanochart.*'potential'"):
        _ = nanochart.potential


#: Checks that cannot fail, or that say nothing of what was made.
EMPTY = (r"st_size > ", r"(committed|count|len)\([^()]*\) >= 0$", r"^(True|1)$")


def test_tests_say_which_error_they_expect_and_check_what_can_fail():
    wrong = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.raises":
                if not any(word.arg == "match" for word in node.keywords):
                    wrong.append(f"{where}: no match")
            elif isinstance(node, ast.With):
                expects = any("pytest.raises(" in ast.unparse(i.context_expr) for i in node.items)
                if expects and len(node.body) > 1:
                    wrong.append(f"{where}: more than the line that raises")
            elif isinstance(node, ast.Assert):
                asked = ast.unparse(node.test)
                wrong += [f"{where}: {asked}" for rule in EMPTY if re.search(rule, asked)]
    assert wrong == []


def test_no_two_files_import_each_other():
    """Imports within functions and of types alone count, too."""
    modules = {name_of_module(path): path for path in PACKAGE.rglob("*.py")}
    offered = {
        (name_of_module(path), alias.asname or alias.name): f"{name_of_module(path)}.{node.module}"
        for path in PACKAGE.rglob("__init__.pyi")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    needs = {name: set() for name in modules}
    for name, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                owner = offered.get((node.module, alias.name), node.module)
                needs[name] |= {inside if inside in modules else owner} & modules.keys()
    list(TopologicalSorter(needs).static_order())  # a CycleError names the files


def name_of_module(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
