"""What a running Wharf tells its operators: log lines and numbers.

Owns the set-up of logging, the request id that every line of a request carries, and the list of metrics. Refuses to
know what is logged or counted: rooms write with `logging.getLogger(__name__)` (a constant message, facts in `extra`)
and count on what `metrics.py` declares. `app` and `cli` call the set-up. No secret may be passed to either.
"""
