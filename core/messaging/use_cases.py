"""The use cases of messaging."""

from dataclasses import dataclass

from core.messaging.bury_message import BuryMessage
from core.messaging.drop_dead_letter import DropDeadLetter
from core.messaging.list_dead_letters import ListDeadLetters
from core.messaging.list_projections import ListProjections
from core.messaging.preview_dead_letters import PreviewDeadLetters
from core.messaging.purge_expired_records import PurgeExpiredRecords
from core.messaging.rebuild_projection import RebuildProjection
from core.messaging.refuse_command import RefuseCommand
from core.messaging.replay_dead_letter import ReplayDeadLetter
from core.messaging.replay_events import ReplayEvents
from core.messaging.restore_records import RestoreRecords
from core.messaging.settle_dead_letters import SettleDeadLetters
from core.messaging.show_dead_letter import ShowDeadLetter
from core.messaging.verify_projection import VerifyProjection


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagingUseCases:
    """Refusals, dead letters, replays, rebuilds and retention."""

    refuse_command: RefuseCommand
    bury_message: BuryMessage
    list_dead_letters: ListDeadLetters
    show_dead_letter: ShowDeadLetter
    preview_dead_letters: PreviewDeadLetters
    settle_dead_letters: SettleDeadLetters
    drop_dead_letter: DropDeadLetter
    replay_dead_letter: ReplayDeadLetter
    replay_events: ReplayEvents
    rebuild_projection: RebuildProjection
    restore_records: RestoreRecords
    verify_projection: VerifyProjection
    list_projections: ListProjections
    purge_expired_records: PurgeExpiredRecords
