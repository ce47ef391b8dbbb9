"""What the API server takes of texts, transforms and steps is what the command line takes."""

from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chartly.api.normalizer import Transform
from chartly.api.workflow import WorkflowSpec
from chartly.api.workflow_step import SPELLINGS
from chartly.crds.type_annotations import alias_of, choices
from support.custom_resources import api_with_crds, cli_says, resource, server_says
from support.profiles import changed

pytestmark = pytest.mark.timeout(900)
TRANSFORMS = get_args(get_args(Transform)[0])
STEPS = get_args(get_args(get_args(WorkflowSpec.model_fields["steps"].annotation)[0])[0])
UNSEEN = ("value", "values")
"""Fields whose type is open, so that no rule sees them where they do not belong."""
SETTINGS = {
    "onError": "null",
    "default": "x",
    "precision": 12,
    "scale": 3,
    "formats": ["unix"],
    "zone": "Europe/Paris",
    "value": 1,
    "to": "b",
    "values": {"a": True},
    "salt": "s",
}
PARTS = {
    "connector_profile": "connector/a@1.0.0",
    "connector_id": "connector/a@1.0.0",
    "normalizer_profile": "normalizer/a@1.0.0",
    "profile": "normalizer/a@1.0.0",
    "storage_profile": "storage/a@1.0.0",
    "dataset_id": "storage/a@1.0.0",
    "analytics_profile": "analytics/a@1.0.0",
    "query_ref": "analytics/a@1.0.0",
    "stream": "main",
    "when": {"enabled": True},
}
TEXTS = {
    ("storage", "spec.storage.dataset"): [
        "a", "a1", "a-1", "a-b-c", "a" * 40, "a" * 41, "", "-a", "a-", "a--b", "1a", "A", "a_b", "a.b", "ä", "a\n", "a b",
    ],
    ("run", "spec.workflowRef.version"): [
        "0.0.0", "1.0.0", "10.20.30", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-0", "1.0.0-a-b.7", "1.0.0-1-2", "1.0.0-0a",
        "1.0.0-01", "01.0.0", "1.0", "1.0.0.0", "1.0.0-", "1.0.0-a..b", "1.0.0--a", "1.0.0-a-", "1.0.0-1-", "1.0.0+b",
        "1.0.0-A", "^1.0.0", "1.x", "*", "1.0.0\n", "latest", "LATEST", "1.0.0-latest", "1.0.0-" + "a" * 57, "1.0.0-" + "a" * 58,
    ],
    ("connector", "spec.connector.egressPolicy.dnsAllowlist.1"): [
        "a", "a.b", "a-b.c1", "1.2.3.4", "xn--a.b", "a" * 63 + ".b", "a" * 64 + ".b", "a" * 64, ".a", "a.", "a..b", "-a.b", "a-.b",
        "A.b", "a_b", "*.a", "a:80", "https://a", "a/b", ("a" * 62 + ".") * 4 + "a", ("a" * 62 + ".") * 4 + "aa", "a\n", "",
    ],
    ("connector", "spec.connector.egressPolicy.blockCidrs.0"): [
        "10.0.0.0/8", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.1/32", "10.0.0.0", "10.0.0/24", "0.0.0.0/0", "::/0", "fd00::/8",
        "fd00::1/8", "::1/128", "10.0.0.0/255.0.0.0", "010.0.0.0/8", "10.0.0.0/08", " 10.0.0.0/8", "fe80::%eth0/64", "a", "",
    ],
    ("analytics", "spec.analytics.inputs.window"): [
        "PT1H", "PT15M", "P1D", "P1W", "P1M", "P1Y", "P99999D", "P100000D", "P9999M", "P10000M", "P999Y", "P1000Y", "P99999W", "PT99999H", "P0D", "P01D", "PT1S", "P1H", "P1DT1H", "p1d", "1D", "",
    ],
    ("storage", "spec.storage.columns.amount"): [
        "String", "LowCardinality(String)", "Bool", "Int64", "UInt64", "Date", "Timestamp", "Decimal(38,38)", "Decimal( 18 , 2 )",
        "Decimal(1,0)", "Decimal(0,0)", "Decimal(39,2)", "Decimal(2,3)", "Decimal(08,02)", "Decimal(18)", "Decimal(18,2,1)",
        "Decimal(100,2)", "string", "Int64 ", "Float64", "Nullable(String)", "",
    ],
    ("run", "spec.window.end"): [
        "2026-02-02T00:00:00Z", "2026-02-02T00:00:00.123456789+05:30", "2026-02-02T23:59:59-23:59", "2028-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z", "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-02-02T24:00:00Z", "2026-02-02T00:60:00Z", "2026-02-02T00:00:60Z", "2026-02-02T00:00Z", "2026-02-02t00:00:00z",
        "2026-02-02 00:00:00Z", "20260202T000000Z", "2026-W06-1T00:00:00Z", "2026-02-02T00:00:00+24:00", "2026-02-02T00:00:00+0100",
        "2026-02-02T00:00:00", "2026-02-02", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-02T00:00:00,5Z", "soon", "",
    ],
    ("workflow", "spec.steps.0.connector_profile"): [
        "connector/a@1.0.0", "global::connector/a@1.0.0", "tenant-demo/proj-sales::connector/a@1.0.0-rc.1", "connector/a@1.0.0@1", "connector/a",
        "connector/@1.0.0", "/a@1.0.0", "a@1.0.0", "connector/a/b@1.0.0", "connector:a@1.0.0", "a::b::connector/a@1.0.0", "global:connector/a@1.0.0",
        "Global::connector/a@1.0.0", "a/::connector/a@1.0.0", "/b::connector/a@1.0.0", "a/b/c::connector/a@1.0.0", "::connector/a@1.0.0",
        "tenant-demo/" + "a" * 40 + "::connector/a@1.0.0", "tenant-demo/" + "a" * 41 + "::connector/a@1.0.0", "a" * 41 + "/proj::connector/a@1.0.0",
        "connector/" + "a" * 40 + "@1.0.0", "connector/" + "a" * 41 + "@1.0.0", "connector/a@", "connector/a@latest", "connector/a@1.0.0\n",
        "a@b/c::connector/a@1.0.0", "Connector/a@1.0.0", "storage/a@1.0.0", "global::storage/a@1.0.0", " connector/a@1.0.0", "",
    ],
    ("connector", "spec.connector.transport.baseUrl"): [
        f"{scheme}://{host}{rest}"
        for scheme in ("https", "http", "HTTPS", "ftp")
        for host in ("api.example.invalid", "Api.example.invalid", "u@api.example.invalid", "api.example.invalid.", "[::1]", "", "1.2.3.4")
        for rest in ("", ":443", ":0443", ":0", ":65535", ":65536", ":99999", ":123456", "/\u00e4", "/a\\b", "/a\n", ":", "/", "/v1/a b", "/v1?x=1", "#x")
        if scheme == "https" or rest == ""
    ],
    ("connector", "spec.connector.transport.path"): [
        "", "/", "/a", "//a", "/a:b@c,d;e='()*!$&+=%20~", '/"<>[]^`{|}', "a", "@a", ":80", " /a", "/a b", "/a?b", "/a#b", "/a\\b", "/a\n", "/\t",
        "/\x7f", "/\u00e4", "/\u2028", "/ghp_0123456789abcdef", "/eyJhbGciOiJIUzI1NiJ9.eyJz.x", "/bot123456789:" + "a" * 35, "/bearer", "/basic",
    ],
    ("connector", "spec.connector.auth.secretRef.key"): [
        "a", "A.b_c-1", ".a", "-a", "a.", ".", "..", "..a", ".a..b", "a/b", "a b", "a\n", "\u00e4", "", "a" * 253, "a" * 254, "." + "a" * 252,
        "." + "a" * 253, "ghp_0123456789abcdef", "sk_live_0123456789abcdef",
    ],
    ("connector", "spec.connector.transport.query"): [
        {name: value}
        for name in ("key", "X-Key", "sid", "session_id", "page_token", "nextPageToken", "tokenType", "Idempotency-Key", "userKey", "monkey", "appid", "appId", "a")
        for value in ("x", "0123456789abcdef", "8f3kq0x7mz2v9w1c", "a" * 16, "a\nb", "Bearer x", "bearer bonds", "Basic YTpiOmM0", "\u00e4" * 20)
    ],
    ("connector", "spec.connector.transport.headers.Accept"): [
        "", "a", "a b", "a\tb", " a", "a ", "a\n", "a\r\nb: c", "\x00", "\x7f", "\u00e4", "Bearer x", "Bearer x\n", "Bearer", "token 1", "text/html; q=0.5",
    ],
    ("connector", "spec.connector.transport.headers"): [
        {name: "x"}
        for name in ("Accept", "X-Token", "COOKIE", "set-cookie2", "api_key", "apikey", "api--key", "Access-Key", "Key", "Passwd", "X-Signature-1", "", "\u017fecret", "toKen", "Host", "te", "TEX", "Proxy-X", "X Y", "X'", "X\\n", "HTTP2-Settings", "Expect")
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def rig():
    with api_with_crds() as found:
        yield found


def verdicts(rig, document):
    """Whether the command line and the API server take a document."""
    return cli_says(document) == (), server_says(rig, document) == ""


@pytest.mark.parametrize(("place", "values"), TEXTS.items(), ids=[path for _, path in TEXTS])
def test_both_take_the_same_texts(rig, place, values):
    name, field = place
    start = resource(name)
    if field.endswith("dnsAllowlist.1"):
        start = changed(start, field.rpartition(".")[0], ["api.example.invalid", ""])
    if field.endswith(".amount"):
        start = changed(start, field.rpartition(".")[0], {})
    found = {str(value): verdicts(rig, changed(start, field, value)) for value in values}
    assert {value: both for value, both in found.items() if both[0] is not both[1]} == {}
    assert {True, False} <= {both[0] for both in found.values()}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spec.connector.transport.path", "/xoxb-123456789012"),
        ("spec.connector.auth.secretRef.key", "AKIAIOSFODNN7EXAMPLE"),
        ("spec.connector.transport.query", {"a": "AIza" + "a" * 20}),
        ("spec.connector.transport.headers.Accept", "glpat-0123456789"),
    ],
)
def test_the_forms_of_vendors_are_refused_by_who_reads_profiles(rig, field, value):
    """``OTHER_FORMS``: over what rules of the API server may cost, so the operator refuses them."""
    document = changed(resource("connector"), field, value)
    assert verdicts(rig, document) == (False, True)


