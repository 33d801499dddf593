"""The composition root: here the rooms meet.

Owns which parts a running Wharf is made of (`build.py`), which request goes to which surface (`asgi.py`), what an event
causes (`subscriptions.py`), and starting, draining and stopping a process (`server.py`). Refuses to hold rules of its
own: a decision about a repository, a blob or an account belongs to a room below. Called by `cli`, or by any ASGI
server through `wharf.app.lifespan:application`.
"""
