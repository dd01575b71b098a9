"""Vector code where Numba's own loops over arrays do not reach it.

LLVM vectorizes the loops of a Numba function one by one, and none that both gathers and stores.
Here a stretch of such work is one short piece of LLVM vector code whose sums stay in registers, and
the processor takes the square roots of the next pairs meanwhile. None is written for one processor:
LLVM splits a vector that is wider than the machine's, and where an instruction of AVX-512 is asked
for by name (`vectors.append`), other machines get the same numbers lane by lane. They trust their
indices.

`vectors` has the operations that the others are written in, `functions` the elementary functions,
`tiles` products of matrices, `atoms` what goes between atoms and the pairs within a cut-off, and
`pairs_single` and `pairs_double` the way of pairs of atoms from coordinates to the moments of a
grid, and from its slopes to gradients.
"""
