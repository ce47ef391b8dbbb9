"""The rules of texts with a form of their own, such as versions and references."""

from collections.abc import Iterable
from typing import Any

from chartly.api.columns import COLUMN_MESSAGE, DECIMAL, DECIMAL_MESSAGE, PLAIN, ColumnTypeText
from chartly.api.duration import DURATION_FORM, DURATION_MESSAGE, Duration
from chartly.api.model import SLUG_MESSAGE, Slug
from chartly.api.profile import Version
from chartly.api.reference import (
    KIND_MESSAGE,
    NAME_MESSAGE,
    PROFILE_KINDS,
    PROJECT_MESSAGE,
    SHAPE_MESSAGE,
)
from chartly.api.request import (
    PATH_FORM,
    PATH_MESSAGE,
    PORT_FORM,
    PORT_MESSAGE,
    SECRET_KEY_FORM,
    SECRET_KEY_MESSAGE,
    Headers,
    HeaderText,
    Members,
    PublicText,
    Query,
    RequestPath,
    SecretKey,
)
from chartly.api.transport import (
    BASE_HOST_FORM,
    BASE_URL_FORM,
    BASE_URL_MESSAGE,
    CIDR_MESSAGE,
    HOST_FORM,
    HOST_LENGTH,
    HOST_MESSAGE,
    BaseUrl,
    Cidr,
    Host,
)
from chartly.api.version import (
    LATEST,
    LATEST_MESSAGE,
    VERSION_FORM,
    VERSION_LENGTH,
    VERSION_MESSAGE,
)
from chartly.api.workflow_run import (
    INSTANT_FORM,
    INSTANT_MESSAGE,
    LOCAL_FORM,
    OFFSET_MESSAGE,
    Instant,
)
from chartly.crds.cel_rules import Rule, anchored, literal, quoted, regex
from chartly.crds.credential_rules import (
    header_rules,
    header_text_rules,
    no_credential,
    query_rules,
)
from chartly.names import GLOBAL, SLUG, SLUG_LENGTH

_SCOPE = "([^:]*::)?"
_SHAPE = rf"^{_SCOPE}[^/:@]*/[^/:@]*@[^@]*$"
_LATEST = f"(?i)^{LATEST}$"


def slug(name: str) -> str:
    """CEL for: ``name`` is a slug."""
    return f"{name}.size() <= {SLUG_LENGTH} && {name}.matches({anchored(SLUG)})"


def is_instant(name: str) -> str:
    """CEL for: ``name`` has the form of an instant with an offset."""
    return f"{name}.matches({anchored(INSTANT_FORM)})"


def _version_rules() -> tuple[Rule, ...]:
    latest = f"self.matches({regex(_LATEST)})"
    form = f"self.size() <= {VERSION_LENGTH} && self.matches({anchored(VERSION_FORM)})"
    return (
        _rule_with_value(f"!{latest}", "version", "self", LATEST_MESSAGE),
        _rule_with_value(f"{latest} || ({form})", "version", "self", VERSION_MESSAGE),
    )


def _rule_with_value(rule: str, noun: str, value: str, message: str, *, before: str = "") -> Rule:
    """A rule whose message contains a value: ``version 'latest' is not allowed ...``."""
    sentence = f"{literal(f'{noun} ')} + {quoted(value)} + {literal(f' {message}')}"
    return Rule(rule, message, f"{before}{sentence}")


def reference_rules() -> tuple[Rule, ...]:
    """The rules of a reference, part by part; the later ones hold if its shape is wrong."""
    shaped = f"self.matches({regex(_SHAPE)})"
    prefix = f"'reference ' + {quoted('self')} + ': ' + "
    scope = _part("^[^:]*::", "::")
    kind = _part("[^/:@]*/[^/:@]*@", "/")
    name = _part("[^/:@]*@", "@")
    version = "self.find(r'@[^@]*$').substring(1)"
    latest = f"{version}.matches({regex(_LATEST)})"
    exact = f"{version}.size() <= {VERSION_LENGTH} && {version}.matches({anchored(VERSION_FORM)})"
    projects = f"({GLOBAL}|{SLUG}/{SLUG})"
    sized = " && ".join(
        f"self.find({regex(pattern)}).size() <= {SLUG_LENGTH + delimiters}"
        for pattern, delimiters in (("^[^/:]*/", 1), ("/[^/:]*:", 2))
    )
    scoped = f"self.matches({regex(f'^{projects}::')}) && {sized}"
    kinds = "|".join(PROFILE_KINDS)
    return (
        Rule(shaped, SHAPE_MESSAGE, f"{prefix}{literal(SHAPE_MESSAGE)}"),
        _rule_with_value(
            f"!{shaped} || self.matches({regex(f'^{_SCOPE}({kinds})/')})",
            "kind",
            kind,
            KIND_MESSAGE,
            before=prefix,
        ),
        _rule_with_value(f"!{shaped} || ({slug(name)})", "name", name, NAME_MESSAGE, before=prefix),
        _rule_with_value(
            f"!{shaped} || !{latest}", "version", version, LATEST_MESSAGE, before=prefix
        ),
        _rule_with_value(
            f"!{shaped} || {latest} || ({exact})",
            "version",
            version,
            VERSION_MESSAGE,
            before=prefix,
        ),
        Rule(
            f"!self.contains('::') || !{shaped} || ({scoped})",
            PROJECT_MESSAGE,
            f"{prefix}'project ' + {quoted(scope)} + {literal(f': {PROJECT_MESSAGE}')}",
        ),
    )


