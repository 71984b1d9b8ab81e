"""The use cases of the settlements context."""

from dataclasses import dataclass

from core.settlements.import_settlement import ImportSettlement
from core.settlements.list_exceptions import ListExceptions
from core.settlements.settle_exception import SettleException


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementsUseCases:
    """Settlement files of gateways."""

    import_settlement: ImportSettlement
    list_exceptions: ListExceptions
    settle_exception: SettleException
