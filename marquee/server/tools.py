"""The models as tools of the Model Context Protocol, on stdin and stdout."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from marquee.errors import MarqueeError
from marquee.server.bodies import Name, Rated
from marquee.server.current import Current
from marquee.server.snapshot import LISTED, MovieId, Query
from marquee.serving.catalogue import MovieFilter

Count = Annotated[int, Field(ge=1, le=LISTED)]
Taste = Annotated[list[Rated], Field(min_length=1, max_length=1000)]


def tools(current: Current) -> MCPServer:
    """Return a server whose tools answer as the addresses of the HTTP server do."""
    server = MCPServer("marquee", instructions="Movies go by the ids that search_movies returns.")
    now = current.snapshot
    models = ", ".join(f"{name} ({model.task})" for name, model in now.models.items())

    def query(ratings: Taste, k: int = 20, **filters: Any) -> Query:
        return Query([(one.movie, one.rating) for one in ratings], wanted=MovieFilter(**filters), k=k)

    @server.tool(
        description=f"Recommend movies to whoever gave these ratings ({now.scale}). Models: {models}"
    )
    def recommend(
        model: Name,
        ratings: Taste,
        k: Count = 10,
        genres: list[str] = [],  # noqa: B006 - it is not changed
        year_from: int | None = None,
        year_to: int | None = None,
    ) -> list[dict[str, Any]]:
        filters = {"genres": tuple(genres), "year_from": year_from, "year_to": year_to}
        return _answered(lambda: now.recommend(model, query(ratings, k, **filters), why=False))

    @server.tool(description="List the movies most similar to one, as a model sees them")
    def similar(model: Name, movie: MovieId, k: Count = 10) -> list[dict[str, Any]]:
        return _answered(lambda: now.similar(model, movie, k))

    @server.tool(description="Say which of these ratings speak for each movie that a model recommends")
    def explain(model: Name, ratings: Taste, k: Count = 10) -> list[dict[str, Any]]:
        return _answered(lambda: now.recommend(model, query(ratings, k)))

    @server.tool(description="Find movies by title or a part of one, misspelt or not")
    def search_movies(title: Annotated[str, Field(max_length=100)], k: Count = 10) -> list[dict[str, Any]]:
        return _answered(lambda: now.find(title, k))

    return server


def _answered(work: Any) -> list[dict[str, Any]]:
    try:
        return work()
    except MarqueeError as error:
        raise ToolError(str(error)) from None
