"""Which message goes where: what each context offers to messages, in one list that a new context joins."""

from core.messaging.routing import Routes
from entrypoints.messages import fees, identity, inventory, payments, settlements, warehouse
from entrypoints.messages.folds import FOLDS

ROUTES = Routes(
    table=fees.ROUTES | identity.ROUTES | inventory.ROUTES | payments.ROUTES | settlements.ROUTES | warehouse.ROUTES,
    max_per_transaction=inventory.MAX_PER_TRANSACTION | warehouse.MAX_PER_TRANSACTION,
    principals=fees.PRINCIPALS | inventory.PRINCIPALS | payments.PRINCIPALS | warehouse.PRINCIPALS,
    projectors={"inventory": inventory.project_inventory},
    folds=FOLDS,
)
"""Which message goes where."""
