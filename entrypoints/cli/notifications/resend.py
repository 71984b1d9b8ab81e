"""Send deliveries again: some by id, or all that the filters find."""

from pathlib import Path
from typing import NamedTuple

import typer
from rich.progress import Progress

from core.kernel.decisions import Decision
from core.kernel.errors import CoreError
from core.kernel.pace import Pace
from core.kernel.text import escape_unprintable
from core.notifications.delivery import Channel, DeliveryState
from core.notifications.delivery_list import DeliveryFilter
from core.notifications.messages import DeliveryId
from core.notifications.preview_resend import DeliveryPreview
from core.notifications.resend_deliveries import try_resend
from core.notifications.resend_delivery import FAILED_STATES
from core.notifications.use_cases import NotificationsUseCases
from entrypoints.cli.command_runner import (
    EXIT_INTERRUPTED,
    CommandRunner,
    exit_code,
    stop_on_signals,
)
from entrypoints.cli.notifications.delivery_tables import print_preview
from entrypoints.cli.options import decision, period
from entrypoints.cli.runtime import Runtime


class Filters(NamedTuple):
    """The options that select deliveries."""

    state: DeliveryState | None
    channel: Channel | None
    vendor: str | None
    template: str | None
    since: str | None
    until: str | None

    @property
    def states(self) -> tuple[DeliveryState, ...]:
        """Return the states to send again: without an option those that failed."""
        return FAILED_STATES if self.state is None else (self.state,)

    def parse(self) -> DeliveryFilter:
        """Return the filter of the core; raise `Invalid`."""
        due = period(self.since, self.until)
        return DeliveryFilter(channel=self.channel, due=due, template=self.template, vendor=self.vendor)


class ResendOptions(NamedTuple):
    """What `resend` is given."""

    deliveries: list[str]
    filters: Filters
    rate: int | None
    yes: bool
    who: str | None
    why: str
    json: bool

    def check(self) -> None:
        """Raise `BadParameter` where the options name no delivery, or contradict each other."""
        if not self.deliveries and not any(self.filters):
            filters = "--state, --channel, --vendor, --template, --from, --to"
            raise typer.BadParameter(f"name deliveries, or a filter: {filters}")
        if self.deliveries and any(self.filters):
            raise typer.BadParameter("name deliveries or filters, not both")
        if self.deliveries and self.rate is not None:
            raise typer.BadParameter("--rate is only for filters: deliveries that are named have no rate")


class Resend:
    """One run of `resend`."""

    def __init__(self, runner: CommandRunner, options: ResendOptions) -> None:
        self._runner, self._options = runner, options
        self._resent = self._failed = self._exit_code = 0
        self._pace = Pace(options.rate)

    def run(self, config: Path | None) -> None:
        """Send what the options name; end as Ctrl-C does after a stop, or with the exit code of the first failure."""
        self._options.check()
        self._runner.run_provisioned(config, self._work)
        if self._pace.stop.is_set():
            raise typer.Exit(EXIT_INTERRUPTED)
        if self._exit_code:
            raise typer.Exit(self._exit_code)

    async def _work(self, runtime: Runtime) -> None:
        notifications, options = runtime.use_cases.notifications, self._options
        decided = decision(options.who, options.why)
        if options.deliveries:
            await self._resend_named(notifications, decided)
            return
        preview = await notifications.preview_resend(options.filters.parse(), options.filters.states)
        if options.yes:
            await self._resend_all(notifications, preview, decided)
        elif options.json:
            self._runner.print_json(preview)
        else:
            print_preview(self._runner, preview)

    async def _resend_named(self, notifications: NotificationsUseCases, decided: Decision) -> None:
        try:
            for name in self._options.deliveries:
                self._note(name, await try_resend(notifications.resend_delivery, name, decided))
        finally:  # `Unavailable` can end it in the middle
            self._print_counts()

    async def _resend_all(
        self, notifications: NotificationsUseCases, preview: DeliveryPreview, decided: Decision
    ) -> None:
        """Send what matches again; Ctrl-C stops between two deliveries."""
        self._pace.stop, err = stop_on_signals(), self._runner.err
        try:
            with Progress(console=err, transient=True, disable=not err.is_terminal) as bars:
                bar = bars.add_task("resent", total=preview.count)

                def on_resent(delivery: DeliveryId, error: CoreError | None) -> None:
                    bars.advance(bar)
                    self._note(str(delivery), error)

                resend = notifications.resend_delivery
                await notifications.resend_deliveries(preview, resend, decided, self._pace, on_resent)
        finally:
            self._print_counts()

    def _note(self, delivery: str, error: CoreError | None) -> None:
        if error is None:
            self._resent += 1
            return
        self._failed += 1
        self._exit_code = self._exit_code or exit_code(error)
        self._runner.err.print(escape_unprintable(f"{delivery}: {error}"), soft_wrap=True)

    def _print_counts(self) -> None:
        if self._options.json:
            self._runner.print_json({"resent": self._resent, "failed": self._failed})
        else:
            self._runner.out.print(f"{self._resent:,} resent, {self._failed:,} failed")
