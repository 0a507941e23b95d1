"""What a page holds, by parsing it."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """`elements` by tag, each its attributes; `text` as read, spaces joined."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: dict[str, list[dict[str, str | None]]] = {}
        self._words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.setdefault(tag, []).append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self._words += data.split()

    def all(self, tag: str, attribute: str) -> list[str]:
        return [value for element in self.elements.get(tag, []) if (value := element.get(attribute)) is not None]

    @property
    def text(self) -> str:
        return " ".join(self._words)
