"""``nanochart warmup``."""

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import JsonFlag, QuietFlag, emit


@app.command()
def warmup(json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """Compile all kernels once, so that later commands start at once."""
    import time

    from nanochart.workflow import warm_up

    start = time.perf_counter()
    with show_progress(quiet) as progress:
        warm_up(progress)
    seconds = time.perf_counter() - start
    emit({"seconds": seconds}, json, [f"kernels are compiled ({seconds:.0f} s)"])
