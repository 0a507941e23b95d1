"""What an original's answer and its header say of it, as columns of Media."""

from sais.catalog.bulk import Row
from sais.fetching import Fetched
from sais.imaging import ImageFacts


def source_facts(fetched: Fetched, facts: ImageFacts) -> Row:
    return {
        "status_code": fetched.status_code,
        "mime_type": facts.mime_type,
        "size": fetched.size,
        "width": facts.width,
        "height": facts.height,
        "exif": facts.exif,
        "checksum": fetched.checksum,
        "etag": fetched.etag,
        "last_modified": fetched.last_modified,
    }
