"""`/api/v1/repository/…` and what finds repositories.

A repository's name has slashes in it, so every path here takes what other paths leave over: `listing`, whose paths end
with the name, is the last of all resources.
"""
