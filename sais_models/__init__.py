"""The nouns: SQLModel tables, their state machines, and the payloads on the wire. No IO."""

from sais_models.account import Account, CallbackMode, Layout
from sais_models.batch import Batch, BatchItem, Lane
from sais_models.chunk import Chunk
from sais_models.day_usage import DayUsage
from sais_models.delivery import Delivery, DeliveryKind
from sais_models.key_value import KeyValue
from sais_models.markings import BatchMarking, DeliveryMarking, FileMarking, ItemMarking, MediaMarking, ThumbMarking
from sais_models.media import Media, Thumb
from sais_models.preset import DEFAULT_PRESETS, Preset, PresetSettings, ThumbFormat, ThumbMode
from sais_models.receiver import Receiver
from sais_models.stored_file import StoredFile

__all__ = [
    "DEFAULT_PRESETS",
    "Account",
    "Batch",
    "BatchItem",
    "BatchMarking",
    "CallbackMode",
    "Chunk",
    "DayUsage",
    "Delivery",
    "DeliveryKind",
    "DeliveryMarking",
    "FileMarking",
    "ItemMarking",
    "KeyValue",
    "Lane",
    "Layout",
    "Media",
    "MediaMarking",
    "Preset",
    "PresetSettings",
    "Receiver",
    "StoredFile",
    "Thumb",
    "ThumbFormat",
    "ThumbMarking",
    "ThumbMode",
]
