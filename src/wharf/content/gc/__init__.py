"""Garbage collection: continuous, in small transactions, beside pushes and pulls.

    tag ended, window over ─▶ manifests nothing leads to any more go ─▶ their blobs get a lease
    lease over ─▶ the repository's link goes ─▶ no link left: the blob is doomed
    grace over ─▶ the blob's row goes, its object becomes a `garbage` row ─▶ the object goes, then the garbage row

Every step looks again under a lock, may be interrupted anywhere and is repeated harmlessly.
"""
