"""The probe of a mail server."""

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException

from adapters.smtp.client import Tls, smtp_client
from core.kernel.errors import Unavailable
from core.kernel.health import Probe


class SmtpProbe(Probe):
    """Connects, logs in and quits, which sends nothing."""

    name = "e-mail (smtp)"
    deadline_seconds = 6.0
    remedy = "correct smtp.user, smtp.password, smtp.host, smtp.port or smtp.tls"

    def __init__(
        self, *, host: str, port: int, tls: Tls, ca_file: str, user: str, password: str, timeout: float
    ) -> None:
        self._server, self._user, self._password = f"{host}:{port}", user, password
        self._client = smtp_client(host, port, tls, ca_file, user, password, timeout)

    async def check(self) -> str:
        if bool(self._user) != bool(self._password):
            raise Unavailable(f"smtp.{'password' if self._user else 'user'} is empty")
        try:
            await self._talk(self._client)
        except SMTPAuthenticationError as error:
            raise Unavailable(f"{self._server} refuses the login: {error.code}") from error
        except SMTPResponseException as error:
            raise Unavailable(f"{self._server} answered {error.code}") from error
        except (SMTPException, OSError, ValueError) as error:
            raise Unavailable(f"{self._server}: {error or type(error).__name__}") from error
        finally:
            self._client.close()
        return f"{self._server}{f', as {self._user}' if self._user else ''}"

    async def _talk(self, client: SMTP) -> None:
        await client.connect()
        await client.noop()
        await client.quit()
