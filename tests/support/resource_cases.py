"""Objects that are refused, with what is said, and objects that are taken, by every reader alike."""

from chartly.api.columns import COLUMN_MESSAGE, DECIMAL_MESSAGE
from chartly.api.connector import (
    NEEDS_HTTPS_MESSAGE,
    NO_SECRET_MESSAGE,
    NOT_LISTED_MESSAGE,
    PORT_NOT_LISTED_MESSAGE,
)
from chartly.api.credential import CREDENTIAL_MESSAGE, HOLDS_CREDENTIAL_MESSAGE
from chartly.api.duration import DURATION_MESSAGE
from chartly.api.model import SLUG_MESSAGE
from chartly.api.normalizer import SCALE_MESSAGE
from chartly.api.reference import KIND_MESSAGE, NAME_MESSAGE, PROJECT_MESSAGE, SHAPE_MESSAGE
from chartly.api.request import (
    HEADER_NAME_MESSAGE,
    HEADER_VALUE_MESSAGE,
    OWN_HEADER_MESSAGE,
    PATH_MESSAGE,
    PORT_MESSAGE,
    SECRET_KEY_MESSAGE,
)
from chartly.api.storage import RETENTION_MESSAGE
from chartly.api.text_forms import (
    EVENT_TYPE,
    FIELD_NAME,
    PARAMETER_NAME,
    QUANTITY,
    RESPONSE_HEADER,
    SECRET_NAME,
    form_message,
)
from chartly.api.transport import BASE_URL_MESSAGE, CIDR_MESSAGE, HOST_MESSAGE
from chartly.api.version import LATEST_MESSAGE, VERSION_MESSAGE
from chartly.api.workflow_run import (
    INSTANT_MESSAGE,
    OFFSET_MESSAGE,
    RUN_NAME_MESSAGE,
    WINDOW_MESSAGE,
)
from chartly.api.workflow_step import (
    ORDER_MESSAGE,
    SPELLINGS,
    START_MESSAGE,
    STEP_KINDS,
    STREAM_MESSAGE,
    exactly_one_message,
    takes_kind_message,
)

NO = object()
SYNC = {"type": "connector_sync", "connector_profile": "connector/sales-http@1.0.0"}
NORMALIZE = {"type": "normalize", "profile": "global::normalizer/sales-default@1.0.0"}
WRITE = {
    "type": "write_dataset",
    "storage_profile": "tenant-demo/proj-sales::storage/sales-events@1.0.0-rc.1",
}
QUERY = {"type": "analytics_query", "query_ref": "analytics/sales-daily-rollup@1.0.0"}
OFF = {**QUERY, "when": {"enabled": False}}
STEP = "spec.steps.0.connector_profile"
HEADERS = "spec.connector.transport.headers"
QUERY_PAIRS = "spec.connector.transport.query"
URL = "spec.connector.transport.baseUrl"
PATH = "spec.connector.transport.path"
PORTS = "spec.connector.egressPolicy.ports"
KEY = "spec.connector.auth.secretRef.key"
BOT = f"/bot123456789:{'canary-' * 5}/getUpdates"
JWT = "eyJhbGciOiJIUzI1NiJ9.canary-payload.canary-signature"
GITHUB = "ghp_canary0123456789abcdef"


def told(rule: str, value: object) -> str:
    """What is said of a value by name."""
    return f"'{value}' {rule}"