LETTERS = st.text(alphabet="ab01-.@:/ T" + "Z\n", max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(LETTERS, min_size=30, max_size=30))
def test_both_take_the_same_texts_whatever_they_are(rig, texts):
    """Sixty times thirty texts, of the letters that references and versions are made of."""
    start = resource("connector")
    for text in texts[:1]:
        one = changed(resource("workflow"), "spec.steps.0.connector_profile", f"connector/{text}")
        assert len(set(verdicts(rig, one))) == 1, one
    hosts = ["api.example.invalid", *texts]
    document = changed(start, "spec.connector.egressPolicy.dnsAllowlist", hosts)
    here, there = "\n".join(cli_says(document)), server_says(rig, document)
    for place, text in enumerate(hosts):
        marked = f"dnsAllowlist[{place}]:"
        assert (marked in here) is (marked in there), text


@pytest.mark.parametrize(
    "model", TRANSFORMS, ids=lambda one: choices(one.model_fields["op"].annotation)[0]
)
def test_a_transform_takes_its_own_fields_and_no_others(rig, model):
    names = {alias_of(model, name): info for name, info in model.model_fields.items()}
    least = {
        "op": choices(model.model_fields["op"].annotation)[0],
        "field": "amount",
        **{alias: SETTINGS[alias] for alias, info in names.items() if info.is_required() and alias in SETTINGS},
    }  # fmt: skip
    place = "spec.normalizer.transforms"
    assert verdicts(rig, changed(resource("normalizer"), place, [least])) == (True, True)
    for alias, value in SETTINGS.items():
        both = verdicts(rig, changed(resource("normalizer"), place, [{**least, alias: value}]))
        unseen = alias in UNSEEN and alias not in names
        assert both == ((False, True) if unseen else (alias in names, alias in names)), alias
    for alias in set(least) - {"op"}:
        short = {name: value for name, value in least.items() if name != alias}
        assert verdicts(rig, changed(resource("normalizer"), place, [short])) == (False, False)


