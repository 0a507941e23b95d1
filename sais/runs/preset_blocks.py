"""The SAIS Preset blocks, over Prefect's REST API."""

from sais.runs.api import PrefectApi
from sais_models import PresetSettings

SLUG = "sais-preset"


async def write_block(api: PrefectApi, preset: PresetSettings) -> bool:
    """The preset's block says what `preset` says. False when there is no such block. Raises PrefectUnavailable."""
    document = await api.call("GET", f"/block_types/slug/{SLUG}/block_documents/name/{preset.name}")
    if document is None:
        return False
    data = preset.model_dump(mode="json", exclude={"name"})
    await api.call("PATCH", f"/block_documents/{document['id']}", {"data": data, "merge_existing_data": True})
    return True
