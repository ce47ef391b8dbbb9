"""The command line: names, options and help; each command is imported when it is called."""

from pathlib import Path
from typing import Annotated

import typer

from chartly_cli.group import ReportingGroup
from chartly_cli.output import Form
from chartly_cli.session import Session
from chartly_cli.store_options import on_a_store

app = typer.Typer(
    name="chartly",
    cls=ReportingGroup,
    help="A few small YAML files become a data domain that runs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
audit_app = typer.Typer(help="Show and verify the audit trail.", no_args_is_help=True)
app.add_typer(audit_app, name="audit")
project_app = typer.Typer(help="Create a project in a cluster.", no_args_is_help=True)
app.add_typer(project_app, name="project")

Name = Annotated[str, typer.Argument(help="A workflow's name, or its domain.")]
Secrets = Annotated[
    Path | None, typer.Option(help="Folder of secrets; each is NAME/KEY. [.chartly/secrets]")
]
ConnectTo = Annotated[
    list[str] | None, typer.Option(metavar="HOST:PORT=ADDR:PORT", help="As curl's; for tests.")
]
CaCert = Annotated[Path | None, typer.Option(help="PEM file of a CA to trust as well.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, only print what would be done.")]


@app.callback()
def main(
    context: typer.Context,
    directory: Annotated[
        Path, typer.Option("--directory", "-C", help="The folder to work in.")
    ] = Path(),
    output: Annotated[Form, typer.Option(help="How results are printed.")] = Form.TEXT,
    project: Annotated[
        str | None, typer.Option(metavar="TENANT/PROJECT", help="The project, if files do not say.")
    ] = None,
) -> None:
    """A few small YAML files become a data domain that runs."""
    context.obj = Session(directory, output, project)


@app.command()
def init(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="A slug, such as orders or device_health.")],
) -> None:
    """Write profiles, a workflow and fixtures for a new domain."""
    from chartly_cli.commands.init import init as command

    command(context.obj, domain)


@app.command()
def validate(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files; without, the folder.")] = None,
) -> None:
    """Check files; print each mistake in one sentence."""
    from chartly_cli.commands.validate import validate as command

    command(context.obj, paths or [])


@app.command()
def render(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files; without, the folder.")] = None,
) -> None:
    """Print custom resources for kubectl apply."""
    from chartly_cli.commands.render import render as command

    command(context.obj, paths or [])


@app.command()
def resolve(context: typer.Context, workflow: Name) -> None:
    """Print what each reference of a workflow resolves to."""
    from chartly_cli.commands.digests import resolve as command

    command(context.obj, workflow)


@app.command()
def digest(
    context: typer.Context,
    subject: Annotated[
        str | None,
        typer.Argument(metavar="what", help="A workflow, or kind/name@version."),
    ] = None,
) -> None:
    """Print digests of profiles and of a workflow's frozen inputs."""
    from chartly_cli.commands.digests import digest as command

    command(context.obj, subject)


@app.command()
@on_a_store
def run(
    context: typer.Context,
    workflow: Name,
    secrets: Secrets = None,
    connect_to: ConnectTo = None,
    cacert: CaCert = None,
    window: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="START END", help="Compute analytics for this range of time."),
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(metavar="BYTES", help="Memory that the run may take, such as 2Gi."),
    ] = None,
    fail_on_warning: Annotated[
        bool,
        typer.Option("--fail-on-warning", help="Exit with 29 if the run ends with a warning."),
    ] = False,
) -> None:
    """Run a workflow: pull, shape, load, roll up; go on where a cut-off run stopped."""
    from chartly_cli.commands.run import run as command

    command(
        context.obj,
        workflow,
        secrets,
        tuple(connect_to or ()),
        cacert,
        window,
        max_memory,
        fail_on_warning=fail_on_warning,
    )


@app.command()
def test(
    context: typer.Context,
    domain: Annotated[str | None, typer.Argument(help="A domain; without, all.")] = None,
) -> None:
    """Run fixtures through the whole engine and compare with their goldens."""
    from chartly_cli.commands.test import test as command

    command(context.obj, domain)


@app.command()
def conformance(
    context: typer.Context,
    update: Annotated[bool, typer.Option("--update", help="Record what is there now.")] = False,
) -> None:
    """Resolve all, hash, and compare with what was recorded."""
    from chartly_cli.commands.conformance import conformance as command

    command(context.obj, update=update)


@app.command()
@on_a_store
def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help="One SELECT over the project's datasets.")],
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows at most.")] = 100,
) -> None:
    """Read the stored tables."""
    from chartly_cli.commands.query import query as command

    command(context.obj, sql, limit)


