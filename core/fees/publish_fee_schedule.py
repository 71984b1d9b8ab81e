"""Put a fee schedule in force."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.fees.errors import InvalidSchedule, UnknownSchedule
from core.fees.ports import NewFeesUnitOfWork, ScheduleFormat, Tariffs
from core.fees.schedule import FeeSchedule
from core.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class PublishFeeSchedule:
    """Publish a schedule as a new version, unless it equals the one in force."""

    new_work: NewFeesUnitOfWork
    tariffs: Tariffs
    schedule_format: ScheduleFormat
    clock: Clock

    async def __call__(self, document: Mapping[str, object], code: str | None = None) -> FeeSchedule:
        """Return the schedule in force; raise `InvalidSchedule`, or `SchedulePublishedMeanwhile`."""
        schedule = self.schedule_format.read(document)
        if code not in (None, schedule.code):
            raise InvalidSchedule(f"the document is for {schedule.code!r}, not for {code!r}", at="$.code")
        version = 0
        try:
            current = await self.tariffs.current(schedule.code)
        except UnknownSchedule:
            pass
        else:
            if replace(schedule, version=current.version) == current:
                return current
            version = current.version
        schedule = replace(schedule, version=version + 1)
        async with self.new_work() as work:
            work.schedules.add(schedule, self.clock.now())
            await work.commit()
        await self.tariffs.put_in_force(schedule)
        return schedule
