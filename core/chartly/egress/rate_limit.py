"""The limit of requests per minute, kept in every interval of 60 seconds."""

from collections import deque

_WINDOW = 60.0


class RateWindow:
    """A sliding window over the times of sent requests, in seconds of any clock."""

    def __init__(self, per_minute: int) -> None:
        self._times: deque[float] = deque(maxlen=per_minute)
        self._limit = per_minute

    def delay(self, now: float) -> float:
        """Seconds until a request may be sent."""
        if len(self._times) < self._limit:
            return 0.0
        return max(0.0, self._times[0] + _WINDOW - now)

    def note(self, now: float) -> None:
        """Records the time of a sent request."""
        self._times.append(now)