@app.command()
@on_a_store
def rejects(
    context: typer.Context,
    workflow: Name,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Rows at most.")] = 20,
) -> None:
    """Show the records of the latest run that did not become events, and why."""
    from chartly_cli.commands.rejects import rejects as command

    command(context.obj, workflow, limit)


@app.command()
@on_a_store
def status(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="A domain, or a workflow's name.")],
) -> None:
    """Answer the playbook's six success criteria, each with its evidence."""
    from chartly_cli.commands.status import status as command

    command(context.obj, domain)


@app.command()
@on_a_store
def teardown(context: typer.Context, workflow: Name, yes: Yes = False) -> None:
    """Remove a domain in reverse order of dependency; audit logs stay."""
    from chartly_cli.commands.teardown import teardown as command

    command(context.obj, workflow, yes=yes)


@app.command()
@on_a_store
def deprecate(
    context: typer.Context,
    profile: Annotated[str, typer.Argument(help="kind/name@version.")],
    because: Annotated[str, typer.Option(help="What to use instead, or why.")],
) -> None:
    """Mark a profile version as deprecated; its digest stays."""
    from chartly_cli.commands.deprecate import deprecate as command

    command(context.obj, profile, because)


@app.command()
@on_a_store
def doctor(context: typer.Context, secrets: Secrets = None) -> None:
    """Check the prerequisites of a run."""
    from chartly_cli.commands.doctor import doctor as command

    command(context.obj, secrets)


@app.command()
def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Where the demo lives.")] = Path(".demo"),
    rows: Annotated[int, typer.Option(min=1, help="Flights at most.")] = 336_776,
) -> None:
    """Run the domains sales and flights end to end over HTTPS on this machine, twice."""
    from chartly_cli.commands.demo import demo as command

    command(context.obj, folder, rows)


@app.command()
def version(context: typer.Context) -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    number = installed("chartly")
    context.obj.printer.result({"version": number}, number)


@project_app.command("create")
def project_create(
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="TENANT/PROJECT", help="The project.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it with kubectl; without, print what it would make.")
    ] = False,
    namespace: Annotated[str | None, typer.Option(help="Its name. [TENANT-PROJECT]")] = None,
    chart: Annotated[
        str | None,
        typer.Option(
            metavar="NAMESPACE", help="Take store, administrator and ranges from the chart there."
        ),
    ] = None,
    store_url: Annotated[
        str | None, typer.Option(metavar="URL", help="http(s)://host[:port], as runs reach it.")
    ] = None,
    store_via: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the store answers from here.")
    ] = None,
    store_cacert: Annotated[
        Path | None, typer.Option(help="PEM file of the CA of the store's certificate.")
    ] = None,
    store_cidr: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="Where the store's name leads to, if it is private."),
    ] = None,
    store_admin_user: Annotated[
        str, typer.Option(metavar="NAME", help="Who makes the store's users.")
    ] = "default",
    store_admin_password_file: Annotated[
        Path | None, typer.Option(help="Its first line is the password.")
    ] = None,
    store_admin_password_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="The variable that holds the password.")
    ] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Give the store's users new passwords.")
    ] = False,
    grant_cidr: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="A private range that connectors may reach."),
    ] = None,
    cacert: Annotated[
        Path | None, typer.Option(help="PEM file of CAs that connectors trust as well.")
    ] = None,
    quota: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=AMOUNT", help="An entry of the ResourceQuota."),
    ] = None,
    kube_context: Annotated[
        str | None, typer.Option("--context", metavar="NAME", help="kubectl's context. [current]")
    ] = None,
) -> None:
    """Make namespace, limits, network policies, Secrets and store users; repeatable."""
    from chartly_cli.commands.project import ProjectOptions
    from chartly_cli.commands.project import create as command

    options = ProjectOptions(
        namespace=namespace,
        chart=chart,
        store_url=store_url,
        via=store_via,
        admin_user=store_admin_user,
        admin_password_file=store_admin_password_file,
        admin_password_env=store_admin_password_env,
        store_cacert=store_cacert,
        store_cidrs=tuple(store_cidr or ()),
        grants=tuple(grant_cidr or ()),
        cacert=cacert,
        quota=tuple(quota or ()),
        context=kube_context,
        rotate=rotate,
        apply=apply,
    )
    command(context.obj, project, options)


@audit_app.command("verify")
@on_a_store
def audit_verify(context: typer.Context) -> None:
    """Check every chain of the project: edits, cuts, inserts, reorders, restamps."""
    from chartly_cli.commands.audit import verify as command

    command(context.obj)


@audit_app.command("show")
@on_a_store
def audit_show(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(help="A run; without, the latest.")] = None,
) -> None:
    """Print the audit events of a run."""
    from chartly_cli.commands.audit import show as command

    command(context.obj, run)
