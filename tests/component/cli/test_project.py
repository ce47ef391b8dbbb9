"""``project create``: what it shows, what it makes, and that asking twice is as asking once."""

import base64
import json

import pytest
import yaml
from clickhouse_connect.driver.exceptions import DatabaseError

from chartly.load.grants import create_users
from chartly_cli.demo.authority import make_authority
from support.clickhouse_access import User
from support.clickhouse_process import clickhouse
from support.command import chartly, chartly_json
from support.fake_kubectl import fake_kubectl

HOME = "tenant-demo/proj-sales"
NAMESPACE = "tenant-demo-proj-sales"
ADMIN = "canary-admin-91c2"
STORE = (
    "--store-url", "https://ch.data.svc:8443", "--store-admin-user", "root",
    "--store-admin-password-env", "STORE_PASSWORD",
)  # fmt: skip
ADMINS = [User("root", ADMIN), User("chartly_admin", ADMIN)]
SECRETS = ("chartly-store", "chartly-analyst")
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "kubectl"
    found = fake_kubectl(program, tmp_path / "cluster", NAMESPACE)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setenv("STORE_PASSWORD", ADMIN)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """ClickHouse's server; it keeps users of tests before, whose passwords each test changes."""
    with clickhouse(tmp_path_factory.mktemp("clickhouse"), ADMINS) as running:
        yield running


def lets_in(server, login):
    """Whether the server knows a user with the password that a Secret holds."""
    try:
        with server.client(User(login["username"], login["password"])) as client:
            return client.command("SELECT currentUser()") == login["username"]
    except DatabaseError as error:
        if "AUTHENTICATION_FAILED" not in str(error):
            raise
        return False


@pytest.fixture
def certificate(tmp_path):
    return make_authority(tmp_path / "tls").ca


def create(folder, *options, server=None):
    """Asks ``server`` where one is given; runs would reach it as ``--store-url`` says."""
    via = ("--store-via", server.url) if server else ()
    return chartly(folder, "project", "create", HOME, *options, *via)


def test_without_apply_it_prints_what_kubectl_takes(tmp_path, monkeypatch):
    """No cluster, no store and no kubectl are asked."""
    monkeypatch.setenv("PATH", "")
    outcome = create(tmp_path, *STORE[:2])
    assert outcome.code == 0
    kinds = [one["kind"] for one in yaml.safe_load_all(outcome.out)]
    assert kinds == ["Namespace", "ResourceQuota", "LimitRange", "NetworkPolicy", "NetworkPolicy"]
    assert "nothing was changed; --apply does it" in outcome.err
    assert "# Secret chartly-store, made by --apply\n" in outcome.out
    statements = create_users("tenant_demo__proj_sales", "a hash", "a hash")
    assert all(f"# store: {one}\n" in outcome.out for one in statements)


def test_as_json_it_tells_the_same(tmp_path):
    document = chartly_json(tmp_path, "project", "create", HOME, *STORE[:2])
    assert document["applied"] is False
    assert document["namespace"] == NAMESPACE
    assert document["secrets"] == ["chartly-store", "chartly-analyst"]
    assert document["users"] == ["tenant_demo__proj_sales_loader", "tenant_demo__proj_sales_analyst"]  # fmt: skip
    assert len(document["documents"]) == 5


def test_an_entry_of_the_quota_is_an_option(tmp_path):
    outcome = create(tmp_path, "--quota", "pods=7", "--quota", "services.nodeports=0")
    quota = list(yaml.safe_load_all(outcome.out))[1]["spec"]["hard"]
    assert (quota["pods"], quota["services.nodeports"]) == ("7", "0")


def test_a_store_with_a_name_outside_is_told_of(tmp_path):
    outcome = create(tmp_path, "--store-url", "https://ch.example.test:8443")
    assert "the store's host ch.example.test is a name" in outcome.err
    outcome = create(
        tmp_path, "--store-url", "https://ch.example.test", "--store-cidr", "10.9.0.0/24"
    )
    assert "is a name" not in outcome.err
    assert "cidr: 10.9.0.0/24" in outcome.out


def test_apply_makes_the_project_and_its_users(tmp_path, cluster, server):
    outcome = create(tmp_path, *STORE, "--apply", server=server)
    assert outcome.code == 0, outcome
    assert f"applied  Namespace {NAMESPACE}" in outcome.out
    assert "made     store user tenant_demo__proj_sales_loader" in outcome.out
    loader, analyst = cluster.secret("chartly-store"), cluster.secret("chartly-analyst")
    assert loader["url"] == analyst["url"] == "https://ch.data.svc:8443"
    assert loader["username"] == "tenant_demo__proj_sales_loader"
    assert loader["password"] != analyst["password"]
    assert min(len(one["password"]) for one in (loader, analyst)) >= 43
    assert [lets_in(server, one) for one in (loader, analyst)] == [True, True]
    assert any("except" in json.dumps(one) for one in cluster.objects.values())


