import asyncio

from wharf.app.deferred import Deferred
from wharf.app.refusals import Message, Receive, Scope, Send, Surface


async def test_a_surface_is_loaded_once_by_whoever_comes_first() -> None:
    loads: list[int] = []
    answered: list[Scope] = []

    async def surface(scope: Scope, _receive: Receive, _send: Send) -> None:
        answered.append(scope)

    def load() -> Surface:
        loads.append(1)
        return surface

    async def receive() -> Message:
        return {}

    async def send(_message: Message) -> None:
        return

    deferred = Deferred(load)
    assert not loads
    await asyncio.gather(*(deferred({"number": number}, receive, send) for number in range(10)))
    assert [1] == loads
    assert 10 == len(answered)
