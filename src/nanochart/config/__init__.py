"""What a YAML key means: configurations of runs and of biased runs, and the shipped presets."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
