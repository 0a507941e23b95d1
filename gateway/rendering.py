"""Templates into pages. Everything that is put into one is escaped."""

from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
STATIC = HERE / "static"

_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    """Pages show what is now, so nobody keeps them."""
    html = _environment.get_template(template).render(**values)
    return HTMLResponse(html, status, {"Cache-Control": "no-store"})
