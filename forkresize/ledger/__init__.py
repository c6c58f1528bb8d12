"""The memory between runs: what was made from what, and what an output that is there calls for. Makes no picture."""

from forkresize.ledger.checksum import checksum
from forkresize.ledger.entry import Entry, Prints
from forkresize.ledger.ledger import Forgetful, Ledger, Memory
from forkresize.ledger.roots import rooted
from forkresize.ledger.schema import ledger_path
from forkresize.ledger.settler import Settler, Subject
from forkresize.ledger.words import Compare, IfExists, Policy

__all__ = [
    "Compare",
    "Entry",
    "Forgetful",
    "IfExists",
    "Ledger",
    "Memory",
    "Policy",
    "Prints",
    "Settler",
    "Subject",
    "checksum",
    "ledger_path",
    "rooted",
]