def test_no_secret_is_in_an_argument_an_output_or_a_statement(tmp_path, cluster, server):
    """INV-6."""
    outcome = create(tmp_path, *STORE, "--apply", server=server)
    shown = chartly(tmp_path, "--output", "json", "project", "create", HOME, *STORE, "--apply")
    passwords = [cluster.secret(one)["password"] for one in ("chartly-store", "chartly-analyst")]
    seen = "\n".join(
        [outcome.out, outcome.err, shown.out, shown.err, *server.state["statements"], *map(str, cluster.calls)]
    )  # fmt: skip
    assert [one for one in (*passwords, ADMIN) if one in seen] == []


def test_asking_twice_changes_nothing(tmp_path, cluster, server):
    create(tmp_path, *STORE, "--apply", server=server)
    before = cluster.objects
    assert create(tmp_path, *STORE, "--apply", server=server).code == 0
    assert cluster.objects == before
    assert [lets_in(server, cluster.secret(one)) for one in SECRETS] == [True, True]


def test_rotate_gives_new_passwords_to_both_sides(tmp_path, cluster, server):
    create(tmp_path, *STORE, "--apply", server=server)
    before = cluster.secret("chartly-store")
    assert create(tmp_path, *STORE, "--apply", "--rotate", server=server).code == 0
    after = cluster.secret("chartly-store")
    assert after["password"] != before["password"]
    assert [lets_in(server, one) for one in (before, after)] == [False, True]
    assert lets_in(server, cluster.secret("chartly-analyst"))


@pytest.mark.parametrize("lost", ["the store's users", "the secrets"])
def test_what_was_lost_or_never_finished_is_made_whole(tmp_path, cluster, server, lost, request):
    """Killed between the cluster and the store, or one of them restored: both agree again."""
    create(tmp_path, *STORE, "--apply", server=server)
    if lost == "the secrets":
        (cluster.home / "state.json").unlink()
        whole = server
    else:
        whole = request.getfixturevalue("restored")
    assert create(tmp_path, *STORE, "--apply", server=whole).code == 0
    assert [lets_in(whole, cluster.secret(name)) for name in SECRETS] == [True, True]


@pytest.fixture
def restored(tmp_path):
    """A server from before the project's users were made."""
    with clickhouse(tmp_path / "restored", ADMINS) as running:
        yield running


def test_a_store_that_is_not_there_changes_nothing(tmp_path, cluster, server):
    server.shut()
    outcome = create(tmp_path, *STORE, "--apply", server=server)
    server.open()
    assert outcome.code == 11
    assert outcome.errors == [f"error: StoreUnavailable: store {server.url}: connection refused"]
    assert cluster.objects == {}


def test_an_administrator_with_another_password_changes_nothing(
    tmp_path, cluster, server, monkeypatch
):
    monkeypatch.setenv("STORE_PASSWORD", "canary-wrong")
    outcome = create(tmp_path, *STORE, "--apply", server=server)
    assert outcome.code == 5
    assert outcome.errors == [
        (
            f"error: AuthRejected: store {server.url}: it refused user 'root' or its password "
            "(--store-admin-user and its password)"
        )
    ]
    assert cluster.objects == {}


def test_another_user_s_secret_is_not_written_over(tmp_path, cluster, server):
    asked = server.state["served"]
    data = {"username": base64.b64encode(b"dba").decode()}
    metadata = {"name": "chartly-store", "namespace": NAMESPACE}
    cluster.put({"kind": "Secret", "metadata": metadata, "data": data})
    outcome = create(tmp_path, *STORE, "--apply", server=server)
    assert outcome.code == 3
    assert "holds user 'dba', which was not made here" in outcome.errors[0]
    assert server.state["served"] == asked


def test_without_a_store_the_rest_is_made(tmp_path, cluster, server):
    asked = server.state["served"]
    outcome = create(tmp_path, "--apply")
    assert outcome.code == 0
    assert "make Secret chartly-store yourself" in outcome.err
    assert not any(key.startswith("secret/") for key in cluster.objects)
    assert server.state["served"] == asked


