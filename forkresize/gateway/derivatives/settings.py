"""The settings of derivatives."""

from msgspec import Struct

from forkresize.errors import FieldError
from forkresize.ledger import LedgerUrl, check_ledger, parse_ledger


class DerivativeSettings(Struct, frozen=True, kw_only=True):
    """Where pictures that were made are kept.

    Attributes:
        store: the URL of a store, or a local path; None keeps none.
        ledger: the URL of a database that records them; None for the default place, as of batches.

    Raises:
        FieldError: the ledger has no store, or cannot be used.
    """

    store: str | None = None
    ledger: str | None = None

    def __post_init__(self) -> None:
        if self.ledger is None:
            return
        if self.store is None:
            raise FieldError("store_ledger", "has no effect: it requires a store")
        if not isinstance(parse_ledger(self.ledger), LedgerUrl):
            raise FieldError(
                "store_ledger", f"invalid value {self.ledger!r}: use the URL of a database, or leave it out"
            )
        check_ledger(self.ledger)
