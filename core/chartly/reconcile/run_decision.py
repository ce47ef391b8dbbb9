"""A WorkflowRun: frozen, launched, watched, tried again, and ended once (INV-1, INV-2).

The rules, in the order in which they are asked:

1. A run that is being deleted, or has an outcome, starts nothing.
2. Somebody's wish to cancel goes before everything else.
3. Without an attempt it waits until it may start, at most until the pending deadline.
4. An attempt that ended is followed by another one in its time, or by the outcome.
5. An attempt without a Job gets one, unless its Job was seen before: then it is lost.
"""

from datetime import datetime, timedelta

from chartly.errors import Reason
from chartly.reconcile.actions import Action, Decision, Key, Object, Post, Remove, SetTtl
from chartly.reconcile.admission import admitted
from chartly.reconcile.attempt_end import (
    BEING_STARTED,
    AttemptEnd,
    end_of,
    is_at_rest,
    overruled,
    parting,
    patience,
    waits_for,
    word_of,
)
from chartly.reconcile.conditions import status_change
from chartly.reconcile.launch import (
    create_job,
    deadline,
    frozen_again,
    launch,
    next_attempt,
    started,
)
from chartly.reconcile.objects import (
    generation_of,
    is_going,
    key_of,
    moment,
    name_of,
    owned_by,
    status_of,
    uid_of,
)
from chartly.reconcile.obstacle import Obstacle
from chartly.reconcile.retries import Budget, wait_before_next
from chartly.reconcile.run_course import (
    RunCourse,
    course_of,
    ended_attempt,
    finished,
    is_finished,
    is_told,
    under_way,
)
from chartly.reconcile.world import RunWorld, Settings


def decide_run(world: RunWorld, settings: Settings, now: datetime) -> Decision:
    """What to do about a WorkflowRun."""
    if is_going(world.run):
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
    """Starts the run, or tells what it waits for."""
    ready = admitted(world, now)
    if isinstance(ready, Obstacle):
        return _held_up(world, course, ready, settings, now)
    return Decision(launch(world, course, ready, settings, now))


def _held_up(
    world: RunWorld, course: RunCourse, obstacle: Obstacle, settings: Settings, now: datetime
) -> Decision:
    reason, message = obstacle.reason, obstacle.message
    if not obstacle.waits:
        return Decision(finished(course, AttemptEnd(reason, message), now))
    asked = moment(world.run["metadata"]["creationTimestamp"])
    left = _pending_deadline(world, asked, settings) - now
    if not obstacle.patient and left <= timedelta():
        late = f"the run could not start in time: {message}"
        return Decision(finished(course, AttemptEnd(reason, late), now))
    said = under_way(course, reason, message, now)
    if not is_told(world.run, reason) and reason is not Reason.CHECKING:
        said += (Post(world.run, "Normal", reason.value, message),)
    return Decision(said, obstacle.again if obstacle.patient else left.total_seconds())


def _between(world: RunWorld, course: RunCourse, settings: Settings, now: datetime) -> Decision:
    """After an attempt that failed: the next one, when its time has come."""
    due = status_of(world.run).get("nextRetryTime")
    left = (moment(due) - now).total_seconds() if due else 0.0
    if left > 0:
        return Decision(_jobs_at_rest(world, settings), left)
    begun = next_attempt(course, now)
    return Decision(
        (
            *frozen_again(world, course),
            *under_way(begun, Reason.RUNNING, started(begun), now),
            create_job(world, begun, settings, now),
        )
    )


def _watched(world: RunWorld, course: RunCourse, settings: Settings, now: datetime) -> Decision:
    """While an attempt is under way."""
    last = course.attempts[-1]
    found = next((one for one in world.jobs if name_of(one) == last["job"]), None)
    if found is None or (is_going(found) and "uid" not in last):
        if "uid" not in last:
            again = (*frozen_again(world, course), create_job(world, course, settings, now))
            return Decision(again if found is None else (), None if found is None else 1.0)
        return _lost(world, course, settings, now)
    if "uid" not in last:
        course = course.with_attempt(uid=uid_of(found))
    elif last["uid"] != uid_of(found):
        return _lost(world, course, settings, now)
    pods = _pods_of(world, found)
    end = end_of(found, pods, now)
    if end is not None:
        return _attempt_over(world, course, end, settings, now)
    if is_going(found):
        return _lost(world, course, settings, now)
    return _going_on(world, course, found, settings, now)


def _going_on(
    world: RunWorld, course: RunCourse, job: Object, settings: Settings, now: datetime
) -> Decision:
    pods = _pods_of(world, job)
    why = waits_for(pods[0] if pods else None)
    begun = moment(course.attempts[-1]["start"])
    until = deadline(world, course, settings)
    if why is not None:
        until = min(until, _pending_deadline(world, begun, settings))
    left = (until - now).total_seconds()
    if why is not None and left <= 0:
        message = f"the Pod did not start in time: {why}"
        return _ended(world, course, AttemptEnd(Reason.DEADLINE_EXCEEDED, message), now)
    # Being started is a matter of moments; only what lasts is told.
    stuck = why not in (None, BEING_STARTED)
    reason, message = (Reason.PENDING, why or "") if stuck else (Reason.RUNNING, started(course))
    said = under_way(course, reason, message, now)
    farewell = patience(pods[0], now) if pods else None
    waits = [one for one in (left, farewell, parting(job, now)) if one is not None]
    return Decision((*frozen_again(world, course), *said), max(1.0, min(waits)))


