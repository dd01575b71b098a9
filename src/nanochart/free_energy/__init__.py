"""Free energies from weighted samples: surfaces, paths, umbrella windows, works."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
