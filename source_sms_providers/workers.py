from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any


class WorkersOfEach(Executor):
    """The threads of a read: as many for each provider, so that none waits for another's turn, pause or outage.

    In the CDK's one pool a stream hands in all of its days at once, and all threads may wait for their provider.
    """

    def __init__(self, workers: int, provider_of: Mapping[str, Hashable]) -> None:
        """`provider_of`: the name of each stream -> its provider."""
        self._provider_of = provider_of
        self._pools = {provider: ThreadPoolExecutor(workers) for provider in set(provider_of.values())}

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Takes the CDK's two tasks: to make the days of a stream, or to read one of them."""
        about = args[0]
        stream = about.name if hasattr(about, "name") else about.stream_name()
        return self._pools[self._provider_of[stream]].submit(function, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)