# (object, field, value, the end of both sentences, a value in single quotes)
SAME = [
    ("connector", "metadata.name", "sales-http", "'sales-http' must be <kind>-<name>-<version>, here 'connector-sales-http-1.0.0'"),
    ("connector", "spec.version", "latest", told(LATEST_MESSAGE, "latest")),
    ("connector", "spec.version", "Latest", told(LATEST_MESSAGE, "Latest")),
    ("connector", "spec.version", "v1.0.0", told(VERSION_MESSAGE, "v1.0.0")),
    ("connector", "spec.version", "1.0.0+build", told(VERSION_MESSAGE, "1.0.0+build")),
    ("connector", "spec.version", "1.0.0-RC", told(VERSION_MESSAGE, "1.0.0-RC")),
    ("connector", "spec.version", "1.0", told(VERSION_MESSAGE, "1.0")),
    ("connector", "spec.name", "sales--http", SLUG_MESSAGE),
    ("connector", "spec.name", "a" * 41, SLUG_MESSAGE),
    ("connector", "spec.connector", NO, "is required"),
    ("connector", "spec.storage", {"dataset": "x"}, "kind is connector"),
    ("connector", URL, "ftp://api.example.invalid", BASE_URL_MESSAGE),
    ("connector", URL, "https://user:canary@api.example.invalid", BASE_URL_MESSAGE),
    ("connector", URL, "https://api.example.invalid?token=canary", BASE_URL_MESSAGE),
    ("connector", URL, "https://Api.example.invalid", HOST_MESSAGE),
    *(
        ("connector", URL, f"https://{host}", HOST_MESSAGE)
        for host in ["1.2.3.4", "api.example.invalid." + "a" * 64]
    ),
    *(
        ("connector", URL, f"https://api.example.invalid:{port}/v1", PORT_MESSAGE)
        for port in ["0", "00000", "65536", "99999"]
    ),
    *(
        ("connector", URL, f"https://api.example.invalid{path}", BASE_URL_MESSAGE)
        for path in ["/a b", "/\u00e4", "/a\\b", "/a\n", "/\x7f"]
    ),
    ("connector", URL, f"https://api.example.invalid{BOT}", HOLDS_CREDENTIAL_MESSAGE),
    ("connector", URL, f"https://api.example.invalid/hooks/{GITHUB}", HOLDS_CREDENTIAL_MESSAGE),
    ("connector", URL, "http://api.example.invalid", NEEDS_HTTPS_MESSAGE),
    ("connector", PORTS, [8443], PORT_NOT_LISTED_MESSAGE),
    *(
        ("connector", PATH, path, PATH_MESSAGE)
        for path in [
            "sales", "@evil.invalid/a", ":8443/sales", "user:canary@evil.invalid", ".evil.invalid", "/a?token=canary", "/a#b",
            "/a b", "/a\r\nX-Evil: 1", "/a\tb", "/\u00e4", "/a\\b", "/a\n", "/\x00", "\n", " /a",
        ]
    ),
    ("connector", PATH, BOT, HOLDS_CREDENTIAL_MESSAGE),
    ("connector", PATH, f"/v1/{JWT}/sales", HOLDS_CREDENTIAL_MESSAGE),
    *(
        ("connector", HEADERS, {"Accept": "a", name: "canary"}, told(HEADER_NAME_MESSAGE, name))
        for name in ["X Y", "X:Y", "(x)", "X\u00e4", "X@Y"]
    ),
    *(
        ("connector", HEADERS, {"Accept": "a", name: "canary"}, told(OWN_HEADER_MESSAGE, name))
        for name in [
            "Host", "HOST", "Content-Length", "transfer-encoding", "Connection", "Keep-Alive", "Upgrade", "TE", "Trailer", "Expect",
            "HTTP2-Settings", "Proxy-Connection", "Proxy-Authenticate",
        ]
    ),
    *(
        ("connector", HEADERS, {"Accept": "a", "X-Client": value}, HEADER_VALUE_MESSAGE)
        for value in ["canary\r\nX-Evil: 1", "canary\n", " canary", "canary ", "\tcanary", "can\u00e4ry", "can\x00ary", "canary\x7f"]
    ),
    *(
        ("connector", HEADERS, {"Accept": "a", name: "canary"}, told(CREDENTIAL_MESSAGE, name))
        for name in [
            "Cookie", "Proxy-Authorization", "X-Auth", "X-Auth-Token", "Ocp-Apim-Subscription-Key", "X-Figma-Key", "X-Vault-Token",
            "X-JWT", "x-functions-key", "X-Amz-Signature",
        ]
    ),
    *(
        ("connector", QUERY_PAIRS, {"a": "b", name: "canary"}, told(CREDENTIAL_MESSAGE, name))
        for name in [
            "appid", "APPID", "sig", "auth", "jwt", "pwd", "clientSecret", "userToken", "app_key", "subscription-key", "sessionToken",
        ]
    ),
    *(
        ("connector", QUERY_PAIRS, {"a": "b", name: "canary0123456789"}, told(HOLDS_CREDENTIAL_MESSAGE, name))
        for name in ["key", "code", "sid", "session", "session_id", "userKey"]
    ),
    *(
        ("connector", place, {"a": "b", "q": value}, HOLDS_CREDENTIAL_MESSAGE)
        for place in (HEADERS, QUERY_PAIRS)
        for value in [f"Bearer {JWT}", JWT, "bearer canary-7", GITHUB, "Basic Y2FuYXJ5OmNhbmFyeTE="]
    ),
    ("connector", QUERY_PAIRS, {GITHUB: ""}, f"a name {HOLDS_CREDENTIAL_MESSAGE}"),
    ("connector", HEADERS, {"Accept": "a", "X-API-Key": "canary"}, told(CREDENTIAL_MESSAGE, "X-API-Key")),
    ("connector", HEADERS, {"Authorization": "Bearer canary"}, told(CREDENTIAL_MESSAGE, "Authorization")),
    ("connector", "spec.connector.transport.query", {"access_token": "canary"}, told(CREDENTIAL_MESSAGE, "access_token")),
    ("connector", "spec.connector.egressPolicy.dnsAllowlist", ["api.example.invalid", "*.example.invalid"], HOST_MESSAGE),
    ("connector", "spec.connector.egressPolicy.blockCidrs", ["10.0.0.1/8"], CIDR_MESSAGE),
    ("connector", "spec.connector.egressPolicy.blockCidrs", ["10.0.0.0"], CIDR_MESSAGE),
    ("connector", "spec.connector.egressPolicy.allowCidrs", ["fd00::/7"], CIDR_MESSAGE),
    ("connector", "spec.connector.auth.secretRef", NO, "mode bearer needs secretRef with name and key"),
    ("connector", "spec.connector.auth.mode", "none", NO_SECRET_MESSAGE),
    ("connector", "spec.connector.auth.mode", NO, NO_SECRET_MESSAGE),
    ("connector", "spec.connector.auth.secretRef.name", "Canary!", form_message(SECRET_NAME)),
    *(("connector", KEY, key, SECRET_KEY_MESSAGE) for key in ["canary canary", ".", "..", "..data", "a/b", "", "a" * 254]),
    ("connector", KEY, GITHUB, HOLDS_CREDENTIAL_MESSAGE),
    ("connector", "spec.connector.pagination.requestParam", NO, "mode cursor needs requestParam"),
    ("connector", "spec.connector.pagination.responseField", NO, "mode cursor needs responseField"),
    ("connector", "spec.connector.pagination", {"mode": "nextUrl"}, "mode nextUrl needs responseField"),
    ("connector", "spec.connector.pagination.sizeParam", "limit", "sizeParam needs pageSize"),
    ("connector", "spec.connector.pagination", {"mode": "offset"}, "mode offset needs pageSize"),
    ("connector", "spec.connector.pagination", {"mode": "offset", "pageSize": 5, "stop": {"emptyPage": False}}, "mode offset cannot go on behind an empty page; stop.emptyPage must be true"),
    ("connector", "spec.connector.pagination.stop", {"statuses": [404, 401]}, "statuses 401, 403, 408, 425 and 429 never mean the end of the pages"),
    ("connector", "spec.connector.pagination.stop", {"totalHeader": "X Total"}, form_message(RESPONSE_HEADER)),
    ("connector", "spec.connector.streams", [{"name": "A"}], SLUG_MESSAGE),
    ("connector", "spec.connector.streams", [{"name": "a", "parent": {"stream": "b", "fields": {"A": "$.a"}}}], form_message(FIELD_NAME)),
    ("normalizer", "spec.normalizer.canonicalEventType", "Sales", form_message(EVENT_TYPE)),
    ("normalizer", "spec.normalizer.requiredFields", ["Event"], form_message(FIELD_NAME)),
    ("normalizer", "spec.normalizer.mapping", {"Event": "$.a"}, form_message(FIELD_NAME)),
    ("normalizer", "spec.normalizer.versionField", "__v", form_message(FIELD_NAME)),
    ("normalizer", "spec.normalizer.transforms.0.to", "x", "unknown field 'to'; only rename takes it"),
    ("normalizer", "spec.normalizer.transforms.0", {"op": "rename", "field": "a"}, "is required"),
    ("normalizer", "spec.normalizer.transforms.0", {"op": "toDecimal", "field": "a", "precision": 2, "scale": 3}, SCALE_MESSAGE),
    ("normalizer", "spec.normalizer.transforms.0", {"op": "toDecimal", "field": "a", "precision": 8}, SCALE_MESSAGE),
    ("storage", "spec.storage.dataset", "sales_events", SLUG_MESSAGE),
    ("storage", "spec.storage.retention", {"days": 3, "from": "occurred_at"}, RETENTION_MESSAGE),
    ("storage", "spec.storage.columns", {"amount": "Float64"}, COLUMN_MESSAGE),
    ("storage", "spec.storage.columns", {"occurred_at": "Timestamp(4)"}, COLUMN_MESSAGE),
    ("storage", "spec.storage.columns", {"occurred_at": "Timestamp( 6 )"}, COLUMN_MESSAGE),
    ("storage", "spec.storage.columns", {"amount": "Decimal(39,2)"}, DECIMAL_MESSAGE),
    ("storage", "spec.storage.columns", {"amount": "Decimal(2, 3)"}, DECIMAL_MESSAGE),
    ("storage", "spec.storage.columns", {"Amount": "String"}, form_message(FIELD_NAME)),
    ("analytics", "spec.analytics.inputs.window", "1 day", DURATION_MESSAGE),
    ("analytics", "spec.analytics.inputs.lookback", "PT0H", DURATION_MESSAGE),
    ("workflow", "metadata.name", "sales--onboard", SLUG_MESSAGE),
    ("workflow", "metadata.name", "a" * 41, SLUG_MESSAGE),
    ("workflow", "spec.version", "1", told(VERSION_MESSAGE, "1")),
    ("workflow", STEP, "sales-http@1.0.0", SHAPE_MESSAGE),
    ("workflow", STEP, "connector/sales-http", SHAPE_MESSAGE),
    ("workflow", STEP, "pipe/a@1.0.0", f"kind 'pipe' {KIND_MESSAGE}"),
    ("workflow", STEP, "connector/A@1.0.0", f"name 'A' {NAME_MESSAGE}"),
    ("workflow", STEP, "connector/a@latest", f"version 'latest' {LATEST_MESSAGE}"),
    ("workflow", STEP, "global::connector/a@^1.0.0", f"version '^1.0.0' {VERSION_MESSAGE}"),
    ("workflow", STEP, "a/b::connector/c@latest", f"version 'latest' {LATEST_MESSAGE}"),
    ("workflow", STEP, "a/b::connector/c@^1.0", f"version '^1.0' {VERSION_MESSAGE}"),
    ("workflow", STEP, "a/b/c::connector/c@1.0.0", f"project 'a/b/c': {PROJECT_MESSAGE}"),
    ("workflow", STEP, "a/b::normalizer/c@1.0.0", f"{takes_kind_message('connector_sync')}"),
    ("workflow", STEP, "demo::connector/a@1.0.0", f"project 'demo': {PROJECT_MESSAGE}"),
    ("workflow", STEP, "::connector/a@1.0.0", f"project '': {PROJECT_MESSAGE}"),
    *(
        ("workflow", "spec.steps", [{"type": step, fields[0]: wrong}, SYNC], f"{takes_kind_message(step)}")
        for step, fields in SPELLINGS.items()
        for wrong in ["storage/a@1.0.0" if STEP_KINDS[step] != "storage" else "tenant-demo/proj-sales::analytics/a@1.0.0"]
    ),
    *(
        ("workflow", "spec.steps", [{"type": step}], exactly_one_message(step))
        for step in SPELLINGS
    ),
    ("workflow", "spec.steps.0.connector_id", "connector/a@1.0.0", exactly_one_message("connector_sync")),
    ("workflow", "spec.steps.1.when", {}, "unknown field 'when'; only analytics_query takes it"),
    ("workflow", "spec.steps", [NORMALIZE, SYNC, WRITE], START_MESSAGE),
    ("workflow", "spec.steps", [SYNC, SYNC, NORMALIZE, WRITE], START_MESSAGE),
    ("workflow", "spec.steps", [OFF, NORMALIZE, WRITE], START_MESSAGE),
    ("workflow", "spec.steps", [SYNC, {**NORMALIZE, "stream": "a"}, {**WRITE, "stream": "b"}], STREAM_MESSAGE),
    ("workflow", "spec.parameters", [{"name": "Window"}], form_message(PARAMETER_NAME)),
    ("workflow", "spec.runtime", {"resources": {"limits": {"memory": "lots"}}}, form_message(QUANTITY)),
    ("run", "metadata.name", "a" * 53, RUN_NAME_MESSAGE),
    ("run", "spec.workflowRef.name", "Sales", SLUG_MESSAGE),
    ("run", "spec.workflowRef.version", "latest", told(LATEST_MESSAGE, "latest")),
    ("run", "spec.window.end", "2026-02-01T00:00:00Z", WINDOW_MESSAGE),
    ("run", "spec.window.end", "2026-02-01T01:00:00+01:00", WINDOW_MESSAGE),
    ("run", "spec.window.end", "2026-02-02", OFFSET_MESSAGE),
    ("run", "spec.window.end", "2026-02-02T00:00:00", OFFSET_MESSAGE),
    ("run", "spec.window.end", "soon", INSTANT_MESSAGE),
    ("run", "spec.window.end", "2027-02-29T00:00:00Z", INSTANT_MESSAGE),
    ("run", "spec.window.start", "2026-02-02T24:00:00Z", INSTANT_MESSAGE),
    ("run", "spec.trigger", {"scheduledTime": "2026-02-02 00:00:00Z"}, INSTANT_MESSAGE),
]  # fmt: skip


