"""`/api/v1/superuser/…`: administering every user and every organization of the registry.

For superusers only, whose password was given lately where a browser calls.
"""
