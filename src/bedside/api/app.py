"""The application: routes, errors, envelope, around one opened site."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp

from bedside import __version__
from bedside.api import analyses, pages, releases, routes, witness
from bedside.api.addresses import Addresses
from bedside.api.direct import Direct
from bedside.api.doorkeeper import Doorkeeper
from bedside.api.envelope import CLIENT_GONE, Envelope, Service
from bedside.api.lane import Lane
from bedside.api.metrics import Metrics
from bedside.api.open_inference import routes as open_inference
from bedside.api.openapi import Document
from bedside.api.problems import Problem, problem_of, respond
from bedside.api.rates import Rates
from bedside.api.remembered import Remembered
from bedside.api.room import BODIES_AT_ONCE, BODIES_OF_ONE, PictureRoom
from bedside.api.unforeseen import unforeseen
from bedside.api.watch import DatabaseWatch
from bedside.errors import BedsideError
from bedside.people.lockout import Lockout
from bedside.site.site import Site

_KINDS = {
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type",
}


_ROUTERS = (
    analyses.router,
    releases.router,
    routes.router,
    open_inference.router,
    pages.router,
)


class Api(FastAPI):
    """A FastAPI application whose envelope lies outside of everything, its last resort included."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the whole stack, the envelope outermost."""
        site: Site = self.state.site
        stack = super().build_middleware_stack()
        lane = Lane(site.serving, self.state.remembered, self.state.rates, self.state.metrics)
        limit = site.settings.limits.concurrent
        envelope = Envelope(stack, limit, self.state.service, self.state.metrics, lane)
        self.state.direct = Direct(lane, envelope)
        return envelope


def create_app(site: Site) -> FastAPI:
    """Return the application that serves `site`.

    The site stays the caller's to close. Its released models are loaded and watched during the
    application's lifespan; without one (in a test) each is loaded when it is first asked.
    """
    app = Api(
        title="Bedside",
        version=__version__,
        lifespan=_watching,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect makes a client send the patient's data twice
    )
    app.state.site = site
    app.state.direct = None  # until the first request, or the lifespan
    app.state.rates = Rates(site.settings.limits, site.clock)
    app.state.service = Service(rates=app.state.rates, tls=site.settings.proxy.tls)
    app.state.addresses = Addresses(site.settings.proxy)
    app.state.metrics = Metrics(site)
    app.state.metrics.in_flight.set_function(lambda: app.state.service.in_flight)
    app.state.remembered = Remembered(site.clock)
    lockout = Lockout(site.settings.limits.refused_sign_ins)
    app.state.doorkeeper = Doorkeeper(site.people, routes.DOOR, app.state.remembered, lockout)
    body = site.settings.limits.picture_bytes
    app.state.room = PictureRoom(BODIES_AT_ONCE * body, BODIES_OF_ONE * body)
    app.state.watch = DatabaseWatch((site.database, site.subject_keys.database))
    app.state.document = Document(app, site)
    app.router.routes[:0] = [routes.PREDICT, *open_inference.INFER]
    app.include_router(routes.router)
    app.include_router(analyses.router)
    app.include_router(releases.router)
    app.include_router(open_inference.router)
    app.include_router(pages.router)
    app.router.routes.extend(witness.ROUTES)
    app.add_exception_handler(BedsideError, _told)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _unusable)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unforeseen)
    return app


@asynccontextmanager
async def _watching(app: FastAPI) -> AsyncIterator[None]:
    site: Site = app.state.site
    site.serving.models.start()
    app.state.watch.start()
    site.witnessing.start()
    site.backups.start()
    site.erasing.forgetting.start()
    site.analysing.runner.start()
    try:
        yield
    finally:
        site.proofs.stop()
        site.analysing.runner.stop()
        site.erasing.forgetting.stop()
        site.backups.stop()
        site.witnessing.stop()
        app.state.watch.stop()
        site.serving.models.stop()
        app.state.service.lines.write()


async def _told(request: Request, error: Exception) -> Response:
    if not isinstance(error, BedsideError):
        raise error
    return respond(problem_of(error, request.url.path))


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods_here(request)):
        headers["Allow"] = methods
    problem = Problem(
        kind=_KINDS.get(HTTPStatus(error.status_code), "usage-error"),
        status=error.status_code,
        detail=error.detail,
        advice="See /docs for what can be asked.",
        instance=request.url.path,
        headers=headers,
    )
    return respond(problem)


def _methods_here(request: Request) -> str:
    """Return every method of the address: a route knows its own alone (RFC 9110, section 10.2.1)."""
    methods: set[str] = set()
    for route in (route for router in _ROUTERS for route in router.routes):
        if isinstance(route, Route) and route.matches(request.scope)[0] is Match.PARTIAL:
            methods |= route.methods or set()
    return ", ".join(sorted(methods))


async def _unusable(request: Request, error: Exception) -> Response:
    """Say that a path or query could not be used, without repeating what was sent."""
    return respond(
        Problem(
            kind="usage-error",
            status=HTTPStatus.BAD_REQUEST,
            detail="A part of the address cannot be used.",
            advice="See /docs for what can be asked.",
            instance=request.url.path,
        )
    )


async def _gone(request: Request, error: Exception) -> Response:
    """Answer nobody: the client left before its request was here; the log says so by the status."""
    return Response(status_code=CLIENT_GONE)


async def _unforeseen(request: Request, error: Exception) -> Response:
    """Answer without internals; the log has where it happened, under the same id."""
    return respond(unforeseen(error, request.url.path))
