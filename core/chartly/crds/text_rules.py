"""The rules of texts that have a form of their own, such as versions and references."""

from collections.abc import Iterable
from typing import Any

from chartly.api.columns import COLUMN_SAYS, DECIMAL, DECIMAL_SAYS, PLAIN, ColumnTypeText
from chartly.api.duration import DURATION_FORM, DURATION_SAYS, Duration
from chartly.api.model import SLUG_SAYS, Slug
from chartly.api.profile import Version
from chartly.api.reference import KIND_SAYS, NAME_SAYS, PROFILE_KINDS, PROJECT_SAYS, SHAPE_SAYS
from chartly.api.request import (
    PATH_FORM,
    PATH_SAYS,
    PORT_FORM,
    PORT_SAYS,
    SECRET_KEY_FORM,
    SECRET_KEY_SAYS,
    Headers,
    HeaderText,
    Members,
    OpenText,
    Query,
    RequestPath,
    SecretKey,
)
from chartly.api.transport import (
    BASE_HOST_FORM,
    BASE_URL_FORM,
    BASE_URL_SAYS,
    CIDR_SAYS,
    HOST_FORM,
    HOST_LENGTH,
    HOST_SAYS,
    BaseUrl,
    Cidr,
    Host,
)
from chartly.api.version import (
    LATEST,
    LATEST_SAYS,
    VERSION_FORM,
    VERSION_LENGTH,
    VERSION_SAYS,
)
from chartly.api.workflow_run import (
    INSTANT_FORM,
    INSTANT_SAYS,
    LOCAL_FORM,
    OFFSET_SAYS,
    Instant,
)
from chartly.crds.credential_rules import (
    header_rules,
    header_text_rules,
    no_credential,
    query_rules,
)
from chartly.crds.rules import Rule, literal, quoted, regex, whole
from chartly.names import GLOBAL, SLUG, SLUG_LENGTH

_SCOPE = "([^:]*::)?"
_SHAPE = rf"^{_SCOPE}[^/:@]*/[^/:@]*@[^@]*$"
_LATEST = f"(?i)^{LATEST}$"


def slug(name: str) -> str:
    """CEL for: ``name`` is a slug."""
    return f"{name}.size() <= {SLUG_LENGTH} && {name}.matches({whole(SLUG)})"


def is_instant(name: str) -> str:
    """CEL for: ``name`` has the form of an instant with an offset."""
    return f"{name}.matches({whole(INSTANT_FORM)})"


def _version_rules() -> tuple[Rule, ...]:
    latest = f"self.matches({regex(_LATEST)})"
    form = f"self.size() <= {VERSION_LENGTH} && self.matches({whole(VERSION_FORM)})"
    return (
        _told(f"!{latest}", "version", "self", LATEST_SAYS),
        _told(f"{latest} || ({form})", "version", "self", VERSION_SAYS),
    )


def _told(rule: str, noun: str, value: str, says: str, *, before: str = "") -> Rule:
    """A rule whose sentence names a value: ``version 'latest' is not allowed ...``."""
    shown = f"{literal(f'{noun} ')} + {quoted(value)} + {literal(f' {says}')}"
    return Rule(rule, says, f"{before}{shown}")


def reference_rules() -> tuple[Rule, ...]:
    """The rules of a reference, part by part; the later ones presuppose its shape."""
    shaped = f"self.matches({regex(_SHAPE)})"
    prefix = f"'reference ' + {quoted('self')} + ': ' + "
    scope = _part("^[^:]*::", "::")
    kind = _part("[^/:@]*/[^/:@]*@", "/")
    name = _part("[^/:@]*@", "@")
    version = "self.find(r'@[^@]*$').substring(1)"
    latest = f"{version}.matches({regex(_LATEST)})"
    exact = f"{version}.size() <= {VERSION_LENGTH} && {version}.matches({whole(VERSION_FORM)})"
    projects = f"({GLOBAL}|{SLUG}/{SLUG})"
    sized = " && ".join(
        f"self.find({regex(one)}).size() <= {SLUG_LENGTH + around}"
        for one, around in (("^[^/:]*/", 1), ("/[^/:]*:", 2))
    )
    scoped = f"self.matches({regex(f'^{projects}::')}) && {sized}"
    kinds = "|".join(PROFILE_KINDS)
    return (
        Rule(shaped, SHAPE_SAYS, f"{prefix}{literal(SHAPE_SAYS)}"),
        _told(
            f"!{shaped} || self.matches({regex(f'^{_SCOPE}({kinds})/')})",
            "kind",
            kind,
            KIND_SAYS,
            before=prefix,
        ),
        _told(f"!{shaped} || ({slug(name)})", "name", name, NAME_SAYS, before=prefix),
        _told(f"!{shaped} || !{latest}", "version", version, LATEST_SAYS, before=prefix),
        _told(
            f"!{shaped} || {latest} || ({exact})", "version", version, VERSION_SAYS, before=prefix
        ),
        Rule(
            f"!self.contains('::') || !{shaped} || ({scoped})",
            PROJECT_SAYS,
            f"{prefix}'project ' + {quoted(scope)} + {literal(f': {PROJECT_SAYS}')}",
        ),
    )


