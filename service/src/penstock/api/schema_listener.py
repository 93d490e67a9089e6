"""The listener of the service's own schema registry (api/schema_rest.py): beside the API, on a port of its own, with the API's
TLS and principals."""

from __future__ import annotations

import logging

from aiohttp import web

from penstock.api.guard import Guard
from penstock.api.schema_rest import Keeper, application
from penstock.config import ServeConfig

log = logging.getLogger("penstock.api")


class SchemaRest:
    """address: where it listens, "" for nowhere."""

    def __init__(self) -> None:
        self.address = ""
        self._runner: web.AppRunner | None = None

    async def start(self, config: ServeConfig, keeper: Keeper | None, guard: Guard) -> None:
        """Listen, where the registry is the service's own. A port that is taken is no reason not to serve: formats do not need this API,
        and the log says where it is missing."""
        place = config.schema_address
        if place is None or keeper is None:
            return
        self._runner = web.AppRunner(application(keeper, guard.gate), access_log=None)
        await self._runner.setup()
        host, port = place
        try:
            await web.TCPSite(self._runner, host, port, ssl_context=guard.rest.context if guard.rest is not None else None).start()
        except OSError as e:
            log.warning("the schema registry has no REST API: %s:%d: %s", host, port, e.strerror or e)
            await self.stop()
            return
        bound = self._runner.addresses[0]
        self.address = f"{host}:{bound[1]}"
        log.info("the schema registry is on %s://%s", "http" if guard.rest is None else "https", self.address)

    async def stop(self) -> None:
        """Close."""
        runner, self._runner, self.address = self._runner, None, ""
        if runner is not None:
            await runner.cleanup()
