"""The encoders of all architectures under one name; the type of the tables says which is meant.

An architecture is compiled in the file ``kernels_<architecture>``.
"""

from importlib import import_module

from numba.extending import overload

from nanochart.autoencoder import ARCHITECTURES
from nanochart.compiled_chart.encoder import CompiledEncoder

__all__ = ["ENCODERS", "decode_slope", "encode_bins", "make_encoder_workspace"]

#: By the name of the architecture.
ENCODERS: dict[str, CompiledEncoder] = {
    name: import_module(f"nanochart.compiled_chart.kernels_{name}").ENCODER
    for name in ARCHITECTURES
}
_BY_TABLES = {encoder.tables: encoder for encoder in ENCODERS.values()}


def make_encoder_workspace(tables):
    """Scratch arrays of an encoder."""
    raise NotImplementedError  # compiled only


def encode_bins(tables, g, filled, work, s):
    """Chart coordinates ``s`` (d,) of an RDF ``g`` (n_bins,); see `CompiledEncoder.encode`."""
    raise NotImplementedError  # compiled only


def decode_slope(tables, work, slope, filled, cotangent):
    """Gradient with respect to the last RDF; see `CompiledEncoder.decode`."""
    raise NotImplementedError  # compiled only


def _encoder_of(kind):
    return _BY_TABLES.get(getattr(kind, "instance_class", None))


@overload(make_encoder_workspace)
def _make_encoder_workspace(tables):
    if encoder := _encoder_of(tables):
        make = encoder.make_workspace
        return lambda tables: make(tables)
    return None


@overload(encode_bins)
def _encode_bins(tables, g, filled, work, s):
    if encoder := _encoder_of(tables):
        encode = encoder.encode
        return lambda tables, g, filled, work, s: encode(tables, g, filled, work, s)
    return None


@overload(decode_slope)
def _decode_slope(tables, work, slope, filled, cotangent):
    if encoder := _encoder_of(tables):
        decode = encoder.decode
        return lambda tables, work, slope, filled, cotangent: decode(
            tables, work, slope, filled, cotangent
        )
    return None
