"""What the errors of Twilio's Programmable Messaging are about.

https://www.twilio.com/docs/api/errors/twilio-error-codes.json
https://www.twilio.com/docs/usage/twilios-response
"""

from collections.abc import Iterable, Mapping

from adapters.vendor_answers import About, refusal
from adapters.vendor_http import VendorResponse
from core.kernel.errors import CoreError

CODES: Mapping[About, Iterable[int]] = {
    About.MESSAGE: (
        *(21201, 21202, 21211, 21214, 21217, 21265, 21266, 21421, 21604),  # no number that receives text messages
        *(21614, 21635, 30005, 30006),  # not a mobile number, a landline
        *(21602, 21605, 21617, 21619, 21620, 21623),  # the text
        *(21610, 30004),  # opted out, blocked
    ),
    About.RECIPIENT: (30003,),  # switched off, or out of reach
    About.ALLOWANCE: (
        *(21203, 21215, 21216, 21408),  # geographic permissions
        *(21219, 21608, 14111),  # a trial account writes to verified numbers only
        *(21606, 21612, 21659),  # this sender cannot reach this recipient, such as a short code of another country
    ),
    About.ACCOUNT: (
        *(10001, 10002, 20003, 20004, 20005, 20006, 20008, 20403, 20404),  # suspended, trial, wrong credentials
        *(21205, 21210, 21212, 21213, 21218, 21267, 21601, 21603, 21607, 21609, 21616),  # the sender, our callback
        *(21660, 21661, 21701, 21703, 21704, 21705),
        *(30002, 30023, 30024, 30034, 63038),  # the registration of the sender, the quota of the day
    ),
    About.VENDOR: (14107, 20429, 21611, 30001, 30022, 63017, 63018),  # throttled, queue full
}
ABOUT: Mapping[int, About] = {code: about for about, codes in CODES.items() for code in codes}
"""By code; an error of another code is about the message."""


def refused(answer: VendorResponse) -> CoreError:
    """Return the error that an answer without a message id means."""
    code = error_code(answer)
    detail = f"twilio answered {answer.status}" + (f" with {code}" if code else "")
    return refusal(answer.status, answer.retry_after, ABOUT.get(code), structured=bool(code), detail=detail)


def error_code(answer: VendorResponse) -> int:
    """Return the code of an error as number, which older answers have as text; 0 if the answer is not of Twilio."""
    code = answer.fields.get("code", answer.fields.get("Code"))
    if isinstance(code, str) and code.isascii() and code.isdecimal():
        code = int(code[:9])
    return code if isinstance(code, int) and not isinstance(code, bool) and 0 < code < 1_000_000 else 0
