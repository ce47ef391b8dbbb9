"""The forms of texts that a pattern alone checks, and the message for each pattern."""

FIELD_NAME = r"^[a-z][a-z0-9_]{0,62}$"
EVENT_TYPE = r"^[a-z][a-z0-9_.-]{0,127}$"
SECRET_NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"  # noqa: S105 - a pattern, not a secret
RESPONSE_HEADER = r"^[A-Za-z0-9-]+$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti|k|M|G|T)?$"
PARAMETER_NAME = r"^[a-z][a-zA-Z0-9]{0,62}$"
OBJECT_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
NAMESPACE = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_LABEL = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_PREFIX = "([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?"
LABEL_KEY = f"^{_PREFIX}{_LABEL}$"
LABEL_VALUE = f"^({_LABEL})?$"

_WORDS = {
    FIELD_NAME: "lower-case letters, digits and underscores, starting with a letter, at most 63 "
    "characters",
    EVENT_TYPE: "lower-case letters, digits, dots, dashes and underscores, starting with a letter, "
    "at most 128 characters",
    SECRET_NAME: "lower-case letters, digits, dots and dashes, starting and ending with a letter "
    "or digit, at most 253 characters",
    RESPONSE_HEADER: "letters, digits and dashes",
    QUANTITY: "a number, and then m, k, M, G, T, Ki, Mi, Gi, Ti or nothing, such as 512Mi",
    PARAMETER_NAME: "letters and digits, starting with a lower-case letter, at most 63 characters",
    OBJECT_NAME: "lower-case letters, digits, dashes and dots, each part between dots starting and "
    "ending with a letter or digit",
    NAMESPACE: "lower-case letters, digits and dashes, starting and ending with a letter or "
    "digit, at most 63 characters",
    LABEL_KEY: "letters, digits, dots, dashes and underscores, starting and ending with a letter "
    "or digit, at most 63 characters, optionally after a DNS name in lower case and a slash",
    LABEL_VALUE: "letters, digits, dots, dashes and underscores, starting and ending with a letter "
    "or digit, at most 63 characters, or nothing",
}


def form_message(pattern: str) -> str:
    """The message for a text that does not match a pattern."""
    words = _WORDS.get(pattern)
    return f"must match {pattern}" if words is None else f"is not allowed; it takes {words}"
