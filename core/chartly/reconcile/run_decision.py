"""Decides on a WorkflowRun: freeze, launch, watch, retry, and end it once (INV-1, INV-2).

The rules, in the order in which they apply:

1. A run that is being deleted, or has an outcome, starts nothing.
2. A cancellation goes before everything else.
3. Without an attempt it waits until it may start, at most until the pending deadline.
4. An attempt that ended is followed by another one after its backoff, or by the outcome.
5. An attempt without a Job gets one, unless its Job was observed before: then it is lost.
"""

from datetime import datetime, timedelta

from chartly.errors import Reason
from chartly.reconcile.actions import Action, Decision, Object, Post, Remove
from chartly.reconcile.admission import admitted
from chartly.reconcile.attempt_end import (
    STARTING,
    AttemptEnd,
    connector_grace,
    end_of,
    imposed_end,
    loader_end,
    pending_cause,
    termination_grace,
)
from chartly.reconcile.conditions import status_change
from chartly.reconcile.job_cleanup import (
    all_jobs_released,
    job_deleted,
    job_released,
    pods_of,
)
from chartly.reconcile.launch import (
    create_job,
    deadline,
    launch,
    next_attempt,
    restored_inputs,
    running_message,
)
from chartly.reconcile.objects import (
    generation_of,
    is_being_deleted,
    name_of,
    owned_by,
    parse_timestamp,
    status_of,
    uid_of,
)
from chartly.reconcile.obstacle import Obstacle
from chartly.reconcile.retries import Budget, wait_before_next
from chartly.reconcile.run_course import (
    RunCourse,
    course_of,
    ended_attempt,
    has_reason,
    is_finished,
    outcome_actions,
    progress_actions,
)
from chartly.reconcile.world import RunWorld, Settings


def decide_run(world: RunWorld, settings: Settings, now: datetime) -> Decision:
    """What to do about a WorkflowRun."""
    if is_being_deleted(world.run):
        return Decision()
    if is_finished(world.run):
        return Decision(_cleared(world, settings))
    course = course_of(world.run)
    if (world.run["spec"].get("control") or {}).get("cancel"):
        return _cancelled(world, course, settings, now)
    if not course.attempts:
        return _waiting(world, course, settings, now)
    if "end" in course.attempts[-1]:
        return _between(world, course, settings, now)
    return _watched(world, course, settings, now)


def _waiting(world: RunWorld, course: RunCourse, settings: Settings, now: datetime) -> Decision:
    """Starts the run, or reports what it waits for."""
    admission = admitted(world, now)
    if isinstance(admission, Obstacle):
        return _obstructed(world, course, admission, settings, now)
    return Decision(launch(world, course, admission, settings, now))


def _obstructed(
    world: RunWorld, course: RunCourse, obstacle: Obstacle, settings: Settings, now: datetime
) -> Decision:
    reason, message = obstacle.reason, obstacle.message
    if not obstacle.waits:
        return Decision(outcome_actions(course, AttemptEnd(reason, message), now))
    created = parse_timestamp(world.run["metadata"]["creationTimestamp"])
    left = _pending_deadline(world, created, settings) - now
    if not obstacle.patient and left <= timedelta():
        late = f"the run could not start in time: {message}"
        return Decision(outcome_actions(course, AttemptEnd(reason, late), now))
    actions = progress_actions(course, reason, message, now)
    if not has_reason(world.run, reason) and reason is not Reason.CHECKING:
        actions += (Post(world.run, "Normal", reason.value, message),)
    return Decision(actions, obstacle.again if obstacle.patient else left.total_seconds())


def _between(world: RunWorld, course: RunCourse, settings: Settings, now: datetime) -> Decision:
    """After an attempt that failed: starts the next one when its backoff is over."""
    due = status_of(world.run).get("nextRetryTime")
    left = (parse_timestamp(due) - now).total_seconds() if due else 0.0
    if left > 0:
        return Decision(all_jobs_released(world, settings), left)
    begun = next_attempt(course, now)
    return Decision(
        (
            *restored_inputs(world, course),
            *progress_actions(begun, Reason.RUNNING, running_message(begun), now),
            create_job(world, begun, settings, now),
        )
    )


def _watched(world: RunWorld, course: RunCourse, settings: Settings, now: datetime) -> Decision:
    """While an attempt has not ended: creates its Job, or judges it by its Job and Pods."""
    last = course.attempts[-1]
    job = next((job for job in world.jobs if name_of(job) == last["job"]), None)
    if "uid" not in last and (job is None or is_being_deleted(job)):
        return _job_missing(world, course, settings, now, wait=job is not None)
    if job is None or last.get("uid", uid_of(job)) != uid_of(job):
        return _lost(world, course, settings, now)
    course = course.with_attempt(uid=uid_of(job))
    end = end_of(job, pods_of(world, job), now)
    if end is not None:
        return _attempt_over(world, course, end, settings, now)
    if is_being_deleted(job):
        return _lost(world, course, settings, now)
    return _running(world, course, job, settings, now)


def _job_missing(
    world: RunWorld, course: RunCourse, settings: Settings, now: datetime, *, wait: bool
) -> Decision:
    """Creates the Job of an attempt that has none, once an older one of that name is deleted."""
    if wait:
        return Decision((), 1.0)
    inputs = restored_inputs(world, course)
    return Decision((*inputs, create_job(world, course, settings, now)))


