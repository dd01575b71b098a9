"""``nanochart warmup``."""

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import JsonFlag, QuietFlag, emit


@app.command()
def warmup(json: JsonFlag = False, quiet: QuietFlag = False) -> None:
    """Compile all kernels once, so that later commands start at once."""
    import time

    from nanochart.workflow import compile_bias_kernels, compile_kernels

    start = time.perf_counter()
    with show_progress(quiet) as progress:
        progress("warmup", 0, 2, "the stages of a run")
        compile_kernels()
        progress("warmup", 1, 2, "biased dynamics")
        compile_bias_kernels()
        progress("warmup", 2, 2)
    seconds = time.perf_counter() - start
    emit({"seconds": seconds}, json, [f"kernels are compiled ({seconds:.0f} s)"])
