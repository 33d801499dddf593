"""The command line: `wharf serve`, and what operators do from a shell.

Owns words and exit statuses. Refuses to decide anything: each command opens what it needs with `app` and calls one verb
of a room below. 0: done; 1: could not be done, with the reason on standard error; 2: the question was wrong.
"""
