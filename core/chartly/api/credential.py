"""Detects credentials by their name or form, so that no profile contains one.

Python and, in CEL, RE2 compile the patterns; both fold case alike where a pattern requests it.
"""

import re
from collections.abc import Iterable, Mapping

CREDENTIAL_MESSAGE = "looks like a credential; name it through auth.secretRef"
HOLDS_CREDENTIAL_MESSAGE = "holds what looks like a credential; name it through auth.secretRef"

_END = r"[^A-Za-z]*$"
_JOIN = r"[-_. ]*"
_OWNERS = (
    "api|access|app|application|o?auth|client|subscription|consumer|private|secret|shared|security"
    "|session|licen[cs]e|signing|encryption|master|admin|developer|dev|functions?|refresh|personal"
)
GUARDED_NAME = rf"(?i:({_OWNERS}){_JOIN}(key|token|secret|signature)){_END}"
"""Names that end in two such words, parted in any way or not at all."""
PRIVATE_NAME = (
    r"((?i:token|secret|signature|password|passwd|passphrase|authorization|cookie)"
    r"|(^|[^A-Za-z])([aA]ppid|APPID|(?i:sig|jwt|pwd|o?auth))|[a-z0-9](Sig|Jwt|JWT|Pwd|O?Auth)"
    rf"|^(?i:x[-_](.*[-_])?key)){_END}"
)
"""Names that end in one such word, and header names such as ``X-Vendor-Key``."""
OPEN_NAME = (
    rf"((?i:(page|next|prev|previous|continuation|cursor|resume|resumption|scroll|delta|skip){_JOIN}"
    rf"token)|((^|[^A-Za-z])(?i:sync|start)|[a-z0-9](Sync|Start)){_JOIN}(?i:token)"
    r"|(?i:(idempotency|partition|sort|order|cache|request|primary|foreign|routing|row|group|object"
    rf"|correlation|trace|surrogate){_JOIN}key)){_END}"
)
"""Names that match ``PRIVATE_NAME`` but belong to paging or data."""
JUDGED_NAME = (
    r"((^|[^A-Za-z])(?i:key|code|sid|session|pass|ticket)|[a-z0-9](Key|Code|Sid|SID|Session|Ticket)"
    rf"|(?i:session[-_]?id)){_END}"
)
"""Names that decide nothing by themselves; the value decides."""
RANDOM_VALUE = r"^[A-Za-z0-9+/=_.~%-]{16,}$"
RANDOM_MIX = r"[A-Za-z][0-9]|[0-9][A-Za-z]"
"""The characters of a random value, and a pair that one contains."""

