"""The stages of identity: sign-ins, refreshes and verifications in one process, and bodies of a megabyte over HTTP."""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

from adapters.argon2.password_hasher import available_cores
from benchmarks import seed
from benchmarks.contenders import bursar
from benchmarks.environment import BenchmarkEnvironment, Figures
from benchmarks.open_loop_load import API_KEYS_VARIABLE
from config.container import Application
from core.identity.account import AccountId, NewAccount
from core.identity.passwords.password_method import PasswordCredential
from core.identity.roles import Role
from core.identity.sessions.session_issuer import Proof
from core.identity.tokens import SessionTokens
from core.kernel.errors import Unavailable

PASSWORD = "harbour violet lantern 7"  # noqa: S105 - of an account that exists for the measurement only
CLIENTS, CROWD = 16, 600
SIGN_INS_PER_REFRESH = 20
"""A sign-in takes about twenty times as long as a refresh."""
FIRST_VERIFICATIONS, VERIFICATIONS = 500, 20_000
UNLIMITED = {"LIMITS__WRONG_PASSWORDS": "100000", "LIMITS__WRONG_PASSWORDS_PER_ADDRESS": "100000"}
"""All clients have one address and one account, and a sign-in counts until its password is verified."""
MICROSECONDS, KIB_PER_MIB = 1e6, 1024
ATTACKERS, RATE = 500, 100
"""Clients that send at once; submissions a second, far below what one process takes."""
SENDER = [sys.executable, "-m", "benchmarks.large_bodies"]


