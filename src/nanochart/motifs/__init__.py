"""Motifs: whole-cluster classes and the defects that tell structures of one class apart."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
