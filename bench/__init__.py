"""Measures Wharf beside other registries on the same machine: `make bench`, or `python -m bench --help`.

Owns the load generator, the start and end of every server it measures, the seeding of large databases, and the report
(docs/benchmarks.md). Refuses to measure anything that is not on 127.0.0.1. What counts is the server's own CPU per
operation, the figure that survives a noisy machine.
"""