@pytest.mark.parametrize(
    "model", STEPS, ids=lambda one: choices(one.model_fields["type"].annotation)[0]
)
def test_a_step_takes_its_own_fields_and_no_others(rig, model):
    kind = choices(model.model_fields["type"].annotation)[0]
    explicit, compact = SPELLINGS[kind]
    steps = resource("workflow").content["spec"]["steps"]
    place = next(i for i, step in enumerate(steps) if step["type"] == kind)
    own = {alias_of(model, name) for name in model.model_fields}
    for alias, value in PARTS.items():
        step = {"type": kind, explicit: PARTS[explicit]}
        document = changed(resource("workflow"), f"spec.steps.{place}", {**step, alias: value})
        if alias == "stream" and alias in own:
            other = place + (1 if kind == "normalize" else -1)
            document = changed(document, f"spec.steps.{other}.stream", value)
        right = alias in own and alias != compact
        assert verdicts(rig, document) == (right, right), alias
        if alias == compact:
            alone = changed(
                resource("workflow"), f"spec.steps.{place}", {"type": kind, alias: value}
            )
            assert verdicts(rig, alone) == (True, True), alias


def test_names_of_every_length(rig):
    """INV-10: at the edge both turn at the same length."""
    for length in (39, 40, 41):
        name = "a" * length
        document = changed(resource("storage"), "spec.name", name)
        document = changed(document, "metadata.name", f"storage-{name}-1.0.0")
        assert len(set(verdicts(rig, document))) == 1
        assert (cli_says(document) == ()) is (length <= 40)
