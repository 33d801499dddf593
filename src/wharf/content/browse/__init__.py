"""What people look at: lists and overviews for the REST API, which no push or pull waits for.

What lists repositories shows only those that its principal may pull from; the rest takes a `Repository`, whose holder
has been let in by `repositories.access`.
"""