_START = r"(^|[^A-Za-z0-9])"
COMMON_FORMS = (
    r"^(Bearer|BEARER) +[!-~]+[ \r\n]*$|(?i:bearer) +([!-~]{16,}|[!-~]*[0-9])",
    r"(?i:basic) +[A-Za-z0-9+/]{6,}=",
    rf"{_START}(eyJ[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{2,}}|gh[a-z]_[A-Za-z0-9]{{10,}})",
    (
        rf"{_START}([a-z]k_(live|test)_[A-Za-z0-9]{{10}}|bot[0-9]{{8,10}}:[A-Za-z0-9_-]{{35}})"
        r"|PRIVATE KEY-"
    ),
)
"""Values that are a credential under any name: HTTP's own schemes, tokens with three parts, and the
prefixes of common vendors; in parts of a size that CEL accepts.
"""
OTHER_FORMS = (
    r"^(?i:token|api[-_]?key|ssws|digest) +[!-~]{20,}[ \r\n]*$|://[^/ :@]+:[^/ @]+@",
    r"(?i:basic) +[A-Za-z0-9+/]*[a-z0-9][A-Z][A-Za-z0-9+/]{4,}",
    rf"{_START}sk-[a-z0-9-]*[A-Za-z0-9_]{{20}}",
    (
        rf"{_START}(github_pat_[A-Za-z0-9]{{10}}|glpat-[A-Za-z0-9_-]{{10}}"
        r"|xox[a-z]-[A-Za-z0-9-]{10})"
    ),
    rf"{_START}(A[KS]IA[A-Z0-9]{{16}}|AIza[A-Za-z0-9_-]{{20}}|(bot)?[0-9]{{8,10}}:[A-Za-z0-9_-]{{35}})",
    (
        rf"{_START}(gl(rt|ptt|dt|oas|soat|cbt|ft)-[A-Za-z0-9_-]{{10}}|xapp-[A-Za-z0-9-]{{10}}"
        r"|whsec_[A-Za-z0-9+/]{10}|ya29\.[A-Za-z0-9_-]{10}|GOCSPX-[A-Za-z0-9_-]{10}"
        r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16}|SK[0-9a-f]{32}|npm_[A-Za-z0-9]{20}"
        r"|pypi-[A-Za-z0-9_-]{16}|do[opr]_v1_[0-9a-f]{16}|shp(at|ca|pa|ss)_[0-9a-fA-F]{16}"
        r"|hf_[A-Za-z0-9]{20}|figd_[A-Za-z0-9_-]{10}|lin_api_[A-Za-z0-9]{10}|ntn_[A-Za-z0-9]{20}"
        r"|pat[A-Za-z0-9]{14}\.[0-9a-f]{32}|dapi[0-9a-f]{32}|sq0[a-z]{3}-[A-Za-z0-9_-]{16}"
        r"|xkeysib-[0-9a-f]{16}|PMAK-[0-9a-f-]{16}|dckr_pat_[A-Za-z0-9_-]{10}|hvs\.[A-Za-z0-9_-]{16}"
        r"|[0-9a-f]{32}-us[0-9]|key-[0-9a-f]{32})"
    ),
)
"""Less common forms, which only the operator and the command line check."""

_GUARDED = re.compile(GUARDED_NAME)
_PRIVATE = re.compile(PRIVATE_NAME)
_OPEN = re.compile(OPEN_NAME)
_JUDGED = re.compile(JUDGED_NAME)
_RANDOM = re.compile(RANDOM_VALUE)
_MIX = re.compile(RANDOM_MIX)
_FORMS = tuple(map(re.compile, (*COMMON_FORMS, *OTHER_FORMS)))


def is_credential_name(name: str) -> bool:
    """Whether a value with this name is a credential, whatever it is."""
    if _GUARDED.search(name):
        return True
    return _PRIVATE.search(name) is not None and _OPEN.search(name) is None


def holds_credential(text: str) -> bool:
    """Whether a text has the form of a known kind of credential, as a whole or in a part."""
    return any(form.search(text) for form in _FORMS)


def is_credential(name: str, value: str) -> bool:
    """Whether a value is a credential by its form, or by its randomness under such a name."""
    if holds_credential(value):
        return True
    if not _JUDGED.search(name) or _OPEN.search(name):
        return False
    return _RANDOM.search(value) is not None and _MIX.search(value) is not None


def check_names(names: Iterable[str]) -> None:
    """Validates that no name is, or names, a credential.

    Raises:
        ValueError: one does; the message contains the name, unless that is the credential.
    """
    for name in names:
        if holds_credential(name):
            raise ValueError(f"a name {HOLDS_CREDENTIAL_MESSAGE}")
        if is_credential_name(name):
            raise ValueError(f"{name!r} {CREDENTIAL_MESSAGE}")


def check_values(pairs: Mapping[str, str]) -> None:
    """Validates that no value is a credential, under its name.

    Raises:
        ValueError: one is; the message contains the name and not the value.
    """
    for name, value in pairs.items():
        if is_credential(name, value):
            raise ValueError(f"{name!r} {HOLDS_CREDENTIAL_MESSAGE}")


def check_within(value: object, name: str = "") -> None:
    """Validates that a value of any type contains no credential, at any depth.

    Raises:
        ValueError: it does; the message contains the name and not the value.
    """
    if isinstance(value, dict):
        check_names(value)
        for member, inner in value.items():
            check_within(inner, member)
    elif isinstance(value, list):
        for item in value:
            check_within(item, name)
    elif isinstance(value, str):
        check_values({name: value})
