"""`/api/v1/user/…` and `/api/v1/users/…`: the own account, what signs in as it, and what others may know of it.

One file a path; what belongs to the own namespace as it does to an organization (robots, logs) is with its kind.
"""
