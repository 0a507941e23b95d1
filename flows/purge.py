"""Media, or a whole account, are deleted: files, rows, and a webhook for each media."""

from enum import StrEnum

from prefect import flow
from prefect.runtime import flow_run

from blocks.configuration import load_configuration
from flows.policy import PLAIN
from flows.winding_down import open_until_told
from sais.errors import InputError
from sais.purging import PIECE
from tasks.purge import end_purge, find_codes, next_media, open_purge, plan_purge, purge_piece


class PurgeMode(StrEnum):
    """`plan` only counts; `apply` deletes."""

    PLAN = "plan"
    APPLY = "apply"


@flow(name="purge", flow_run_name="purge-{mode}", **PLAIN)
async def purge(
    mode: PurgeMode = PurgeMode.PLAN, account: str | None = None, media: list[str] | None = None
) -> dict[str, int]:
    """Deletes an account, or media by their codes. Killed and run again, it goes on. There is no way back.

    Media that a run holds are left alone and counted as busy: run it again when that run has ended.

    Args:
        mode: plan counts media, bytes and accounts; apply deletes them.
        account: Root of the account that is to go, with everything it has.
        media: Codes of media that are to go; either this or an account.
    """
    if (account is None) == (not media):
        raise InputError("give an account, or codes of media", field="account")
    configuration = await load_configuration()
    async with open_until_told(configuration, str(flow_run.id)) as resources:
        plan = await plan_purge(resources, account, media or [])
        tally = {"media": sum(count.media for count in plan), "deleted": 0, "busy": 0}
        if mode == PurgeMode.PLAN:
            return tally
        if account is None:
            for root, codes in (await find_codes(resources, media or [])).items():
                opened = await open_purge(resources, root, whole=False)
                for start in range(0, len(codes), PIECE):
                    purged = await purge_piece(opened, codes[start : start + PIECE])
                    tally["deleted"] += purged.deleted
                    tally["busy"] += purged.busy
            return tally
        opened = await open_purge(resources, account, whole=True)
        codes = await next_media(opened, "")
        while codes:
            purged = await purge_piece(opened, codes)
            tally["deleted"] += purged.deleted
            tally["busy"] += purged.busy
            codes = await next_media(opened, codes[-1])
        if not tally["busy"]:
            await end_purge(opened)
        return tally