def _part(pattern: str, end: str) -> str:
    """CEL for the match of a pattern, up to ``end``."""
    match = f"self.find({regex(pattern)})"
    return f"{match}.substring(0, {match}.indexOf('{end}'))"


def _host_rule() -> Rule:
    return Rule(
        f"self.size() <= {HOST_LENGTH} && self.matches({anchored(HOST_FORM)})", HOST_MESSAGE
    )


def _base_url_rules() -> tuple[Rule, ...]:
    formed = f"self.matches({anchored(BASE_URL_FORM)})"
    authority = rf"^https?://({BASE_HOST_FORM})(:[0-9]|/|$)"
    short = rf"^https?://[^/:]{{1,{HOST_LENGTH}}}(:|/|$)"
    hosted = f"self.matches({regex(authority)}) && self.matches({regex(short)})"
    ported = f"self.matches({regex(f'^https?://[^/:]+(:{PORT_FORM})?(/|$)')})"
    return (
        Rule(formed, BASE_URL_MESSAGE),
        Rule(f"!{formed} || ({hosted})", HOST_MESSAGE),
        Rule(f"!{formed} || {ported}", PORT_MESSAGE),
        *no_credential(),
    )


def _path_rules() -> tuple[Rule, ...]:
    return (Rule(f"self.matches({regex(PATH_FORM)})", PATH_MESSAGE), *no_credential())


def _secret_key_rules() -> tuple[Rule, ...]:
    return (
        Rule(f"self.matches({anchored(SECRET_KEY_FORM)})", SECRET_KEY_MESSAGE),
        *no_credential(),
    )


def _column_rules() -> tuple[Rule, ...]:
    decimal = f"self.matches({anchored(DECIMAL)})"
    numbers = "self.findAll('[0-9]+')"
    first, second = f"int({numbers}[0])", f"int({numbers}[1])"
    fits = f"{first} >= 1 && {first} <= 38 && {second} <= {first}"
    plain = ", ".join(literal(column_type) for column_type in PLAIN)
    return (
        Rule(f"self in [{plain}] || {decimal}", COLUMN_MESSAGE),
        Rule(f"!{decimal} || ({fits})", DECIMAL_MESSAGE),
    )


def _instant_rules() -> tuple[Rule, ...]:
    local = f"self.matches({anchored(LOCAL_FORM)})"
    return (
        Rule(f"!{local}", OFFSET_MESSAGE),
        Rule(f"{local} || {is_instant('self')}", INSTANT_MESSAGE),
    )


_RULES: tuple[tuple[Any, tuple[Rule, ...]], ...] = (
    (Slug, (Rule(slug("self"), SLUG_MESSAGE),)),
    (Version, _version_rules()),
    (Cidr, (Rule("isCIDR(self) && cidr(self).masked() == cidr(self)", CIDR_MESSAGE),)),
    (Host, (_host_rule(),)),
    (BaseUrl, _base_url_rules()),
    (RequestPath, _path_rules()),
    (SecretKey, _secret_key_rules()),
    (PublicText, no_credential()),
    (HeaderText, header_text_rules()),
    (Headers, header_rules()),
    (Query, query_rules()),
    (Members, ()),
    (Duration, (Rule(f"self.matches({anchored(DURATION_FORM)})", DURATION_MESSAGE),)),
    (ColumnTypeText, _column_rules()),
    (Instant, _instant_rules()),
)


def rules_of_type(checks: Iterable[object]) -> tuple[Rule, ...]:
    """The rules of the type whose annotation has these validators.

    Raises:
        LookupError: a validator has no rule.
    """
    wanted = list(checks)
    if not wanted:
        return ()
    for known, rules in _RULES:
        if all(check in known.__metadata__ for check in wanted):
            return rules
    raise LookupError(f"no rule in CEL for {wanted}")
