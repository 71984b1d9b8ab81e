"""Sends e-mails through version 2 of the Amazon SES API."""

import json

from adapters.ses.answers import refused
from adapters.ses.signing import SesSigner
from adapters.vendor_http import VendorHttpClient, VendorResponse
from core.notifications.address_validation import check_email
from core.notifications.mailbox import Mailbox
from core.notifications.messages import Accepted, Email
from core.notifications.ports import EmailSender

PATH = "/v2/email/outbound-emails"


class SesEmailSender(EmailSender):
    """Sends e-mails with signed requests."""

    def __init__(
        self, *, region: str, url: str, access_key_id: str, secret_access_key: str, sender: Mailbox,
        timeout: float = 30.0,
    ) -> None:  # fmt: skip
        self._api = VendorHttpClient("ses", url or f"https://email.{region}.amazonaws.com", timeout)
        self._signer = SesSigner(region, access_key_id, secret_access_key)
        self._sender = str(sender)

    async def send(self, message: Email) -> Accepted:
        check_email(message)
        body = json.dumps(self._request(message)).encode()
        headers = self._signer.headers("POST", self._api.address(PATH), body)
        return accepted(await self._api.post(PATH, body, headers), message.to)

    async def close(self) -> None:
        """Close the connections to SES."""
        await self._api.close()

    def _request(self, email: Email) -> dict[str, object]:
        return {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [email.to]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": email.subject, "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": email.text, "Charset": "UTF-8"},
                        "Html": {"Data": email.html, "Charset": "UTF-8"},
                    },
                }
            },
            "EmailTags": [{"Name": "delivery", "Value": str(email.delivery)}],  # SES returns it with bounces
        }


def accepted(answer: VendorResponse, to: str) -> Accepted:
    """Return the acceptance, or raise the error that the answer means."""
    named = answer.fields.get("MessageId")
    if answer.status == 200 and isinstance(named, str) and named:
        return Accepted("ses", named)
    raise refused(answer, to)
