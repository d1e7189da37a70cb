"""The state of hubs as text for operators."""

from datetime import UTC, datetime

from feeds.websub.outbox import HubState


def described(state: HubState) -> str:
    """Return the state of a hub in one line."""
    parts = [f"{state.pending} pending", f"last success {_moment(state.last_success)}"]
    if state.failures:
        parts.append(f"{state.failures} failed since, the last: {state.last_error}")
    if state.next_try is not None:
        parts.append(f"next try {_moment(state.next_try)}")
    return f"{state.hub}: {', '.join(parts)}"


def _moment(seconds: float | None) -> str:
    return "never" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%FT%TZ}"
