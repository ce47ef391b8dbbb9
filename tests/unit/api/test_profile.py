import json

import pytest

from chartly.api.documents import Document
from chartly.api.profile import as_resource, parse_profile
from chartly.errors import SpecError
from support.profiles import PLAYBOOK, changed, document, playbook_profile, playbook_profiles

NO = object()


def test_the_playbook_s_files_are_valid_byte_for_byte():
    assert [str(profile.id) for profile in playbook_profiles()] == [
        "analytics/sales-daily-rollup@1.0.0",
        "connector/sales-http@1.0.0",
        "normalizer/sales-default@1.0.0",
        "storage/sales-events@1.0.0",
    ]


def test_a_body_without_a_credential_is_taken():
    body = {"query": "{ viewer { id } }", "variables": {"pageToken": "a", "code": ["US", 1]}}
    profile = parse_profile(changed(playbook_profile("connector"), "spec.transport.body", body))
    assert profile.spec.transport.body == body


@pytest.mark.parametrize("profile", playbook_profiles(), ids=lambda profile: profile.id.kind)
def test_the_custom_resource_says_the_same(profile):
    resource = as_resource(profile, "tenant-demo-proj-sales")
    again = parse_profile(Document("r.yaml", 1, resource))
    assert again.id == profile.id
    assert again.spec == profile.spec
    assert again.written == profile.written
    assert again.namespace == "tenant-demo-proj-sales"
    assert as_resource(again, "tenant-demo-proj-sales") == resource


def test_a_resource_without_extras_has_none():
    source = changed(playbook_profile("storage"), "metadata.labels", drop=True)
    source = changed(source, "metadata.owners", drop=True)
    source = changed(source, "metadata.description", drop=True)
    resource = as_resource(parse_profile(source), None)
    assert resource["metadata"] == {"name": "storage-sales-events-1.0.0"}
    assert set(resource["spec"]) == {"kind", "name", "version", "storage"}


def test_deprecation_is_an_annotation_in_both_spellings():
    source = changed(
        playbook_profile("storage"), "metadata.annotations", {"chartly.io/deprecated": "use 2.0.0"}
    )
    profile = parse_profile(source)
    assert profile.deprecated == "use 2.0.0"
    assert parse_profile(Document("r", 1, as_resource(profile, None))).deprecated == "use 2.0.0"


