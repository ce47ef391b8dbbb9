"""``python -m chartly_operator``: exits 0 after SIGTERM, else with one line and another code."""

import asyncio
import logging
import os
import random
import signal
import socket
import sys
import uuid
from collections.abc import Mapping, Sequence

from chartly.errors import REASONS, Reason
from chartly.reconcile.profile_decision import decide_profile
from chartly.reconcile.run_decision import decide_run
from chartly.reconcile.sweep import unused_snapshots
from chartly.reconcile.workflow_decision import decide_workflow
from chartly_kube.connection import CannotConnect, credentials, load_configuration
from chartly_kube.kube_client import KubeClient
from chartly_operator.clock import SystemClock
from chartly_operator.gather import Decide
from chartly_operator.logs import set_up
from chartly_operator.metrics import Metrics
from chartly_operator.operator_process import Dependencies, OperatorProcess
from chartly_operator.settings import OperatorOptions, read_options
from chartly_operator.tasks import Ended

logger = logging.getLogger("chartly_operator")
DECIDERS: Mapping[str, Decide] = {
    "Profile": decide_profile,
    "Workflow": decide_workflow,
    "WorkflowRun": decide_run,
}


async def operate(options: OperatorOptions) -> None:
    """Runs the operator until SIGTERM or SIGINT.

    Raises:
        CannotConnect: no API server can be reached.
        Ended: this process cannot continue.
    """
    stop = asyncio.Event()
    configuration = await load_configuration()
    metrics = Metrics()
    client = KubeClient(configuration, metrics.called)
    dependencies = Dependencies(
        port=client,
        streams=client,
        metrics=metrics,
        credentials=lambda: credentials(configuration),
        deciders=DECIDERS,
        sweep=unused_snapshots,
        clock=SystemClock(),
        chance=random.random,
        signals=lambda: _stop_on_signals(stop),
    )
    try:
        await OperatorProcess(options, dependencies).run(stop)
    finally:
        await client.close()


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


def main(arguments: Sequence[str] | None = None) -> int:
    """The process; returns its exit code."""
    identity = f"{os.environ.get('POD_NAME') or socket.gethostname()}.{uuid.uuid4().hex[:8]}"
    options = read_options(arguments, os.environ, identity)
    set_up(options.log_level)
    try:
        asyncio.run(operate(options))
    except CannotConnect as error:
        logger.critical("%s", error)
        return REASONS[Reason.PREREQUISITE_MISSING].exit_code
    except Ended as error:
        logger.critical("%s", error)
        return REASONS[Reason.UNCLASSIFIED].exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
