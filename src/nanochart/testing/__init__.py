"""Laws that implementations must obey, and systems with exact answers to test samplers on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
