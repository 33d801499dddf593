"""The words of the OCI specifications as typed values: digests, names, media types, manifests, ranges, scopes.

Everything here is pure: text or bytes come in, values or one of the errors of `errors.py` come out. This room knows no
HTTP status, no database and no storage, and imports nothing else of Wharf; every other room may use it.
"""
