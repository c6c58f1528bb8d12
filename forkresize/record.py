"""The record of one outcome, as reports and the JSON summary show it."""

from forkresize.outcome import Failed, Outcome, Written


def record(outcome: Outcome) -> dict[str, object]:
    """Return all fields of an outcome's record, in their documented order and ready for JSON.

    Sizes are in bytes, widths and heights in pixels, times in seconds, rounded to the microsecond.
    What does not apply to the outcome is None.
    """
    detail, execution, reason = outcome.detail, outcome.execution, outcome.reason
    made = detail if isinstance(detail, Written) else None
    in_width, in_height = made.in_size if made else (None, None)
    out_width, out_height = made.out_size if made else (None, None)
    return {
        "source": outcome.source.path,
        "destination": outcome.destination,
        "status": outcome.status,
        "reason": None if reason is None else str(reason),
        "error": outcome.error or None,
        "signal": detail.signal if isinstance(detail, Failed) else None,
        "attempts": execution.attempts,
        "worker": execution.worker,
        "in_bytes": outcome.source.size,
        "out_bytes": made and made.out_bytes,
        "in_width": in_width,
        "in_height": in_height,
        "out_width": out_width,
        "out_height": out_height,
        "in_format": made and made.in_format,
        "out_format": made and made.out_format,
        "quality": made and made.quality,
        "ssim": made and made.ssim and round(made.ssim, 5),
        "seconds": round(execution.seconds, 6),
        "decode_seconds": made and round(made.decode_seconds, 6),
        "resize_seconds": made and round(made.resize_seconds, 6),
        "encode_seconds": made and round(made.encode_seconds, 6),
        "peak_rss": made and made.peak_rss,
        "warnings": list(outcome.warnings),
    }
