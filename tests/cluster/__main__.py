"""The rig's command line: ``PYTHONPATH=tests python -m cluster <command>``."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster.build import CLUSTER, PROGRAMS, ensure_built, unbuilt
from cluster.claims import OURS
from cluster.image_builds import PARTS, TAG, image_name, project_image
from cluster.layout import BIN
from cluster.lifecycle import start, stop
from cluster.machine import obstacle
from cluster.options import Form, Options
from cluster.processes import first_process
from cluster.rig import Rig


def build(asked: argparse.Namespace) -> None:
    """Build the rig's programs: minutes the first time, nothing after."""
    if unbuilt() and (reason := obstacle(Form.KUBELET)):
        print(f"rig: not built: {reason}", file=sys.stderr)
        return
    ensure_built(*(asked.programs or PROGRAMS))


def up(asked: argparse.Namespace) -> None:
    """Start a rig and wait until it is ready."""
    begin = time.monotonic()
    if reason := obstacle(_options(asked).form):
        raise SystemExit(f"no cluster: {reason}")
    if Rig.found(asked.index):
        raise SystemExit(f"rig {asked.index} runs already; see `status`, or end it with `down`")
    started = start(_options(asked), [asked.index], owned=False)
    started.leave()
    print(f"ready after {time.monotonic() - begin:.1f} s", file=sys.stderr)
    env(asked)


def down(asked: argparse.Namespace) -> None:
    """End a rig; its images are kept for the next."""
    print("ended" if stop(asked.index) else "there was none")


def status(asked: argparse.Namespace) -> None:
    """Print the parts that run, with their process ids on this host."""
    rig = _rig(asked)
    names = sorted(path.stem for path in rig.layout.logs.glob("*.log"))
    for name in names:
        if (process := rig.process(name)) is not None:
            print(f"{process:>8}  {name}")
    print(rig.kubectl("get", "nodes", "--no-headers", "-o", "wide").strip() or "no nodes")


def env(asked: argparse.Namespace) -> None:
    """Print what a shell sets to use kubectl and helm with the rig."""
    print(f"export KUBECONFIG={_rig(asked).kubeconfig}")
    print(f"export PATH={BIN}:$PATH")


def kubeconfig(asked: argparse.Namespace) -> None:
    """Print the path of the administrator's kubeconfig."""
    print(_rig(asked).kubeconfig)


def name(asked: argparse.Namespace) -> None:
    """Let Pods resolve HOST to ADDRESS; without an address they no longer do."""
    _rig(asked).set_name(asked.host, asked.address)


def load_image(asked: argparse.Namespace) -> None:
    """Load what `docker save` or `podman save` wrote into the node."""
    _rig(asked).load(Path(asked.archive))


def images(asked: argparse.Namespace) -> None:
    """Build the project's images and load them into the node."""
    rig = _rig(asked)
    for part in asked.parts or PARTS:
        rig.load(project_image(part, asked.tag))
        print(image_name(part, asked.tag), file=sys.stderr)


def enter(asked: argparse.Namespace) -> None:
    """Run a command in the node's namespaces."""
    target = f"--target={first_process(_rig(asked).layout)}"
    kinds = ("--mount", "--net", "--pid", "--uts")
    os.execvp("nsenter", ["nsenter", target, *kinds, *asked.words])  # noqa: S606, S607


def kubectl(asked: argparse.Namespace) -> None:
    """Run kubectl as the administrator."""
    flag = f"--kubeconfig={_rig(asked).kubeconfig}"
    os.execv(CLUSTER, [str(CLUSTER), "kubectl", flag, *asked.words])  # noqa: S606


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command."""
    asked = _parser().parse_args(arguments)
    try:
        asked.function(asked)
    except (RuntimeError, TimeoutError, LookupError, ValueError) as error:
        raise SystemExit(f"error: {error}") from error


def _rig(asked: argparse.Namespace) -> Rig:
    if (rig := Rig.found(asked.index)) is None:
        raise SystemExit(f"rig {asked.index} is not running; start it with `up`")
    return rig


def _options(asked: argparse.Namespace) -> Options:
    form = Form.API if asked.api else Form.FAKE if asked.fake_nodes else Form.KUBELET
    return Options(
        form=form,
        fake_nodes=asked.fake_nodes,
        network_policy=asked.network_policy,
        audit=asked.audit,
        api_qps=asked.api_qps,
        flags=tuple(asked.set),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cluster", description="A Kubernetes cluster for tests.")
    parser.add_argument("--index", type=int, default=OURS, help="number of the rig")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        text = function.__doc__
        sub = commands.add_parser(function.__name__.replace("_", "-"), help=text, description=text)
        sub.set_defaults(function=function)
        return sub

    command(build).add_argument("programs", nargs="*", help=f"of {', '.join(PROGRAMS)}")
    _add_options(command(up))
    for function in (down, status, env, kubeconfig):
        command(function)
    names = command(name)
    names.add_argument("host")
    names.add_argument("address", nargs="?")
    command(load_image).add_argument("archive")
    parts = command(images)
    parts.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}")
    parts.add_argument("--tag", default=TAG)
    for function in (enter, kubectl):
        command(function).add_argument("words", nargs=argparse.REMAINDER)
    return parser


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--api", action="store_true", help="a control plane only")
    add("--fake-nodes", type=int, default=0, metavar="N", help="fake nodes and no kubelet")
    add("--network-policy", action="store_true", help="enforce NetworkPolicies")
    add("--audit", default="", metavar="LEVEL", help="log writes, at level Metadata or Request")
    add("--api-qps", type=int, default=0, metavar="N", help="what the controllers may ask a second")
    add("--set", action="append", default=[], metavar="COMPONENT=FLAG", help="one more flag")


if __name__ == "__main__":
    main()