LONGER = [
    ("connector", URL, "https://other.example.invalid:8443/v1", NOT_LISTED_MESSAGE),
    ("normalizer", "spec.normalizer.transforms.0.onError", None, "spec.normalizer.transforms[0].onError"),
    ("workflow", "spec.steps", [SYNC], ORDER_MESSAGE),
    ("workflow", "spec.steps", [SYNC, WRITE, NORMALIZE], ORDER_MESSAGE),
    ("workflow", "spec.steps", [SYNC, NORMALIZE, WRITE, NORMALIZE], ORDER_MESSAGE),
    ("workflow", "spec.steps", [SYNC, NORMALIZE, QUERY, WRITE], ORDER_MESSAGE),
    ("workflow", "spec.steps", [SYNC, NORMALIZE, WRITE, QUERY, NORMALIZE, WRITE], ORDER_MESSAGE),
    ("workflow", "spec.steps", [SYNC, OFF, QUERY, NORMALIZE, WRITE], ORDER_MESSAGE),
    ("connector", "spec.connector.auth.mode", "beerer", "none, bearer, basic, apiKey, oauth2, session"),
    ("run", "spec.control", {"cancel": "now"}, "terminate"),
    ("connector", "spec.connector.transport.timeoutMs", 0, "greater than or equal to 1"),
    ("connector", "spec.connector.retry.maxAttempts", 21, "less than or equal to 20"),
    ("connector", "spec.connector.egressPolicy.dnsAllowlist", [], "at least 1 item"),
    ("connector", "spec.connector.egressPolicy.blockCidrs", NO, "spec.connector.egressPolicy.blockCidrs"),
    ("connector", "spec.connector.auth.token", "x", "unknown field"),
    ("connector", "spec.connector.auth.secretRef.value", "canary", "unknown field"),
    ("connector", "spec.connector.auth.secretRef", "canary", "spec.connector.auth.secretRef"),
    ("connector", "spec.kind", "pipe", "connector, normalizer, storage, analytics"),
    ("connector", "spec.stroage", {}, "unknown field"),
    ("normalizer", "spec.normalizer.mapping", {}, "spec.normalizer.mapping"),
    ("normalizer", "spec.normalizer.transforms.0", {"op": "const", "field": "a"}, "spec.normalizer.transforms[0].value"),
    ("normalizer", "spec.normalizer.transforms.0", {"op": "mapValues", "field": "a"}, "spec.normalizer.transforms[0].values"),
    ("normalizer", "spec.normalizer.transforms.0", {"op": "toInt", "field": "a", "onError": "default"}, "default"),
    ("normalizer", "spec.normalizer.transforms.0", {"field": "a"}, "op"),
    ("normalizer", "spec.normalizer.transforms.0.op", "toNumbr", "toNumber, toDecimal"),
    ("storage", "spec.storage.retentionDays", 1.5, "spec.storage.retentionDays"),
    ("storage", "spec.storage.retentionDays", "30", "spec.storage.retentionDays"),
    ("analytics", "spec.analytics.queryTemplate.dialect", "spark", "sql"),
    ("workflow", "spec.steps", [], "at least 1 item"),
    ("workflow", "metadata.labels", {"domain": "web sales"}, "metadata.labels"),
    ("workflow", "metadata.labels", {"domain": "a" * 64}, "metadata.labels"),
    ("connector", "metadata.labels", {"my tier": "x"}, "metadata.labels"),
    ("connector", "metadata.labels", {"-": "x"}, "metadata.labels"),
    ("connector", "metadata.annotations", {"a b": "x"}, "metadata.annotations"),
    ("run", "metadata.name", "Sales_1", "metadata.name"),
    ("workflow", "spec.concurrency", "forbid", "Forbid, Queue, Replace, Allow"),
    ("workflow", "spec.runtime", {"resources": {"limits": {"disk": "1"}}}, "cpu, memory"),
    ("workflow", "spec.version", NO, "spec.version"),
    ("run", "spec.workflowRef", NO, "spec.workflowRef"),
]  # fmt: skip


