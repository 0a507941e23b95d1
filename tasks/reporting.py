"""What the Prefect UI shows of a step: a log line a chunk, and one for each failure, never one an image."""

from prefect.logging import get_run_logger

from sais.pipeline.report import ChunkReport


def log_report(report: ChunkReport) -> ChunkReport:
    log = get_run_logger()
    log.info(str(report))
    for failure in report.failures:
        fate = "failed" if failure.final else "will be tried again"
        log.warning("%s %s: %s (%s)", failure.code, fate, failure.reason, failure.address)
    return report
