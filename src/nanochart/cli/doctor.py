"""``nanochart doctor``."""

from dataclasses import asdict

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import JsonFlag, QuietFlag, Threads, emit


@app.command()
def doctor(_threads: Threads = None, json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """Say what nanochart runs on, and try each of its parts on a case whose answer is known.

    It takes ten seconds, or two minutes where kernels are still to be compiled. The exit code is 1
    where a part fails.
    """
    from nanochart.workflow import diagnose

    with show_progress(quiet) as progress:
        found = diagnose(progress)
    lines = [f"{'versions':<15} " + ", ".join(f"{name} {v}" for name, v in found.versions.items())]
    lines += [f"{name:<15} {fact}" for name, fact in found.machine.items()]
    extras = (f"{name} {v or 'is not installed'}" for name, v in found.extras.items())
    lines.append(f"{'extras':<15} " + ", ".join(extras))
    lines += [
        f"{check.name:<15} {'well' if check.passed else 'FAILED'}: {check.found} "
        f"({check.seconds:.1f} s)"
        for check in found.checks
    ]
    failed = [check.name for check in found.checks if not check.passed]
    lines.append("all is well" if found.healthy else f"what fails: {', '.join(failed)}")
    result = {**asdict(found), "healthy": found.healthy}
    emit(result, json, lines)
    raise typer.Exit(0 if found.healthy else 1)