def identity(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure `number` refreshes of 16 sessions, the sign-ins that take as long, and verifications."""
    figures: dict[str, float] = {}

    async def measured(application: Application) -> None:
        tokens = await signed_in(application)
        await one_sign_in(application)
        figures.update(await sign_ins(application, number // SIGN_INS_PER_REFRESH))
        figures["sign-in p99 ms, 600 clients"], figures["refused of 600"] = await crowd(application)
        figures["memory MiB, RSS"] = resident_mib()
        figures.update(await refreshes(application, tokens, number))
        figures.update(await verifications(application, environment.credentials[0]))
        figures["peak memory MiB, RSS"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MIB

    environment.changes |= UNLIMITED
    environment.prepare(measured)
    return figures


async def signed_in(application: Application) -> list[SessionTokens]:
    """Create the signing key and an account with a password; return the tokens of its sessions."""
    use_cases, issuer = application.use_cases().identity, application.identity.session_issuer()
    await use_cases.create_signing_key()
    link = await use_cases.create_administrator("meenakshi", "Meenakshi Iyer")
    await use_cases.set_password(link.token, PASSWORD)
    accounts = [
        await use_cases.create_account(NewAccount(roles=(Role.CLERK,), name=f"Clerk {number}", centre="4012"))
        for number in range(CLIENTS)
    ]
    return [await issuer.open(Proof(account=each.id, methods=("pwd",))) for each in accounts]


async def one_sign_in(application: Application) -> None:
    """Sign in once."""
    await application.use_cases().identity.sign_in(PasswordCredential(login="meenakshi", password=PASSWORD))


async def sign_ins(application: Application, number: int) -> Figures:
    """Return the rates, with as many clients as keep each core at work."""
    clients = 2 * available_cores()
    wall, cpu = await timed([repeated(one_sign_in, application, number // clients) for _ in range(clients)])
    done = number // clients * clients
    return {"sign-ins/s": done / wall, "sign-ins per second of a core": done / cpu}


async def repeated(act: Callable[[Application], Awaitable[None]], application: Application, times: int) -> None:
    """Repeat an act."""
    for _ in range(times):
        await act(application)


async def crowd(application: Application) -> tuple[float, float]:
    """Return the 99th percentile of 600 clients at once in milliseconds, refusals included, and their number."""

    async def client() -> tuple[float, bool]:
        began = time.perf_counter()
        try:
            await one_sign_in(application)
        except Unavailable:
            return time.perf_counter() - began, True
        return time.perf_counter() - began, False

    found = await asyncio.gather(*(client() for _ in range(CROWD)))
    durations = sorted(seconds for seconds, _ in found)
    return durations[int(CROWD * 0.99)] * 1_000, sum(refused for _, refused in found)


async def refreshes(application: Application, tokens: list[SessionTokens], number: int) -> Figures:
    """Return the rates of 16 sessions that refresh one after another, each refresh committed."""
    refresh = application.use_cases().identity.refresh_session

    async def client(own: SessionTokens) -> None:
        for _ in range(number // CLIENTS):
            own = await refresh(own.refresh_token)

    wall, cpu = await timed([client(each) for each in tokens])
    done = number // CLIENTS * CLIENTS
    return {"durable refreshes/s": done / wall, "refreshes per second of a core, without MySQL": done / cpu}


async def verifications(application: Application, api_key: str) -> Figures:
    """Return the microseconds of a core for a verification of a known token, of a first one, and of a known API key."""
    issuer, use_cases = application.identity.session_issuer(), application.use_cases().identity
    verify = use_cases.authenticate_session
    known = await application.identity.password_list().find("meenakshi")
    proof = Proof(account=AccountId(known.account if known else UUID(int=0)), methods=("pwd",))
    tokens = [(await issuer.open(proof)).access_token for _ in range(FIRST_VERIFICATIONS)]
    _, first = await timed([repeated_verification(verify, tokens)])
    _, cached = await timed([repeated_verification(verify, tokens[:1] * VERIFICATIONS)])
    _, by_key = await timed([repeated_verification(use_cases.authenticate_api_key, [api_key] * VERIFICATIONS)])
    return {
        "verification µs of a core, cached": cached / VERIFICATIONS * MICROSECONDS,
        "verification µs of a core, first": first / FIRST_VERIFICATIONS * MICROSECONDS,
        "verification µs of a core, API key": by_key / VERIFICATIONS * MICROSECONDS,
    }


async def repeated_verification(verify: Callable[[str], Awaitable[object]], tokens: list[str]) -> None:
    """Verify tokens one after another."""
    for token in tokens:
        await verify(token)


async def timed(acts: list[Awaitable[None]]) -> tuple[float, float]:
    """Return the seconds that all acts together take, and the seconds of cores that this process spends on them."""
    began, busy = time.perf_counter(), time.process_time()
    await asyncio.gather(*acts)
    return time.perf_counter() - began, time.process_time() - busy


def resident_mib() -> float:
    """Return the resident memory of this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / KIB_PER_MIB


def large_bodies(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure `number` submissions alone, and beside a megabyte from 500 clients to another process and to Bursar."""
    seed.candidates(environment, 4 * number, "sahyadri-test")
    found = dict[str, float]()
    words = [*SENDER, "discard"]
    with bursar(environment) as process, subprocess.Popen(words, stdout=subprocess.PIPE) as other:  # noqa: S603 - fixed command
        port, first = process.wait_until_ready().rpartition(":")[2], iter(range(1, 4 * number, number))
        assert other.stdout is not None  # noqa: S101 - opened above
        try:
            submit_beside(environment, port, next(first), number, "")
            for name, attacked in (("alone", ""), ("beside others", other.stdout.readline()), ("attacked", port)):
                found[name] = submit_beside(environment, port, next(first), number, attacked)
        finally:
            other.terminate()
    ratio = found["attacked"] / found["beside others"]
    return {f"submission p99 ms, {name}": p99 for name, p99 in found.items()} | {"attacked / beside others": ratio}


def submit_beside(
    environment: BenchmarkEnvironment, port: str, first: int, number: int, attacked: str | bytes
) -> float:
    """Return the 99th percentile in milliseconds."""
    words = [sys.executable, "-m", "benchmarks.open_loop_load", port, "16", str(RATE), str(number / RATE), str(first)]
    variables = {**os.environ, API_KEYS_VARIABLE: " ".join(environment.credentials)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=variables) as submitting:  # noqa: S603 - fixed command
        time.sleep(1)  # the attack meets submissions under way
        if attacked:
            subprocess.run([*SENDER, "send", str(int(attacked)), str(ATTACKERS)], check=True, capture_output=True)  # noqa: S603 - fixed command
        told = json.loads(submitting.communicate()[0])
    if set(told["answers"]) != {"201"}:
        raise RuntimeError(f"the answers were not what they should be: {told}")
    return float(told["201 p99 ms"])
