"""The audit trail: who did what, when, from where and on whose behalf.

It owns the entries, how they are found, kept and passed on to other systems. It refuses to know what an entry means for
whoever reads it: names of Quay's are put on in `api`. `app` makes it the recorder of every event, so what changes
something is written in the transaction of the change; what changes nothing (pulls, denials, sign-ins) the surfaces note
in a `Trail`, which writes in batches.
"""
