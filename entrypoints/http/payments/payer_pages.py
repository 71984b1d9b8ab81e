"""Pages for the browsers of payers: that of the simulated gateway, and the one after the payment."""

import asyncio
from collections.abc import Sequence
from html import escape
from typing import Any

from litestar import Controller, Request, Response, get, post, route
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath

from core.kernel.errors import Invalid
from core.kernel.money import format_amount
from core.payments.pay_exam_fee import RETURN_PATH
from core.payments.payer import PayerOutcome, SignedWebhook
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import form_fields, form_only
from entrypoints.http.query_parameters import FOREIGN_QUERY

POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
MAX_FORM_BYTES = 1_000


class SandboxController(Controller):
    """Shows what an order asks for, and takes the tester's choice."""

    path = "/sandbox"
    include_in_schema = False

    @get("/{order:str}", open_to_all=True)
    async def page(self, order: FromPath[str], use_cases: Wired[UseCases]) -> Response[str]:
        """Return the page."""
        amount = format_amount(await use_cases.payments.pay_at_sandbox.amount(order))
        choices = "".join(f'<button name="outcome" value="{each}">{each}</button> ' for each in PayerOutcome)
        return html(f'<h1>Pay {escape(amount)}</h1><p>No money moves here.</p><form method="post">{choices}</form>')

    @post(
        "/{order:str}",
        open_to_all=True,
        status_code=200,
        before_request=form_only,
        request_max_body_size=MAX_FORM_BYTES,
    )
    async def pay(
        self, request: Request[Any, Any, Any], order: FromPath[str], use_cases: Wired[UseCases]
    ) -> Response[str]:
        """Do what the tester chose; the webhooks arrive behind the answer, each at its time."""
        try:
            [(_, chosen)] = form_fields(await request.body())
            outcome = PayerOutcome(chosen)
        except ValueError:
            raise Invalid(f"outcome is one of {', '.join(PayerOutcome)}", at="$.outcome") from None
        webhooks = await use_cases.payments.pay_at_sandbox(order, outcome)
        return html(f"<h1>{outcome}</h1>", BackgroundTask(send, webhooks, use_cases))


@route(
    RETURN_PATH,
    http_method=["GET", "POST"],
    status_code=200,
    open_to_all=True,
    include_in_schema=False,
    sync_to_thread=False,
    opt={FOREIGN_QUERY: True},
)
def returned() -> Response[str]:
    """Answer the browser of a payer, whatever its gateway says in the query or in a form: the webhook counts."""
    return html(
        "<h1>Thank you</h1><p>Your payment is confirmed by a message within minutes. Until the fee shows that it is"
        " unpaid, do not pay again.</p>"
    )


async def send(webhooks: Sequence[SignedWebhook], use_cases: UseCases) -> None:
    """Deliver webhooks in the order of their moments; one that fails is lost, as it may be at a real gateway."""
    waited = 0.0
    for each in sorted(webhooks, key=lambda webhook: webhook.after):
        await asyncio.sleep(each.after.total_seconds() - waited)
        waited = each.after.total_seconds()
        await use_cases.payments.receive_webhook("sandbox", each.headers, each.body)


def html(body: str, background: BackgroundTask | None = None) -> Response[str]:
    """Return a page without scripts and styles."""
    document = f'<!doctype html><html lang="en"><title>Sandbox</title><body>{body}'
    headers = {"Content-Security-Policy": POLICY}
    return Response(document, media_type="text/html", headers=headers, background=background)
