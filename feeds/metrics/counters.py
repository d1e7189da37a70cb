"""The counters of one process since its start, in memory."""

from collections import defaultdict, deque

#: The names of the counters in Prometheus.
REQUESTS = "tributary_requests_total"
PASSED_ON = "tributary_requests_passed_on_total"
LOOKUPS = "tributary_cache_lookups_total"
RENDERING = "tributary_render_seconds"

#: The upper bounds of the histogram of rendering times, in seconds.
BOUNDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

#: A name and the values of its labels.
Key = tuple[str | int | float, ...]


#: A poll: the path, the User-Agent and the client address, path and address as in WSGI.
PollRecord = tuple[str, str, str]

#: The most polls in the queue; if more arrive within a second, the oldest are lost.
WAITING = 20_000


class Counters:
    """Counters by key, to which any thread may add without a lock.

    ``numbers[key] += amount`` calls no Python function, and CPython lets no other thread run
    between its steps.
    """

    def __init__(self) -> None:
        """Start with no counts."""
        self.numbers: defaultdict[Key, float] = defaultdict(int)
        self.polls: deque[PollRecord] = deque(maxlen=WAITING)

    def rendered(self, seconds: float) -> None:
        """Count one rendering and the time that it took."""
        bound = next((bound for bound in BOUNDS if seconds <= bound), "+Inf")
        self.numbers[RENDERING, bound] += 1
        self.numbers[RENDERING, "sum"] += seconds

    def looked_up(self, is_hit: bool) -> None:
        """Count one look-up in the cache behind the memory."""
        self.numbers[LOOKUPS, "hit" if is_hit else "miss"] += 1
