"""What has happened, as values that rooms above may react to.

Owns the catalogue of facts and the table from fact to jobs, which `app/subscriptions.py` fills. Refuses to know who
reacts and how. Called by every room that changes something, inside the transaction of the change.
"""
