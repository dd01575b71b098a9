"""`nanochart fes`: free energies of biased runs and of ladders."""