def _part(pattern: str, end: str) -> str:
    """CEL for what a pattern finds, up to ``end``."""
    found = f"self.find({regex(pattern)})"
    return f"{found}.substring(0, {found}.indexOf('{end}'))"


def _host_rule() -> Rule:
    return Rule(f"self.size() <= {HOST_LENGTH} && self.matches({whole(HOST_FORM)})", HOST_SAYS)


def _base_url_rules() -> tuple[Rule, ...]:
    formed = f"self.matches({whole(BASE_URL_FORM)})"
    authority = rf"^https?://({BASE_HOST_FORM})(:[0-9]|/|$)"
    short = rf"^https?://[^/:]{{1,{HOST_LENGTH}}}(:|/|$)"
    hosted = f"self.matches({regex(authority)}) && self.matches({regex(short)})"
    ported = f"self.matches({regex(f'^https?://[^/:]+(:{PORT_FORM})?(/|$)')})"
    return (
        Rule(formed, BASE_URL_SAYS),
        Rule(f"!{formed} || ({hosted})", HOST_SAYS),
        Rule(f"!{formed} || {ported}", PORT_SAYS),
        *no_credential(),
    )


def _path_rules() -> tuple[Rule, ...]:
    return (Rule(f"self.matches({regex(PATH_FORM)})", PATH_SAYS), *no_credential())


def _secret_key_rules() -> tuple[Rule, ...]:
    return (Rule(f"self.matches({whole(SECRET_KEY_FORM)})", SECRET_KEY_SAYS), *no_credential())


def _column_rules() -> tuple[Rule, ...]:
    decimal = f"self.matches({whole(DECIMAL)})"
    numbers = "self.findAll('[0-9]+')"
    first, second = f"int({numbers}[0])", f"int({numbers}[1])"
    fits = f"{first} >= 1 && {first} <= 38 && {second} <= {first}"
    plain = ", ".join(literal(one) for one in PLAIN)
    return (
        Rule(f"self in [{plain}] || {decimal}", COLUMN_SAYS),
        Rule(f"!{decimal} || ({fits})", DECIMAL_SAYS),
    )


def _instant_rules() -> tuple[Rule, ...]:
    local = f"self.matches({whole(LOCAL_FORM)})"
    return (
        Rule(f"!{local}", OFFSET_SAYS),
        Rule(f"{local} || {is_instant('self')}", INSTANT_SAYS),
    )


_RULES: tuple[tuple[Any, tuple[Rule, ...]], ...] = (
    (Slug, (Rule(slug("self"), SLUG_SAYS),)),
    (Version, _version_rules()),
    (Cidr, (Rule("isCIDR(self) && cidr(self).masked() == cidr(self)", CIDR_SAYS),)),
    (Host, (_host_rule(),)),
    (BaseUrl, _base_url_rules()),
    (RequestPath, _path_rules()),
    (SecretKey, _secret_key_rules()),
    (OpenText, no_credential()),
    (HeaderText, header_text_rules()),
    (Headers, header_rules()),
    (Query, query_rules()),
    (Members, ()),
    (Duration, (Rule(f"self.matches({whole(DURATION_FORM)})", DURATION_SAYS),)),
    (ColumnTypeText, _column_rules()),
    (Instant, _instant_rules()),
)


def rules_of_type(checks: Iterable[object]) -> tuple[Rule, ...]:
    """The rules of a type whose annotation has these checks of our own.

    Raises:
        LookupError: a check has no rule.
    """
    wanted = list(checks)
    if not wanted:
        return ()
    for known, rules in _RULES:
        if all(check in known.__metadata__ for check in wanted):
            return rules
    raise LookupError(f"no rule says in CEL what {wanted} check")
