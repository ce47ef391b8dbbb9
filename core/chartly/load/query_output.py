"""The format and settings with which an engine writes rows for a reader: every value exact."""

from collections.abc import Mapping

FORMAT = "JSONCompactEachRowWithNamesAndTypes"
SETTINGS: Mapping[str, str | int] = {
    "date_time_output_format": "iso",
    "output_format_decimal_trailing_zeros": 0,
    "output_format_json_escape_forward_slashes": 0,
    "output_format_json_map_as_array_of_tuples": 0,
    "output_format_json_named_tuples_as_objects": 1,
    "output_format_json_quote_64bit_floats": 0,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_decimals": 1,
    "output_format_json_quote_denormals": 1,
    "output_format_json_validate_utf8": 0,
}
"""NaN and infinities become the texts ``nan``, ``inf`` and ``-inf``: JSON has no such numbers."""