def _lost(world: RunWorld, course: RunCourse, settings: Settings, now: datetime) -> Decision:
    last = course.attempts[-1]
    end = AttemptEnd(Reason.JOB_LOST, f"Job {last['job']} was deleted before it ended")
    word = word_of(owned_by(world.pods, last["uid"]))
    return _attempt_over(world, course, overruled(end, word), settings, now)


def _cancelled(world: RunWorld, course: RunCourse, settings: Settings, now: datetime) -> Decision:
    """Ends a run that shall stop, unless its loader has finished."""
    job = _latest_job(world, course)
    word = None if job is None else word_of(_pods_of(world, job))
    end = overruled(AttemptEnd(Reason.CANCELLED, "the run was cancelled"), word)
    if end.reason is not Reason.CANCELLED:
        return _watched(world, course, settings, now)
    return _ended(world, course, end, now)


def _attempt_over(
    world: RunWorld, course: RunCourse, end: AttemptEnd, settings: Settings, now: datetime
) -> Decision:
    """After an attempt: the outcome, or when the next one comes."""
    if end.reason is Reason.SUCCEEDED and end.said.get("audited") is False:
        end = AttemptEnd(Reason.EVIDENCE_MISSING, "", end.exit_code, end.said)
    ended = ended_attempt(course, end, now)
    budget = Budget(world.policy.retry, settings.free_attempts)
    wait = wait_before_next(ended.attempts, budget, uid_of(world.run))
    in_time = wait is not None and now + timedelta(seconds=wait) < deadline(world, course, settings)
    rest = _at_rest(world, course.attempts[-1]["job"], settings)
    if wait is None or not in_time:
        return Decision((*finished(ended, end, now), *rest))
    due = now + timedelta(seconds=wait)
    number = course.attempts[-1]["number"]
    message = f"attempt {number} ended with {end.reason.value}: {end.message}"
    return Decision(
        (
            *under_way(ended, Reason.RETRYING, message, now, due),
            Post(world.run, "Warning", end.reason.value, message),
            *(one for one in rest if isinstance(one, Remove)),
        ),
        wait,
    )


def _ended(world: RunWorld, course: RunCourse, end: AttemptEnd, now: datetime) -> Decision:
    """Ends a run whose attempt may still be going on: the outcome first, then its Job goes."""
    ended = course
    if course.attempts and "end" not in course.attempts[-1]:
        job = _latest_job(world, course)
        seen = course if job is None else course.with_attempt(uid=uid_of(job))
        ended = ended_attempt(seen, end, now)
    return Decision((*finished(ended, end, now), *(_remove(one) for one in world.jobs)))


def _cleared(world: RunWorld, settings: Settings) -> tuple[Action, ...]:
    """What is left to do about a finished run: its Jobs end, and go in their time."""
    observed = status_of(world.run).get("observedGeneration")
    seen = _seen(world.run) if observed != generation_of(world.run) else ()
    return (*seen, *_jobs_at_rest(world, settings))


def _seen(run: Object) -> tuple[Action, ...]:
    """Tells that a change of a finished run was seen; nothing else of it changes (INV-2)."""
    status = {**status_of(run), "observedGeneration": generation_of(run)}
    change = status_change(run, status)
    return () if change is None else (change,)


def _jobs_at_rest(world: RunWorld, settings: Settings) -> tuple[Action, ...]:
    return tuple(action for one in world.jobs for action in _at_rest(world, name_of(one), settings))


def _at_rest(world: RunWorld, job: str, settings: Settings) -> tuple[Action, ...]:
    """Lets a Job go, now that its attempt's end is recorded; what still runs of it ends at once."""
    found = [one for one in world.jobs if name_of(one) == job and not is_going(one)]
    return tuple(
        SetTtl(key_of(one), uid_of(one), settings.job_ttl)
        if is_at_rest(one, _pods_of(world, one))
        else _remove(one)
        for one in found
        if "ttlSecondsAfterFinished" not in one.get("spec", {})
        or not is_at_rest(one, _pods_of(world, one))
    )


def _latest_job(world: RunWorld, course: RunCourse) -> Object | None:
    """The Job of the latest attempt, as far as it is that attempt's own."""
    last = course.attempts[-1] if course.attempts else {}
    return next(
        (
            one
            for one in world.jobs
            if name_of(one) == last.get("job") and last.get("uid", uid_of(one)) == uid_of(one)
        ),
        None,
    )


def _pods_of(world: RunWorld, job: Object) -> list[Object]:
    return owned_by(world.pods, uid_of(job))


def _remove(job: Object) -> Remove:
    return Remove(Key("Job", key_of(job).namespace, name_of(job)), uid_of(job))


def _pending_deadline(world: RunWorld, since: datetime, settings: Settings) -> datetime:
    seconds = world.policy.deadlines.pending or settings.pending_deadline
    return since + timedelta(seconds=seconds)
