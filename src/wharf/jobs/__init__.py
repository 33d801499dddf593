"""Durable work: rows in the same database, written in the transaction of the fact that causes them.

Owns the queue, the workers and the schedules. Promises that every job runs at least once and, while its worker lives,
by that worker alone; handlers must bear a second run. Refuses to know what any job does: rooms above declare payloads
(`Job`) and handlers, and the composition root hands the handlers to a `Worker`.
"""
