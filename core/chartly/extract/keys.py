"""The key of an event: the text of the values that identify it."""

import hashlib
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from chartly.extract.canonical import canonical_json
from chartly.extract.transforms import to_text
from chartly.extract.values import listed

KEY_LIMIT = 200


def event_keys(identity: Sequence[pa.Array]) -> pa.Array:
    """For each row the text of its identifying value, or a JSON array of the texts of several.

    A text longer than ``KEY_LIMIT`` bytes is replaced by its hash.
    """
    keys = _texts(identity[0]) if len(identity) == 1 else _joined(identity)
    longest = pc.max(pc.binary_length(keys)).as_py()
    return keys if longest is None or longest <= KEY_LIMIT else _per_value(keys, _shortened)


def _texts(array: pa.Array) -> pa.Array:
    return array if pa.types.is_string(array.type) else _per_value(array, to_text)


def _joined(identity: Sequence[pa.Array]) -> pa.Array:
    parts = pc.binary_join_element_wise(*(_per_value(array, _quoted) for array in identity), ",")
    return pc.binary_join_element_wise("[", parts, "]", "")


def _per_value(array: pa.Array, change: Callable[[object], str]) -> pa.Array:
    """The results of ``change``, which is called once for equal values."""
    encoded = array.dictionary_encode(null_encoding="encode")
    changed = [change(value) for value in listed(encoded.dictionary)]
    return pa.array(changed, pa.string()).take(encoded.indices)


def _quoted(value: object) -> str:
    text = None if value is None else to_text(value)
    return canonical_json(text).decode("utf-8", "surrogatepass")


def _shortened(key: object) -> str:
    raw = str(key).encode()
    return str(key) if len(raw) <= KEY_LIMIT else "sha256:" + hashlib.sha256(raw).hexdigest()
