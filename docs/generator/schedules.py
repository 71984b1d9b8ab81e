"""The form of a fee schedule: the document, each kind of rule, and the decimal places of currencies."""

from collections import defaultdict
from dataclasses import fields
from typing import get_type_hints

from core.fees.deadlines import Deadlines
from core.fees.fines import FineRule
from core.fees.instalments import InstalmentShare
from core.fees.pricing.audience import Audience
from core.fees.pricing.late_fee import LateFeeWindow
from core.fees.pricing.rule_kinds import RULE_KINDS
from core.fees.schedule import FeeSchedule
from core.kernel.currencies import ACTIVE_CURRENCIES
from docs.generator.markdown import code, summary, table, type_text
from docs.generator.messages import fields_table
from entrypoints.http.schemas import field_docs

GIVEN_AT_PUBLICATION = {"version"}


def document() -> str:
    """Return the keys of the document, and of the objects in it that are no rules."""
    hints, docs = get_type_hints(FeeSchedule), field_docs(FeeSchedule)
    keys = [each.name for each in fields(FeeSchedule) if each.name not in GIVEN_AT_PUBLICATION]
    rows = [
        (code(key), "list of rules" if key == "rules" else type_text(hints[key]), docs.get(key, "")) for key in keys
    ]
    nested = (Deadlines, InstalmentShare, FineRule)
    return "\n\n".join(
        [table(("key", "type", "meaning"), rows)]
        + [f"### {kind.__name__}\n\n{summary(kind)}\n\n{fields_table(kind)}" for kind in nested]
    )


def rule_kinds() -> str:
    """Return the keys of each kind of rule, and of the objects in rules."""
    kinds = [f'### `kind = "{name}"`\n\n{summary(kind)}\n\n{fields_table(kind)}' for name, kind in RULE_KINDS.items()]
    nested = [f"### {kind.__name__}\n\n{summary(kind)}\n\n{fields_table(kind)}" for kind in (Audience, LateFeeWindow)]
    return "\n\n".join([*kinds, *nested])


def currency_exponents() -> str:
    """Return the currencies of schedules by their decimal places."""
    by_places: dict[int, list[str]] = defaultdict(list)
    for currency, places in sorted(ACTIVE_CURRENCIES.items()):
        by_places[places].append(code(currency))
    rows = [(str(places), ", ".join(by_places[places])) for places in sorted(by_places)]
    return table(("decimal places", "currencies"), rows)