def _running(
    world: RunWorld, course: RunCourse, job: Object, settings: Settings, now: datetime
) -> Decision:
    pods = pods_of(world, job)
    why = pending_cause(pods[0] if pods else None)
    begun = parse_timestamp(course.attempts[-1]["start"])
    until = deadline(world, course, settings)
    if why is not None:
        until = min(until, _pending_deadline(world, begun, settings))
    left = (until - now).total_seconds()
    if why is not None and left <= 0:
        message = f"the Pod did not start in time: {why}"
        return _ended(world, course, AttemptEnd(Reason.DEADLINE_EXCEEDED, message), now)
    # Starting takes moments; only what lasts is reported.
    stuck = why not in (None, STARTING)
    state = (Reason.PENDING, why or "") if stuck else (Reason.RUNNING, running_message(course))
    writes = progress_actions(course, *state, now)
    grace = connector_grace(pods[0], now) if pods else None
    waits = [wait for wait in (left, grace, termination_grace(job, now)) if wait is not None]
    return Decision((*restored_inputs(world, course), *writes), max(1.0, min(waits)))


def _lost(world: RunWorld, course: RunCourse, settings: Settings, now: datetime) -> Decision:
    last = course.attempts[-1]
    end = AttemptEnd(Reason.JOB_LOST, f"Job {last['job']} was deleted before it ended")
    own = loader_end(owned_by(world.pods, last["uid"]))
    return _attempt_over(world, course, imposed_end(end, own), settings, now)


def _cancelled(world: RunWorld, course: RunCourse, settings: Settings, now: datetime) -> Decision:
    """Ends a run that was cancelled, unless its loader has finished."""
    job = _latest_job(world, course)
    own = None if job is None else loader_end(pods_of(world, job))
    end = imposed_end(AttemptEnd(Reason.CANCELLED, "the run was cancelled"), own)
    if end.reason is not Reason.CANCELLED:
        return _watched(world, course, settings, now)
    return _ended(world, course, end, now)


def _attempt_over(
    world: RunWorld, course: RunCourse, end: AttemptEnd, settings: Settings, now: datetime
) -> Decision:
    """After an attempt: records the outcome, or when the next attempt starts."""
    if end.reason is Reason.SUCCEEDED and end.report.get("audited") is False:
        end = AttemptEnd(Reason.EVIDENCE_MISSING, "", end.exit_code, end.report)
    ended = ended_attempt(course, end, now)
    budget = Budget(world.policy.retry, settings.free_attempts)
    wait = wait_before_next(ended.attempts, budget, uid_of(world.run))
    released = job_released(world, course.attempts[-1]["job"], settings)
    if wait is None or now + timedelta(seconds=wait) >= deadline(world, course, settings):
        return Decision((*outcome_actions(ended, end, now), *released))
    deletions = tuple(action for action in released if isinstance(action, Remove))
    return Decision((*_retry_actions(ended, end, wait, now), *deletions), wait)


def _retry_actions(
    ended: RunCourse, end: AttemptEnd, wait: float, now: datetime
) -> tuple[Action, ...]:
    number = ended.attempts[-1]["number"]
    message = f"attempt {number} ended with {end.reason.value}: {end.message}"
    due = now + timedelta(seconds=wait)
    return (
        *progress_actions(ended, Reason.RETRYING, message, now, due),
        Post(ended.run, "Warning", end.reason.value, message),
    )


def _ended(world: RunWorld, course: RunCourse, end: AttemptEnd, now: datetime) -> Decision:
    """Ends a run whose attempt may still run: records the outcome first, then deletes its Jobs."""
    ended = course
    if course.attempts and "end" not in course.attempts[-1]:
        job = _latest_job(world, course)
        seen = course if job is None else course.with_attempt(uid=uid_of(job))
        ended = ended_attempt(seen, end, now)
    return Decision((*outcome_actions(ended, end, now), *map(job_deleted, world.jobs)))


def _cleared(world: RunWorld, settings: Settings) -> tuple[Action, ...]:
    """Releases the Jobs of a finished run, and records that a later change of it was observed."""
    observed = status_of(world.run).get("observedGeneration")
    write = _observed(world.run) if observed != generation_of(world.run) else ()
    return (*write, *all_jobs_released(world, settings))


def _observed(run: Object) -> tuple[Action, ...]:
    """Records the observed generation of a finished run; nothing else of it changes (INV-2)."""
    status = {**status_of(run), "observedGeneration": generation_of(run)}
    change = status_change(run, status)
    return () if change is None else (change,)


def _latest_job(world: RunWorld, course: RunCourse) -> Object | None:
    """The Job of the latest attempt; one of that name with another uid is not that attempt's."""
    last = course.attempts[-1] if course.attempts else {}
    named = (job for job in world.jobs if name_of(job) == last.get("job"))
    return next((job for job in named if last.get("uid", uid_of(job)) == uid_of(job)), None)


def _pending_deadline(world: RunWorld, since: datetime, settings: Settings) -> datetime:
    seconds = world.policy.deadlines.pending or settings.pending_deadline
    return since + timedelta(seconds=seconds)