@pytest.mark.parametrize(
    ("kind", "path", "value", "says"),
    [
        ("connector", "apiVersion", "v1", 'Profile: apiVersion: "v1" must be chartly.io/v1alpha1'),
        ("connector", "extra", 1, "unknown field 'extra'"),
        ("connector", "spec", NO, "spec: is required and must be an object"),
        ("connector", "metadata", [], "metadata: is required and must be an object"),
        ("connector", "metadata.version", "latest", 'metadata.version: "latest" is not allowed: it can move'),
        ("connector", "metadata.version", 1, "metadata.version: 1 must be text"),
        ("connector", "metadata.kind", "conector", "did you mean 'connector'?"),
        ("connector", "metadata.name", "Sales", 'metadata.name: "Sales" is not allowed; it takes lower-case'),
        ("connector", "metadata.owner", "x", "metadata: unknown field 'owner'; did you mean 'owners'?"),
        ("connector", "spec.transprt", {}, "spec: unknown field 'transprt'; did you mean 'transport'?"),
        ("connector", "spec.transport.timeoutMs", "10", 'spec.transport.timeoutMs: "10" must be a whole'),
        ("connector", "spec.transport.timeoutMs", 0, "spec.transport.timeoutMs: 0 must be greater"),
        ("connector", "spec.transport.timeoutMS", 5, "did you mean 'timeoutMs'?"),
        ("connector", "spec.transport.baseUrl", "ftp://x", "must be https://host"),
        ("connector", "spec.transport.baseUrl", "https://u:p@x", "must be https://host"),
        ("connector", "spec.transport.baseUrl", "https://Api.example", "must be a DNS name"),
        ("connector", "spec.transport.baseUrl", "https://other.invalid", 'spec.transport.baseUrl: "https://other.invalid" has a host that is not in egressPolicy.dnsAllowlist; allowed are api.example.invalid'),
        ("connector", "spec.transport.headers", {"Authorization": "Bearer canary-7"}, "looks like a credential"),
        ("connector", "spec.transport.query", {"api_key": "canary-7"}, "looks like a credential"),
        ("connector", "spec.transport.baseUrl", "https://1.2.3.4", "must be a DNS name"),
        ("connector", "spec.transport.baseUrl", "https://api.example.invalid:0", 'spec.transport.baseUrl: "https://api.example.invalid:0" must have a port from 1 to 65535'),
        ("connector", "spec.transport.baseUrl", "https://api.example.invalid/\u00e4", "must be https://host[:port][/path] in plain ASCII"),
        ("connector", "spec.transport.baseUrl", "http://api.example.invalid", 'spec.transport.baseUrl: "http://api.example.invalid" must be https, because auth.mode is not none'),
        ("connector", "spec.egressPolicy.ports", [8443], 'spec.transport.baseUrl: "https://api.example.invalid" has a port that is not in egressPolicy.ports'),
        ("connector", "spec.transport.path", "sales", 'spec.transport.path: "sales" must begin with /'),
        ("connector", "spec.transport.path", "@evil.invalid", 'spec.transport.path: "@evil.invalid" must begin with /'),
        ("connector", "spec.transport.path", "user:canary-7@evil.invalid", "spec.transport.path: must begin with /"),
        ("connector", "spec.transport.path", "/x/ghp_canary70123456789", "spec.transport.path: holds what looks like a credential"),
        ("connector", "spec.transport.headers", {"Host": "internal"}, "'Host' is a header that Chartly sets itself; leave it out"),
        ("connector", "spec.transport.headers", {"X Y": "1"}, "'X Y' is not a header name of RFC 9110"),
        ("connector", "spec.transport.headers", {"X-Y": "canary-7\r\nX-Z: 1"}, "spec.transport.headers.X-Y: is no value of a header"),
        ("connector", "spec.transport.headers", {"X-Y": "Bearer canary-7"}, "spec.transport.headers.X-Y: holds what looks like a credential"),
        ("connector", "spec.transport.headers", {"ghp_canary70123456789": "x"}, "spec.transport.headers: a name holds what looks like a credential"),
        ("connector", "spec.transport.headers", {"X-Figma-Key": "x"}, "'X-Figma-Key' looks like a credential"),
        ("connector", "spec.transport", {"baseUrl": "https://api.example.invalid", "query": {"a": "\u00e4" * 1400}}, "spec.transport: makes a URL of 8430 characters; allowed are 8192"),
        ("connector", "spec.transport.ghp_canary70123456789", 1, "spec.transport: unknown field '***'"),
        ("connector", "spec.transport.headers.ghp_canary70123456789", 1, "spec.transport.headers: a name holds what looks like a credential"),
        ("connector", "spec.transport.headers", {"X": 1, "ghx_canary70123456789": 1}, "a name holds what looks like a credential"),
        ("connector", "spec.transport.query", {"sk-Canary70123456789012345": 1}, "a name holds what looks like a credential"),
        ("normalizer", "spec.mapping", {"sk-Canary70123456789012345": "x"}, "spec.mapping.***"),
        ("connector", "spec.transport.headers", [], "spec.transport.headers: must be an object"),
        ("connector", "spec.transport.headers.X", 1, "spec.transport.headers.X: must be text"),
        ("connector", "spec.transport.query", [], "spec.transport.query: must be an object"),
        ("connector", "spec.transport.query", {"key": "canary70123456789"}, "spec.transport.query: 'key' holds what looks like a credential"),
        ("connector", "spec.transport.query", {"a": "\ud800"}, "spec: holds what JSON cannot say, such as half of a surrogate pair"),
        ("connector", "spec.transport.body", {"a": [{"password": "canary-7"}]}, "spec.transport.body: 'password' looks like a credential"),
        ("connector", "spec.streams", [{"name": "a", "transport": {"headers": {"X": "Bearer canary-7"}}}], "spec.streams[0].transport: 'X' holds what looks"),
        ("connector", "spec.auth.secretRef.key", "..", "spec.auth.secretRef.key: must be a key of a Secret"),
        ("connector", "spec.auth.secretRef.key", "ghp_canary70123456789", "spec.auth.secretRef.key: holds what looks like a credential"),
        ("connector", "spec.egressPolicy.dnsAllowlist", ["api.exmaple.invalid"], "did you mean 'api.exmaple.invalid'?"),
        ("connector", "spec.egressPolicy.dnsAllowlist", [], "spec.egressPolicy.dnsAllowlist: "),
        ("connector", "spec.egressPolicy.dnsAllowlist", ["*.x"], "must be a DNS name"),
        ("connector", "spec.egressPolicy.blockCidrs", NO, "spec.egressPolicy.blockCidrs: is required"),
        ("connector", "spec.egressPolicy.blockCidrs", ["10.0.0.1/8"], "must be a CIDR"),
        ("connector", "spec.egressPolicy.blockCidrs", ["10.0.0.0"], "must be a CIDR"),
        ("connector", "spec.egressPolicy.blockCidrs", ["10.0.0.0/255.0.0.0"], "must be a CIDR"),
        ("connector", "spec.egressPolicy.dnsAllowlist", ["a." * 127], "must be a DNS name"),
        ("connector", "spec.transport.baseUrl", "https://u:canary-7@api.example.invalid", "spec.transport.baseUrl: must be https://host"),
        ("connector", "spec.transport.baseUrl", "https://api.example.invalid?a=canary-7", "spec.transport.baseUrl: must be https://host"),
        ("connector", "spec.streams", [{"name": "a", "records": {"foo": 1}}], "records: unknown field 'foo'"),
        ("connector", "spec.auth.mode", "beerer", "did you mean 'bearer'?"),
        ("connector", "spec.auth.secretRef", NO, "mode bearer needs secretRef"),
        ("connector", "spec.auth.mode", "none", "spec.auth.secretRef: mode none takes no secretRef"),
        ("connector", "spec.auth.token", "canary-7", "spec.auth: unknown field 'token'"),
        ("connector", "spec.auth.secretRef", "canary-7", "spec.auth.secretRef: must be an object"),
        ("connector", "spec.auth.secretRef.value", "canary-7", "unknown field 'value'"),
        ("connector", "spec.pagination.responseField", NO, "mode cursor needs responseField"),
        ("connector", "spec.pagination.sizeParam", "n", "spec.pagination.sizeParam: sizeParam needs pageSize"),
        ("connector", "spec.pagination.mode", "offset", "mode offset needs pageSize"),
        ("connector", "spec.pagination", [], "spec.pagination: must be an object"),
        ("normalizer", "spec.mapping", {}, "spec.mapping: "),
        ("normalizer", "spec.mapping.Event", "$.a", "spec.mapping.Event"),
        ("normalizer", "spec.transforms.0.op", "toNumbr", 'spec.transforms[0].op: "toNumbr" is not one of toNumber, toDecimal'),
        ("normalizer", "spec.transforms.0.op", NO, "spec.transforms[0].op: is required"),
        ("normalizer", "spec.transforms.0.fild", "x", "spec.transforms[0]: unknown field 'fild'; did you mean 'field'?"),
        ("normalizer", "spec.transforms.0.field", NO, "spec.transforms[0].field: is required"),
        ("normalizer", "spec.transforms.0.to", "x", "spec.transforms[0]: unknown field 'to'; only rename takes it"),
        ("normalizer", "spec.transforms.0.value", "x", "unknown field 'value'; only default or const takes it"),
        ("normalizer", "spec.transforms.0", {"op": "toDecimal", "field": "a", "scale": "2"}, 'spec.transforms[0].scale: "2" must be'),
        ("normalizer", "spec.transforms.0", {"op": "default", "field": "a", "value": 1, "default": {}}, "spec.transforms[0].default"),
        ("normalizer", "spec.transforms", {"op": "x"}, "spec.transforms: must be a list"),
        ("normalizer", "spec.transforms", [{"op": "toDecimal", "field": "amount", "precision": 2, "scale": 3}], "spec.transforms[0].scale: scale must not exceed precision"),
        ("normalizer", "spec.canonicalEventType", "Sales Event", 'spec.canonicalEventType: "Sales Event" is not allowed; it takes lower-case letters, digits, dots'),
        ("storage", "spec.dataset", "sales_events", 'spec.dataset: "sales_events" is not allowed; it takes lower-case'),
        ("storage", "spec.retentionDays", -1, "spec.retentionDays: -1 must be greater"),
        ("storage", "spec.retentionDays", 1.5, "spec.retentionDays: 1.5"),
        ("storage", "spec.retention", {"days": 3, "from": "occurred_at"}, "spec.retention: give retentionDays or retention"),
        ("storage", "spec.columns", {"amount": "Float64"}, "must be one of String"),
        ("storage", "spec.partitioning.granularity", "days", "did you mean 'day'?"),
        ("analytics", "spec.inputs.window", "1 day", "must be an ISO 8601 duration"),
        ("analytics", "spec.queryTemplate.dialect", "spark", "is not one of sql"),
        ("analytics", "spec.queryTemplate.text", "", "spec.queryTemplate.text"),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_sentence_that_names_it(kind, path, value, says):
    """INV-10; and INV-6: what may be a credential is never shown."""
    bad = changed(playbook_profile(kind), path, value, drop=value is NO)
    with pytest.raises(SpecError) as caught:
        parse_profile(bad)
    problems = [str(problem) for problem in caught.value.problems]
    assert any(says in problem for problem in problems), problems
    for problem in problems:
        assert "\n" not in problem
        assert "canary" not in problem
        assert problem.startswith(f"{kind}-")


def test_every_mistake_is_told_at_once():
    bad = changed(playbook_profile("storage"), "spec.retentionDays", 0)
    bad = changed(bad, "spec.datset", "x")
    with pytest.raises(SpecError) as caught:
        parse_profile(bad)
    assert len(caught.value.problems) == 2
    assert caught.value.message.endswith("(and 1 more)")


def test_a_long_value_is_clipped():
    bad = changed(playbook_profile("storage"), "spec.dataset", "x" * 500)
    with pytest.raises(SpecError) as caught:
        parse_profile(bad)
    assert len(caught.value.message) < 400


RESOURCE = as_resource(playbook_profiles()[3], "ns")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("metadata.name", "storage-sales-events", "here 'storage-sales-events-1.0.0'"),
        ("spec.storage", NO, "spec.storage: is required"),
        ("spec.connector", {}, "spec.connector: kind is storage"),
        (
            "spec.storage.datset",
            "x",
            "spec.storage: unknown field 'datset'; did you mean 'dataset'?",
        ),
        ("spec.stroage", {}, "spec: unknown field 'stroage'; did you mean 'storage'?"),
        ("metadata.name", 5, "metadata.name: 5 must be text"),
    ],
)
def test_mistakes_in_a_resource_are_named_too(path, value, says):
    bad = changed(
        Document("r.yaml", 1, json.loads(json.dumps(RESOURCE))), path, value, drop=value is NO
    )
    with pytest.raises(SpecError) as caught:
        parse_profile(bad)
    assert says in caught.value.message


def test_what_the_api_server_adds_to_metadata_is_let_through():
    live = changed(Document("r", 1, json.loads(json.dumps(RESOURCE))), "metadata.uid", "123")
    live = changed(live, "metadata.managedFields", [{"manager": "kubectl"}])
    assert parse_profile(live).namespace == "ns"


def test_the_fixture_folder_is_the_playbook_s():
    assert document(PLAYBOOK / "profiles" / "storage-sales-events@1.0.0.yaml").line == 1


@pytest.mark.parametrize(
    ("value", "says", "because"),
    [
        (None, "spec.transforms[1].onError: null is as if it were not there; write 'null' in quotes", "a null is taken for nothing"),
        ("default", "onError default needs default", "nothing to put there"),
    ],
)  # fmt: skip
def test_what_happens_on_an_error_is_said_whole(value, says, because):
    steps = [{"op": "trim", "field": "status"}, {"op": "toInt", "field": "x", "onError": value}]
    with pytest.raises(SpecError, match="spec.transforms") as caught:
        parse_profile(changed(playbook_profile("normalizer"), "spec.transforms", steps))
    assert caught.value.message.endswith(says), because
