"""Descriptors: functions of all atoms that neither rotation nor renumbering changes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
