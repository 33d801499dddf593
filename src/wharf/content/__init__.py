"""The registry itself: repositories, uploads, blobs, manifests, tags, referrers and their garbage collection.

Owns what is stored and whether it may be reached: `repositories.access` is the only door to a repository. Refuses to
know HTTP; verbs take typed values and raise facts from `errors`. Called by the surfaces and by its own jobs.
"""
