"""`/docs`: Swagger UI from this machine's own disk; nothing on the page comes from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import SEEK_END
from types import MappingProxyType
from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

ASSETS: Final = MappingProxyType(
    {
        "swagger-ui-bundle.js": "text/javascript",
        "swagger-ui.css": "text/css",
        "favicon.png": "image/png",
    }
)
"""The files of Swagger UI that are served, and as what; the wheel `fastapi-offline` carries them."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The browser itself refuses whatever would come from elsewhere, or stands within the page.

`data:` is for Swagger UI's own icons, which stand in its style sheet.
"""

PIECE: Final = 64 * 1024
"""Bytes of a file that are in memory at once, however slowly it is taken."""

PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bedside</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" href="docs/assets/favicon.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

START: Final = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  layout: "BaseLayout",
});
"""

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home() -> RedirectResponse:
    """Lead to the documentation."""
    return RedirectResponse("docs", status_code=307)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """Show what can be asked, with a form for each released model."""
    return HTMLResponse(PAGE, headers={"content-security-policy": POLICY})


@router.get("/docs/start.js")
async def start() -> Response:
    """Start Swagger UI."""
    return Response(START, media_type="text/javascript")


@router.get("/docs/assets/{name}")
def asset(name: str) -> Response:
    """Return one of the files of Swagger UI."""
    if name not in ASSETS:
        raise HTTPException(404, f"There is no file {name[:60]!r} here.")
    file = files("fastapi_offline") / "static" / name
    with file.open("rb") as opened:
        size = opened.seek(0, SEEK_END)
    headers = {"content-length": str(size), "cache-control": "public, max-age=3600"}
    return StreamingResponse(_pieces(file), media_type=ASSETS[name], headers=headers)


def _pieces(file: Traversable) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece
