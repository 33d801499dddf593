"""Other systems that get a copy of the trail: one module a kind, listed in `registry.py`.

A backend only takes entries; what waits for it, and how long, is `wharf.audit.spool`'s business.
"""
