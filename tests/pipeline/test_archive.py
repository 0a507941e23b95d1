"""The archive takes what it can of a chunk."""

import pytest

from sais.catalog.media import count_by_marking
from sais.errors import FileMissing
from sais.pipeline.archive import archive_chunk
from sais.pipeline.download import download_chunk
from sais.pipeline.plan import Order, plan_batch
from sais_models import MediaMarking
from tests.support.batches import Museum
from tests.support.origin import Origin
from tests.support.pictures import encoded, quarters
from tests.support.replies import Content

JPEG = encoded(quarters(), "JPEG")


async def test_what_was_kept_before_a_lost_original_is_saved(museum: Museum, origin: Origin) -> None:
    urls = [origin.serve(f"/{number}.jpg", Content(JPEG)) for number in range(5)]
    async with museum.run() as resources:
        [chunk] = (await plan_batch(resources, Order("museum", urls=urls))).chunks
        await download_chunk(resources, chunk, last_try=True)
        # Media are archived in the order of their codes, which is that of their paths.
        originals = sorted(museum.settings.originals_dir.rglob("*.jpg"), key=lambda file: file.stem)
        originals[3].unlink()
        with pytest.raises(FileMissing, match=originals[3].stem):
            await archive_chunk(resources, chunk)
        counts = await resources.read(count_by_marking)
        assert counts["museum"] == {MediaMarking.ARCHIVED: 3, MediaMarking.DOWNLOADED: 2}