def chart(cluster, **data):
    place = {"namespace": "chartly-system"}
    cluster.put(
        {
            "kind": "ConfigMap",
            "metadata": {"name": "chartly-project-defaults", **place},
            "data": {
                "store-url": "http://chartly-clickhouse.chartly-system.svc:8123",
                "store-admin-secret": "chartly-clickhouse",
                "grantable-cidrs": "10.20.0.0/16,10.30.0.0/16",
                **data,
            },
        },
        {
            "kind": "Secret",
            "metadata": {"name": "chartly-clickhouse", **place},
            "data": {
                "username": base64.b64encode(b"chartly_admin").decode(),
                "password": base64.b64encode(ADMIN.encode()).decode(),
            },
        },
    )


def test_the_chart_says_store_administrator_and_ranges(tmp_path, cluster, server):
    chart(cluster)
    outcome = create(tmp_path, "--chart", "chartly-system", "--apply", server=server)
    assert outcome.code == 0, outcome
    assert cluster.secret("chartly-store")["url"].startswith("http://chartly-clickhouse.")
    assert lets_in(server, cluster.secret("chartly-store"))
    policy = cluster.objects[f"networkpolicy/{NAMESPACE}/chartly-runs-egress"]
    assert "10.30.0.0/16" in json.dumps(policy)


def test_the_chart_s_ranges_are_shown_without_apply(tmp_path, cluster):
    chart(cluster)
    outcome = create(tmp_path, "--chart", "chartly-system")
    assert "cidr: 10.20.0.0/16" in outcome.out
    assert ADMIN not in outcome.out + outcome.err


def test_options_go_before_the_chart(tmp_path, cluster):
    chart(cluster)
    options = ("--chart", "chartly-system", "--grant-cidr", "10.99.0.0/16", *STORE[:2])
    outcome = create(tmp_path, *options)
    assert "cidr: 10.99.0.0/16" in outcome.out
    assert "10.20.0.0/16" not in outcome.out
    assert "kubernetes.io/metadata.name: data" in outcome.out


def test_a_chart_without_a_store_leaves_it_to_the_options(tmp_path, cluster, server):
    chart(cluster, **{"store-url": "", "store-admin-secret": "", "grantable-cidrs": ""})
    assert create(tmp_path, "--chart", "chartly-system", "--apply").code == 0
    assert not any("proj-sales/chartly-store" in key for key in cluster.objects)
    refused = create(tmp_path, "--chart", "chartly-system", "--apply", *STORE[:2])
    assert "give --store-admin-password-file" in refused.errors[0]


def test_a_chart_that_is_not_there_is_told(tmp_path, cluster):
    outcome = create(tmp_path, "--chart", "nowhere")
    assert "--chart nowhere: the chart is not installed there" in outcome.errors[0]


def test_the_password_s_file_and_user_are_options(tmp_path, cluster, server):
    file = tmp_path / "password"
    file.write_text(ADMIN + "\n")
    options = ("--store-admin-user", "root", "--store-admin-password-file", str(file))
    assert create(tmp_path, *STORE[:2], *options, "--apply", server=server).code == 0


def test_the_context_is_given_to_every_call(tmp_path, cluster, server):
    assert create(tmp_path, *STORE, "--apply", "--context", "kind-one", server=server).code == 0
    assert all(call[:2] == ["--context", "kind-one"] for call in cluster.calls)


def test_authorities_go_where_they_are_read(tmp_path, cluster, server, certificate):
    options = ("--cacert", str(certificate), "--store-cacert", str(certificate))
    assert create(tmp_path, *STORE, *options, "--apply", server=server).code == 0
    trusted = cluster.objects[f"configmap/{NAMESPACE}/chartly-trust"]["data"]["ca.crt"]
    assert trusted.startswith("-----BEGIN CERTIFICATE-----\n")
    assert cluster.secret("chartly-store")["ca.crt"] == trusted


def namespace(name, tenant, project):
    labels = {"chartly.io/tenant": tenant, "chartly.io/project": project}
    return {"kind": "Namespace", "metadata": {"name": name, "labels": labels if tenant else {}}}


def test_a_project_has_one_namespace(tmp_path, cluster, server):
    cluster.put(namespace("elsewhere", "tenant-demo", "proj-sales"))
    outcome = create(tmp_path, *STORE, "--apply", server=server)
    (told,) = outcome.errors
    assert told == (
        "error: DuplicateProject: project tenant-demo/proj-sales: has namespace 'elsewhere' "
        "already; 'tenant-demo-proj-sales' would be a second one"
    )
    assert create(tmp_path, *STORE, "--apply", "--namespace", "elsewhere", server=server).code == 0