TAKEN = [
    ("workflow", "spec.steps", [OFF, SYNC, NORMALIZE, OFF, WRITE, NORMALIZE, WRITE, QUERY, QUERY]),
    ("workflow", "spec.steps", [SYNC, {**NORMALIZE, "stream": "a"}, {**WRITE, "stream": "a"}]),
    ("workflow", "spec.runtime", {"tolerations": [{"key": "a", "tolerationSeconds": 5}], "resources": {"limits": {"memory": "1.5Gi"}}}),
    ("workflow", "spec.parameters", [{"name": "a", "default": True}, {"name": "b", "default": 1}]),
    ("run", "spec.parameters", {"a": True, "b": 1, "c": "x"}),
    ("run", "spec.window", {"start": "2024-02-29T23:59:59.5+05:30", "end": "2026-02-02T00:00:00Z"}),
    ("run", "spec.window", None),
    ("run", "metadata.name", "sales.one-1"),
    ("workflow", "metadata.labels", {"domain": "web_sales", "example.org/tier": "", "a.B_c-1": "A.b_c-1"}),
    ("connector", "metadata.annotations", {"example.org/why": "a b\n" * 100}),
    ("connector", "spec.connector.transport.body", {"a": [1, {"b": True}]}),
    ("connector", "spec.connector.egressPolicy.blockCidrs", []),
    ("connector", "spec.connector.egressPolicy.allowCidrs", ["fd00::/8", "::1/128"]),
    ("connector", "spec.connector.auth", {}),
    ("connector", "spec.connector.pagination", None),
    *(
        ("connector", URL, f"https://api.example.invalid{rest}")
        for rest in (":1", ":0443/", ":65535/v1", "/a:b@c/d;e=f%20")
    ),
    ("connector", PATH, ""),
    ("connector", PATH, "/v1/%7Bid%7D/sales:batchGet@x,y;z=1'()*"),
    ("connector", PORTS, [8443, 443]),
    ("connector", PORTS, []),
    ("connector", HEADERS, {"Accept": "", "X-A!#$%&'*+.^_`|~": "a \t~", "Idempotency-Key": "a1" * 16, "If-None-Match": "x"}),
    (
        "connector",
        QUERY_PAIRS,
        {
            "page_token": "a", "next_token": "a", "tokenType": "a", "cookieConsent": "a", "syncToken": "a", "max_tokens": "1", "key": "total",
            "code": "US", "sid": "7", "session": "2026", "sort_key": "created_at_2024_desc", "q": "basic information, bearer bonds", "g": "{\n  a\r\n}",
        },
    ),
    ("connector", KEY, ".a"),
    ("connector", KEY, "a" * 253),
    ("connector", "metadata.annotations", {"chartly.io/deprecated": "use 2.0.0"}),
    ("normalizer", "spec.normalizer.transforms.0", {"op": "const", "field": "a", "value": True, "onError": "null"}),
    ("normalizer", "spec.normalizer.transforms.0", {"op": "toInt", "field": "a", "onError": "default", "default": 0}),
    ("normalizer", "spec.normalizer.transforms.0", {"op": "toBool", "field": "a", "onError": "default", "default": False}),
    ("normalizer", "spec.normalizer.transforms.0", {"op": "mapValues", "field": "a", "values": {"x": True, "y": 1}, "default": 0}),
    ("storage", "spec.storage.columns", {"amount": "Decimal( 38 ,\t9)"}),
]  # fmt: skip
