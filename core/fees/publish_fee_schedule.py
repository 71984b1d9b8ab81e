"""Put a fee schedule in force."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from core.fees.errors import InvalidSchedule, SchedulePublishedMeanwhile
from core.fees.ports import NewFeesUnitOfWork, ScheduleFormat, Tariffs
from core.fees.schedule import FeeSchedule
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock


@requires(Permission.SCHEDULES_WRITE)
@dataclass(frozen=True, slots=True)
class PublishFeeSchedule:
    """Publish a schedule as a new version, unless it equals the one in force."""

    ACTION: ClassVar = "publish-fee-schedule"

    new_work: NewFeesUnitOfWork
    tariffs: Tariffs
    schedule_format: ScheduleFormat
    clock: Clock

    async def __call__(self, document: Mapping[str, object], code: str | None = None) -> FeeSchedule:
        """Return the schedule in force.

        Raise `InvalidSchedule`, or `SchedulePublishedMeanwhile` if another content was published at the same time.
        """
        schedule = self.schedule_format.read(document)
        if code not in (None, schedule.code):
            raise InvalidSchedule(f"the document is for {schedule.code!r}, not for {code!r}", at="$.code")
        in_force = await self.tariffs.newest(schedule.code)
        if in_force is None or not is_version_of(schedule, in_force):
            in_force = await self._publish(schedule, in_force)
        await self.tariffs.put_in_force(in_force)
        return in_force

    async def _publish(self, schedule: FeeSchedule, before: FeeSchedule | None) -> FeeSchedule:
        schedule.refuse_to_publish()
        schedule = replace(schedule, version=before.version + 1 if before else 1)
        try:
            async with self.new_work() as work:
                work.schedules.add(schedule, self.clock.now())
                work.audit(self._deed(schedule, before))
                await work.commit()
        except SchedulePublishedMeanwhile:
            newest = await self.tariffs.newest(schedule.code)
            if newest is None or not is_version_of(schedule, newest):
                raise
            return newest
        return schedule

    def _deed(self, schedule: FeeSchedule, before: FeeSchedule | None) -> Deed:
        write = self.schedule_format.write
        return Deed(
            action=self.ACTION,
            target=f"fee-schedule/{schedule.code}",
            before={**write(before), "version": before.version} if before else None,
            after={**write(schedule), "version": schedule.version},
        )


def is_version_of(schedule: FeeSchedule, stored: FeeSchedule) -> bool:
    """Tell whether a stored version has the content of this schedule."""
    return replace(schedule, version=stored.version) == stored
