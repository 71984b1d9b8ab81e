"""Looks up candidates for the current principal."""

from core.fees.candidate import Candidate
from core.fees.errors import UnknownCandidate
from core.fees.ports import Candidates
from core.kernel.authorization import current_principal


async def reachable_candidate(candidates: Candidates, registration: str) -> Candidate:
    """Return the candidate; raise `UnknownCandidate` also for one outside the centre or self of the principal."""
    candidate = await candidates.find(registration)
    if not current_principal.get().reaches(candidate.id, candidate.centre):
        raise UnknownCandidate.registered(registration)
    return candidate
