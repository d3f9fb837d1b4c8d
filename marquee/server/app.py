"""The application: its addresses, what they take and what they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Path, Query
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from marquee import __version__
from marquee.errors import MarqueeError
from marquee.server import pages
from marquee.server.bodies import TOKEN, Name, Ratings, Recommend
from marquee.server.current import Current
from marquee.server.feedback import Feedback, new_token
from marquee.server.guard import COOKIE, App, Guard, Limits
from marquee.server.learning import Learner
from marquee.server.metrics import Metrics
from marquee.server.problems import Json, of_validation, problem
from marquee.server.snapshot import LISTED, USUAL

T = TypeVar("T")
THREADS = 2  # that answer: a slow model leaves one for the others
WAITING = 256  # answers that may wait for a thread
Title = Annotated[str, Query(max_length=100)]
Count = Annotated[int, Query(ge=1, le=LISTED)]
MovieName = Annotated[str, Path(max_length=100)]
VisitorToken = Annotated[str, Path(pattern=TOKEN)]


def application(
    current: Current, feedback: Feedback | None, limits: Limits, learner: Learner | None = None
) -> App:
    """Return the ASGI application that answers from `current` and stores ratings in `feedback`, if any.

    learner  has the models learn these ratings
    """
    answers = ThreadPoolExecutor(THREADS, "answers")
    slow = ThreadPoolExecutor(2, "files")  # reads new models, writes ratings
    metrics = Metrics(current)
    waiting = 0

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        watches = [asyncio.create_task(one.watch(slow)) for one in (current, learner) if one]
        yield
        for watch in watches:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
        answers.shutdown()
        slow.shutdown()

    async def answered(work: Callable[..., T], *arguments: Any) -> T:
        nonlocal waiting
        if waiting >= WAITING:
            raise HTTPException(503, "the server is busy: try again in a second", {"Retry-After": "1"})
        waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(answers, work, *arguments)
        finally:
            waiting -= 1

    async def stored(work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(slow, work, *arguments)

    async def forgotten(visitor: str) -> int:
        gone = await stored(database().forget, visitor)
        if learner and gone:
            learner.forgotten()
        return gone

    def database() -> Feedback:
        if feedback is None:
            raise HTTPException(404, "this server stores no ratings: it runs with --no-feedback")
        return feedback

    api = FastAPI(
        title="Marquee",
        version=__version__,
        lifespan=running,
        default_response_class=Json,
        docs_url=None,
        redoc_url=None,
    )

    @api.get("/api/models", summary="List the models, the scale of the ratings, and the genres")
    async def models() -> Json:
        now = current.snapshot
        scale = now.scale
        low, high, step = (
            value if abs(value) < 1e30 else None for value in (scale.low, scale.high, scale.step)
        )
        listed = [
            {"name": name, "task": model.task, "algorithm": model.algorithm}
            for name, model in now.models.items()
        ]
        about = {"scale": {"low": low, "high": high, "step": step}, "positive_threshold": now.threshold}
        return Json({"models": listed, **about, "genres": now.genres, "data": dict(now.data)})

    @api.get("/api/movies", summary="Find movies by title or a part of one, misspelt or not")
    async def movies(q: Title, k: Count = 20) -> Json:
        return Json({"items": await answered(current.snapshot.find, q, k)})

    @api.post("/api/recommend", summary="Recommend movies to whoever gave these ratings")
    async def recommend(body: Recommend) -> Json:
        now, query = current.snapshot, body.query()
        if body.models is not None:
            return Json({"items": await answered(now.side_by_side, body.models, query)})
        if body.model in now.quick and len(query.ratings) <= 5 * USUAL:  # less work than handing it over
            return Json({"items": now.recommend(body.model, query, body.why)})
        return Json({"items": await answered(now.recommend, body.model, query, body.why)})

    @api.get("/api/similar/{movie}", summary="List the movies most similar to one")
    async def similar(movie: MovieName, model: Annotated[Name, Query()], k: Count = 20) -> Json:
        now = current.snapshot
        if movie not in now.places:
            raise HTTPException(404, "no movie has this id: search for it by title")
        return Json({"items": await answered(now.similar, model, movie, k)})

    @api.post("/api/ratings", status_code=201, summary="Store ratings of a visitor")
    async def rate(body: Ratings) -> Json:
        now, store, token = current.snapshot, database(), body.visitor or new_token()
        now.rated([(one.movie, one.rating) for one in body.ratings if one.rating is not None])
        items = [now.item(one.movie) for one in body.ratings]
        if body.model is not None:
            now.model(body.model)
        rows = [
            {
                "movie": str(now.movies.ids[item]),
                "title": now.movies.name(item),
                "rating": one.rating,
                "position": one.position,
            }
            for item, one in zip(items, body.ratings, strict=True)
        ]
        await stored(store.add, token, now.data["name"], body.model, rows)
        metrics.stored.inc(len(rows))
        if learner:
            learner.given(len(rows))
        return Json({"stored": len(rows), "visitor": token}, 201)

    @api.get("/api/visitors/{visitor}", summary="Export all ratings of one visitor")
    async def export(visitor: VisitorToken) -> Json:
        return Json({"ratings": await stored(database().of, visitor)})

    @api.delete("/api/visitors/{visitor}", summary="Delete all ratings of one visitor")
    async def forget(visitor: VisitorToken) -> Json:
        return Json({"deleted": await forgotten(visitor)})

    @api.get("/healthz", summary="Say that the server answers")
    async def healthy() -> Json:
        return Json({"status": "ok", "models": len(current.snapshot.models)})

    @api.get("/metrics", summary="Counts for Prometheus")
    async def counts() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @api.get("/", include_in_schema=False)
    async def page(request: Request, token: str = "") -> Response:
        if limits.is_token(token):  # out of the address, where others may see it
            return pages.with_cookie(COOKIE, token, request.url.scheme == "https")
        return pages.first(current.snapshot.page)

    @api.get("/assets/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        return pages.asset(name)

    @api.get("/visitor/{visitor}", include_in_schema=False)
    async def own(visitor: VisitorToken) -> Response:
        return pages.of_visitor(visitor, len(await stored(database().of, visitor)))

    @api.post("/visitor/{visitor}", include_in_schema=False)
    async def delete(visitor: VisitorToken) -> Response:
        await forgotten(visitor)
        return pages.of_visitor(visitor, 0)

    @api.get("/docs", include_in_schema=False)
    async def documentation() -> Response:
        return pages.documentation(api.openapi())

    _explain_faults(api)
    return Guard(api, limits, metrics.done)


def _explain_faults(api: FastAPI) -> None:
    """Have every fault answered with one line of problem+json."""

    @api.exception_handler(MarqueeError)
    async def _(_: Request, error: MarqueeError) -> Response:
        return problem(422, str(error))

    @api.exception_handler(RequestValidationError)
    async def _(_: Request, error: RequestValidationError) -> Response:
        return problem(422, of_validation(list(error.errors())))

    @api.exception_handler(SQLAlchemyError)
    async def _(_: Request, error: SQLAlchemyError) -> Response:
        return problem(503, "the ratings were not stored: try again later", {"Retry-After": "5"})

    @api.exception_handler(HTTPException)
    async def _(_: Request, error: HTTPException) -> Response:
        details = {
            400: "the body is no JSON: correct it",
            404: "nothing is at this address: see /docs",
            405: "this address does not take that method",
        }
        own = (
            error.detail
            if ":" in error.detail
            else details.get(error.status_code, f"{error.detail}: see /docs")
        )
        return problem(error.status_code, own, dict(error.headers or {}))

    @api.exception_handler(Exception)
    async def _(_: Request, error: Exception) -> Response:
        return problem(500, "the server has a fault of its own, which its log describes: try something else")
