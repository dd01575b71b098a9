"""Operations on LLVM vectors, for the code that Numba's intrinsics emit."""

from llvmlite import ir
from numba.core import cgutils

__all__ = [
    "INDEX", "LANE", "Loop", "append", "arrays", "constant", "full", "integer", "load",
    "multiply_add", "shuffle", "splat", "square_root", "store",
]  # fmt: skip

#: Numbers that count: places in an array, and lanes of a vector.
INDEX, LANE = ir.IntType(64), ir.IntType(32)


def arrays(context, builder, signature, arguments, count):
    """Data pointers of the first ``count`` arguments."""
    pairs = zip(signature.args[:count], arguments[:count], strict=True)
    return [
        cgutils.create_struct_proxy(kind)(context, builder, value).data for kind, value in pairs
    ]


def load(builder, data, index, lanes, align=None):
    """Vector of the numbers from ``index`` on, aligned as a number is or to ``align`` bytes."""
    element = data.type.pointee
    pointer = builder.gep(data, [index])
    value = builder.load(builder.bitcast(pointer, ir.VectorType(element, lanes).as_pointer()))
    value.align = align or _bytes(element)
    return value


def store(builder, value, data, index, align=None):
    """Write a vector to the places from ``index`` on."""
    pointer = builder.bitcast(builder.gep(data, [index]), value.type.as_pointer())
    builder.store(value, pointer).align = align or _bytes(value.type.element)


def constant(element, values):
    """Vector of known numbers."""
    kind = ir.VectorType(element, len(values))
    return ir.Constant(kind, [ir.Constant(element, value) for value in values])


def full(kind, value):
    """Vector of a kind, of equal known numbers."""
    return constant(kind.element, [value] * kind.count)


def integer(value):
    """A known index."""
    return ir.Constant(INDEX, value)


def shuffle(builder, a, b, lanes):
    """Vector of these lanes of ``a``, followed by those of ``b``."""
    return builder.shuffle_vector(a, b, constant(LANE, lanes))


def splat(builder, scalar, lanes):
    """Vector of equal numbers."""
    undefined = ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(LANE, 0))
    return shuffle(builder, first, undefined, [0] * lanes)


def multiply_add(builder, a, b, c):
    """``a * b + c``, rounded once where the processor can.

    In double precision LLVM chooses which product joins which sum: results keep their last bit.
    """
    if a.type.element == ir.DoubleType():
        once = ("contract",)
        return builder.fadd(builder.fmul(a, b, flags=once), c, flags=once)
    return _call(builder, "fmuladd", a, b, c)


def square_root(builder, a):
    """Square root of each number."""
    return _call(builder, "sqrt", a)


def append(context, builder, columns, masks, places):
    """Append the lanes of each mask to columns, from its own place on; returns the places after.

    ``columns`` are pairs of a vector and of the data that take its lanes; no lane is in two masks.
    A vector's width from the places after on may be overwritten.
    """
    if _can_pack(context):
        return [
            _append_packed(builder, columns, mask, place)
            for mask, place in zip(masks, places, strict=True)
        ]
    # Without a branch: a lane in no mask is written, too, and overwritten by the next.
    kind = masks[0].type
    bits = [builder.bitcast(mask, ir.IntType(kind.count)) for mask in masks]
    bits = [builder.zext(word, INDEX) for word in bits]
    for lane in range(kind.count):
        wanted = [builder.and_(builder.lshr(word, integer(lane)), integer(1)) for word in bits]
        here = places[-1]
        for want, place in zip(wanted[:-1], places[:-1], strict=True):
            here = builder.select(builder.trunc(want, ir.IntType(1)), place, here)
        for vector, data in columns:
            value = builder.extract_element(vector, ir.Constant(LANE, lane))
            builder.store(value, builder.gep(data, [here]))
        places = [builder.add(place, want) for place, want in zip(places, wanted, strict=True)]
    return places


def _can_pack(context):
    """Whether the processor that is compiled for has AVX-512 for vectors of any width."""
    return "+avx512vl" in context.codegen().magic_tuple()[2]


def _append_packed(builder, columns, mask, place):
    """The same of one mask, by AVX-512: packed in a register, because packing stores are slow."""
    for vector, data in columns:
        kind = vector.type
        name = f"llvm.x86.avx512.mask.compress.{_suffix(kind)}"
        pack = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind, kind, mask.type]), name
        )
        undefined = ir.Constant(kind, ir.Undefined)
        store(builder, builder.call(pack, [vector, undefined, mask]), data, place)
    bits = builder.bitcast(mask, ir.IntType(mask.type.count))
    return builder.add(place, builder.zext(builder.ctpop(bits), INDEX))


class Loop:
    """A counted loop whose carried values stay in registers.

    One that is ``short`` is taken a few times only, another number each time: LLVM does not unroll
    it, because each loop over what is left of an unrolled one ends where no processor foresees it.
    """

    def __init__(self, builder, start, stop, step, carried, *, short=False):
        self.builder = builder
        self.short = short
        self.before = builder.block
        self.head = builder.append_basic_block("head")
        self.body = builder.append_basic_block("body")
        self.after = builder.append_basic_block("after")
        builder.branch(self.head)
        builder.position_at_end(self.head)
        self.index = builder.phi(INDEX)
        self.index.add_incoming(start, self.before)
        self.values = [builder.phi(value.type) for value in carried]
        for phi, value in zip(self.values, carried, strict=True):
            phi.add_incoming(value, self.before)
        self.step = step
        builder.cbranch(builder.icmp_signed("<", self.index, stop), self.body, self.after)
        builder.position_at_end(self.body)

    def close(self, carried):
        """End the body with the new values; afterwards ``values`` are the last."""
        builder = self.builder
        self.index.add_incoming(builder.add(self.index, self.step), builder.block)
        for phi, value in zip(self.values, carried, strict=True):
            phi.add_incoming(value, builder.block)
        back = builder.branch(self.head)
        if self.short:
            back.set_metadata("llvm.loop", _not_unrolled(builder.module))
        builder.position_at_end(self.after)


def _not_unrolled(module):
    """Metadata of one loop that is not unrolled; by LLVM's convention it begins with itself."""
    option = module.add_metadata(["llvm.loop.unroll.disable"])
    node = ir.MDValue(module, (option,), name=str(len(module.metadata)))
    node.operands = (node, option)
    return node


def _bytes(element):
    if isinstance(element, ir.IntType):
        return element.width // 8
    return {ir.FloatType(): 4, ir.DoubleType(): 8}[element]


def _call(builder, operation, *vectors):
    """Call an operation of LLVM that takes and gives vectors of one kind."""
    kind = vectors[0].type
    name = f"llvm.{operation}.{_suffix(kind)}"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * len(vectors)), name
    )
    return builder.call(function, vectors)


def _suffix(kind):
    """How LLVM names a kind of vector."""
    letter = "i" if isinstance(kind.element, ir.IntType) else "f"
    return f"v{kind.count}{letter}{8 * _bytes(kind.element)}"
