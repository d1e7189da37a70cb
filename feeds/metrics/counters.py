"""What one process counted since it began: numbers that only grow, in memory."""

from collections import defaultdict, deque

#: Names of what is counted, as Prometheus has them.
REQUESTS = "tributary_requests_total"
PASSED_ON = "tributary_requests_passed_on_total"
LOOKUPS = "tributary_cache_lookups_total"
RENDERING = "tributary_render_seconds"

#: Upper bounds, in seconds, by which times of rendering are told apart.
BOUNDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

#: A name and the values of its labels.
Key = tuple[str | int | float, ...]


#: What a poll was: path and address as WSGI has them, User-Agent.
PollRecord = tuple[str, str, str]

#: Polls that wait to be counted; when more come within a second, the oldest are lost.
WAITING = 20_000


class Counters:
    """Numbers by key. A thread may add to one at any time without a lock.

    ``numbers[key] += amount`` calls no function of Python, and between two of its steps CPython
    lets no other thread run.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.numbers: defaultdict[Key, float] = defaultdict(int)
        self.seen: deque[PollRecord] = deque(maxlen=WAITING)

    def rendered(self, seconds: float) -> None:
        """Count one rendering that took so long."""
        bound = next((bound for bound in BOUNDS if seconds <= bound), "+Inf")
        self.numbers[RENDERING, bound] += 1
        self.numbers[RENDERING, "sum"] += seconds

    def looked_up(self, is_hit: bool) -> None:
        """Count one look into the cache behind the memory."""
        self.numbers[LOOKUPS, "hit" if is_hit else "miss"] += 1
