import re

import pytest

from chartly_operator.settings import read_options

IMAGES = ("--connector-image", "connector:1", "--loader-image", "loader:1")


def read(*arguments, **environment):
    return read_options(arguments, environment, "me")


def test_two_images_are_all_that_is_needed():
    options = read(*IMAGES)
    assert options.decisions.connector_image == "connector:1"
    assert options.decisions.global_namespace == "chartly-global"
    assert options.decisions.spool_bytes == 268435456
    assert options.lease == ("chartly-system", "chartly-operator")
    assert (options.namespaces, options.workers, options.resync) == ((), 16, 600)
    assert options.listen == ("0.0.0.0", 8080)  # noqa: S104 - the default
    assert options.identity == "me"


def test_everything_can_be_said_in_the_environment():
    options = read(
        CHARTLY_CONNECTOR_IMAGE="c",
        CHARTLY_LOADER_IMAGE="l",
        CHARTLY_IMAGE_PULL_POLICY="Always",
        CHARTLY_CONNECTOR_RESOURCES='{"requests": {"cpu": "100m"}}',
        CHARTLY_LOADER_RESOURCES='{"limits": {"memory": "1Gi"}}',
        CHARTLY_GLOBAL_NAMESPACE="shared",
        CHARTLY_GRANTABLE_CIDRS="10.0.0.0/8, fd00::/8",
        CHARTLY_SPOOL_BYTES="1000",
        CHARTLY_PENDING_DEADLINE="1",
        CHARTLY_RUN_DEADLINE="2",
        CHARTLY_JOB_TTL="3",
        CHARTLY_FREE_ATTEMPTS="0",
        CHARTLY_WATCH_NAMESPACES="a, b",
        CHARTLY_LEASE_NAMESPACE="system",
        CHARTLY_LEASE_NAME="one",
        CHARTLY_WORKERS="4",
        CHARTLY_LISTEN="[::1]:9090",
        CHARTLY_RESYNC_SECONDS="60",
        CHARTLY_LOG_LEVEL="debug",
        CHARTLY_WATCH_LIST="true",
    )
    decisions = options.decisions
    assert decisions.image_pull_policy == "Always"
    assert decisions.connector_resources == {"requests": {"cpu": "100m"}}
    assert decisions.loader_resources == {"limits": {"memory": "1Gi"}}
    assert decisions.grantable_cidrs == ("10.0.0.0/8", "fd00::/8")
    assert (decisions.spool_bytes, decisions.pending_deadline) == (1000, 1)
    assert (decisions.run_deadline, decisions.job_ttl, decisions.free_attempts) == (2, 3, 0)
    assert options.namespaces == ("a", "b", "shared"), "shared profiles are read, too"
    assert options.lease == ("system", "one")
    assert (options.workers, options.resync, options.log_level) == (4, 60, "debug")
    assert options.listen == ("::1", 9090)
    assert options.watch_list


def test_a_flag_goes_before_the_environment():
    options = read(*IMAGES, "--workers", "2", "--no-lease", CHARTLY_WORKERS="4")
    assert options.workers == 2
    assert options.lease is None


BAD = [
    ((), "required: --connector-image, --loader-image"),
    ((*IMAGES, "--workers", "0"), "'0' is not allowed; it takes a number above 0"),
    ((*IMAGES, "--workers", "many"), "invalid _positive value: 'many'"),
    ((*IMAGES, "--listen", "8080"), "'8080' is not allowed; it takes host:port"),
    ((*IMAGES, "--watch-namespaces", "A"), "'A' is not the name of a namespace"),
    ((*IMAGES, "--grantable-cidrs", "10.0.0.1/8"), "has host bits set; it takes ranges"),
    ((*IMAGES, "--loader-resources", "1"), "'1' is not allowed; it takes JSON such as"),
    ((*IMAGES, "--loader-resources", "{"), "'{' is not allowed; it takes JSON such as"),
    ((*IMAGES, "--image-pull-policy", "Never ever"), "invalid choice: 'Never ever'"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD)
def test_what_is_wrong_ends_with_one_sentence(arguments, sentence, capsys):
    """INV-10."""
    with pytest.raises(SystemExit) as raised:
        read(*arguments)
    assert raised.value.code == 2
    assert sentence in capsys.readouterr().err


def test_the_help_names_every_option(capsys):
    with pytest.raises(SystemExit):
        read("--help")
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "--grantable-cidrs" in text
    assert "seconds that a Job is kept after its run's end [3600]" in text