def test_a_namespace_has_one_project(tmp_path, cluster, server):
    """INV-8: a-b/c and a/b-c have one namespace name; the first keeps it."""
    asked = server.state["served"]
    cluster.put(namespace(NAMESPACE, "tenant", "demo-proj-sales"))
    outcome = create(tmp_path, *STORE, "--apply", server=server)
    assert "belongs to project tenant/demo-proj-sales" in outcome.errors[0]
    assert server.state["served"] == asked


def test_a_namespace_that_is_there_becomes_the_project_s(tmp_path, cluster, server):
    cluster.put(namespace(NAMESPACE, None, None))
    assert create(tmp_path, *STORE, "--apply", server=server).code == 0
    labels = cluster.objects[f"namespace//{NAMESPACE}"]["metadata"]["labels"]
    assert labels["chartly.io/tenant"] == "tenant-demo"


@pytest.mark.parametrize(
    ("said", "told"), [("Error:\n{body}", "*** "), ("{body:.0}", "ended without a word")]
)
def test_kubectl_s_refusal_is_one_sentence_without_secrets(tmp_path, cluster, server, said, told):
    """INV-6, INV-10: an API server may repeat what it refuses."""
    (cluster.home / "failure").write_text(said)
    outcome = create(tmp_path, *STORE, "--apply", server=server)
    assert outcome.code == 3
    assert outcome.errors[0].startswith("error: PrerequisiteMissing: kubectl apply: ")
    assert told.strip() in outcome.errors[0]
    assert len(outcome.errors) == 1
    assert "made " not in outcome.out


def test_without_kubectl_it_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    outcome = create(tmp_path, "--apply")
    assert outcome.code == 3
    assert "kubectl: is not on the path" in outcome.errors[0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--quota", "pods"), '--quota: "pods" must be NAME=AMOUNT'),
        (("--grant-cidr", "10.0.0.1/8"), 'range: "10.0.0.1/8" must be a CIDR'),
        (("--store-url", ""), "--store-url: is empty; give it a value, or leave it out"),
        (("--store-via", ""), "--store-via: is empty"),
        (("--store-url", "http://admin:canary@ch"), "store URL: must be http(s)://host[:port]"),
        (("--namespace", "n" * 64), "has 64 characters, 63 are allowed"),
        (("--cacert", "nothing.pem"), "--cacert nothing.pem: cannot be read"),
        (("--apply", *STORE[:2]), "give --store-admin-password-file"),
        (("--apply", *STORE[:2], "--store-admin-password-env", "NOT_SET"), "NOT_SET is not set"),
        (("--apply", *STORE[:2], "--store-admin-password-file", "no"), "no: cannot be read"),
    ],
)
def test_mistakes_are_told_in_one_sentence(tmp_path, cluster, server, options, sentence):
    """INV-10."""
    outcome = create(tmp_path, *options)
    assert outcome.code == 3
    assert len(outcome.errors) == 1
    assert sentence in outcome.errors[0]
    assert "canary" not in outcome.err


def test_a_project_is_two_slugs(tmp_path):
    outcome = chartly(tmp_path, "project", "create", "Tenant/x")
    assert "must be tenant/project" in outcome.errors[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nothing", "holds no certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no certificate"),
        ("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n", "holds a private key"),
    ],
)
def test_what_is_no_certificate_is_not_spread(tmp_path, text, sentence):
    """INV-6: a private key in the wrong file goes nowhere."""
    file = tmp_path / "ca.pem"
    file.write_text(text)
    outcome = create(tmp_path, "--cacert", str(file))
    assert sentence in outcome.errors[0]
    assert "canary" not in outcome.out + outcome.err


def test_the_engine_s_own_parser_takes_every_statement(engine):
    """A server cannot be had here; its parser can."""
    for one in create_users("a__b", "1" * 64, "2" * 64):
        assert engine.rows("SELECT formatQuerySingleLine({q:String})", {"q": one})[0][0]


def test_a_cluster_that_does_not_count_the_quota_is_waited_for_and_then_named(
    cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr("chartly_service.project.QUOTA_SECONDS", 0.2)
    monkeypatch.setattr("chartly_service.project.QUOTA_POLL", 0.05)
    (cluster.home / "uncounted").touch()
    outcome = chartly(tmp_path, "project", "create", HOME, "--apply")
    assert outcome.code == 3
    assert "waiting for the cluster to count what the quota limits" in outcome.err
    assert "ResourceQuota chartly in tenant-demo-proj-sales" in outcome.err
