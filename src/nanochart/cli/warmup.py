"""``nanochart warmup``."""

from nanochart.cli.app import app
from nanochart.cli.options import JsonFlag, emit


@app.command()
def warmup(json: JsonFlag = False) -> None:
    """Compile all kernels once, so that later commands start at once."""
    import time

    from nanochart.workflow import compile_bias_kernels, compile_kernels

    start = time.perf_counter()
    compile_kernels()
    compile_bias_kernels()
    seconds = time.perf_counter() - start
    emit({"seconds": seconds}, json, [f"kernels are compiled ({seconds:.0f} s)"])
