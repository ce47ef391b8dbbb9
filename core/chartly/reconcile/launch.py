"""From an admitted run to its attempts: freeze, record the intent, then create the Job."""

from datetime import datetime, timedelta

from chartly.api.reference import parse_project
from chartly.errors import Reason
from chartly.manifests.attempt_plan import AttemptPlan, Installation
from chartly.manifests.job import job
from chartly.manifests.snapshot_config import config_map
from chartly.names import config_name, job_name, stored_run_id
from chartly.plan.digest import run_digest
from chartly.reconcile.actions import Action, Create, Post, TakeTurn
from chartly.reconcile.admission import Admitted, resolution_of, takes_turns
from chartly.reconcile.objects import (
    EPOCH,
    generation_of,
    key_of,
    name_of,
    parse_timestamp,
    precise_timestamp,
    timestamp,
    uid_of,
)
from chartly.reconcile.obstacle import Obstacle
from chartly.reconcile.run_course import RunCourse, progress_actions
from chartly.reconcile.turn import next_epoch
from chartly.reconcile.world import RunWorld, Settings


def launch(
    world: RunWorld, course: RunCourse, admitted: Admitted, settings: Settings, now: datetime
) -> tuple[Action, ...]:
    """Takes the turn, freezes the inputs, records the intent; and only then creates the Job."""
    snapshot = admitted.resolved.snapshot
    turn = _turn(world, admitted, now)
    begun = next_attempt(_frozen(course, admitted, turn, now), now)
    message = running_message(begun)
    return (
        *((turn,) if turn else ()),
        *(() if world.frozen else (Create(config_map(snapshot, _namespace(world))),)),
        *progress_actions(begun, Reason.RUNNING, message, now),
        create_job(world, begun, settings, now),
        Post(world.run, "Normal", Reason.RUNNING.value, message),
    )


def _turn(world: RunWorld, admitted: Admitted, now: datetime) -> TakeTurn | None:
    workflow = admitted.workflow
    if not takes_turns(workflow):
        return None
    run = name_of(world.run), uid_of(world.run)
    return TakeTurn(key_of(workflow), uid_of(workflow), run, next_epoch(workflow, now))


def restored_inputs(world: RunWorld, course: RunCourse) -> tuple[Create, ...]:
    """Creates the frozen inputs again if they were deleted and still resolve to the same."""
    if world.frozen:
        return ()
    resolved = resolution_of(world)
    if isinstance(resolved, Obstacle):
        return ()
    same = resolved.snapshot.digest == course.fields["config"]["digest"]
    return (Create(config_map(resolved.snapshot, _namespace(world))),) if same else ()


def next_attempt(course: RunCourse, now: datetime) -> RunCourse:
    """The course with one more attempt, which has not started."""
    number = len(course.attempts) + 1
    name = job_name(name_of(course.run), number)
    attempt = {"number": number, "job": name, "start": timestamp(now)}
    return course.with_fields(attempts=[*course.attempts, attempt])


def running_message(course: RunCourse) -> str:
    """The message of a running attempt."""
    last = course.attempts[-1]
    return f"attempt {last['number']} runs as Job {last['job']}"


def create_job(world: RunWorld, course: RunCourse, settings: Settings, now: datetime) -> Create:
    """Creates the Job of the latest attempt; repeating it creates no second one (INV-1)."""
    left = deadline(world, course, settings) - now
    plan = _attempt_plan(world, course, max(1, int(left.total_seconds())))
    return Create(job(plan, _installation(settings)), owner=plan.run_uid)


def _attempt_plan(world: RunWorld, course: RunCourse, seconds: int) -> AttemptPlan:
    fields, run = course.fields, world.run
    window = run["spec"].get("window")
    secret = fields["config"].get("secret")
    return AttemptPlan(
        run=name_of(run),
        run_uid=uid_of(run),
        run_id=fields["runId"],
        namespace=_namespace(world),
        project=parse_project(fields["project"]),
        workflow=fields["workflow"]["name"],
        workflow_version=fields["workflow"]["version"],
        attempt=course.attempts[-1]["number"],
        config_digest=fields["config"]["digest"],
        run_digest=fields["runDigest"],
        frozen_at=fields["frozenAt"],
        secret=_pair(secret) if secret else None,
        deadline=seconds,
        window=(window["start"], window["end"]) if window else None,
        runtime=world.policy.runtime,
        epoch=fields.get(EPOCH),
    )


def deadline(world: RunWorld, course: RunCourse, settings: Settings) -> datetime:
    """When the run, with all its attempts, must have ended."""
    seconds = world.policy.deadlines.run or settings.run_deadline
    return parse_timestamp(course.fields["frozenAt"]) + timedelta(seconds=seconds)


def _frozen(
    course: RunCourse, admitted: Admitted, turn: TakeTurn | None, now: datetime
) -> RunCourse:
    """The course of a run whose inputs are fixed."""
    spec, workflow, resolved = admitted.spec, admitted.workflow, admitted.resolved
    run, digest = course.run, resolved.snapshot.digest
    window = (spec.window.start, spec.window.end) if spec.window else None
    secret = resolved.secret
    config = {"name": config_name(digest), "digest": digest}
    return course.with_fields(
        project=str(resolved.project),
        runId=stored_run_id(name_of(run), uid_of(run)),
        frozenAt=precise_timestamp(now),
        config=config | ({"secret": f"{secret.name}/{secret.key}"} if secret else {}),
        runDigest=run_digest(digest, spec.parameters, window),
        workflow={
            "name": name_of(workflow),
            "version": str(workflow["spec"]["version"]),
            "generation": generation_of(workflow),
        },
        resolvedProfiles=list(resolved.pins),
        **({EPOCH: turn.epoch} if turn else {}),
    )


def _installation(settings: Settings) -> Installation:
    return Installation(
        connector_image=settings.connector_image,
        loader_image=settings.loader_image,
        image_pull_policy=settings.image_pull_policy,
        grantable_cidrs=settings.grantable_cidrs,
        connector_resources=settings.connector_resources,
        loader_resources=settings.loader_resources,
        spool_bytes=settings.spool_bytes,
    )


def _namespace(world: RunWorld) -> str:
    return key_of(world.run).namespace


def _pair(secret: str) -> tuple[str, str]:
    name, _, key = secret.partition("/")
    return name, key
