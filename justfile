set positional-arguments

# Tests and benchmarks start Python hundreds of times: each but the first shall find its modules compiled.
export PYTHONDONTWRITEBYTECODE := ""

# Two processes, each with its own servers; a file stays in one of them, and the short files come last. -n0 undoes it
in_two := "-n 2 --dist loadfile --no-loadscope-reorder"

[private]
default:
    @"{{ just_executable() }}" --list --unsorted

# Serve the whole fee office on this machine
serve *args:
    uv run bursar serve "$@"

# Run every test that can run here; --require-stack fails those that cannot
test *args:
    uv run --group bench pytest {{ in_two }} "$@"

# Everything that needs no test run: style, types, architecture
check: lint types arch

# Look for mistakes and untidy code
lint:
    uv run ruff check
    uv run ruff format --check

# Check the types
types:
    uv run --group bench mypy

# Check who may import whom
arch *args:
    uv run lint-imports
    uv run pytest tests/architecture "$@"

# Test the rules, without anything outside
unit *args:
    uv run --group bench pytest {{ in_two }} tests/unit "$@"

# Test the rules on the Python of the container image
unit-in-image image=env("BURSAR_TEST_PYTHON_IMAGE", "python:3.14-slim"):
    uv export --quiet --no-hashes --no-emit-project --all-groups --all-extras --output-file .venv/in_image.txt
    rm -rf .venv/in_image
    uv pip install --quiet --target .venv/in_image --requirements .venv/in_image.txt . $(docker run --rm {{ image }} python3 -c \
        'import platform as on; print("--python-version", on.python_version(), "--python-platform", on.machine() + "-manylinux_2_28")')
    docker run --rm --network none --volume "$PWD:/bursar:ro" --workdir /bursar \
        --env PYTHONPATH=/bursar:/bursar/.venv/in_image --env PYTHONDONTWRITEBYTECODE=1 --env HOME=/tmp --env HYPOTHESIS_STORAGE_DIRECTORY=/tmp/hypothesis \
        {{ image }} python3 -m pytest -p no:cacheprovider {{ in_two }} tests/unit

# Test every adapter against the promises of its port
contract *args:
    uv run pytest {{ in_two }} tests/contract "$@"

# Test what only one adapter promises
integration *args:
    uv run --group bench pytest {{ in_two }} tests/integration "$@"

# Test whole stories: the wheel, and the stack in containers
e2e *args:
    uv run pytest {{ in_two }} tests/e2e "$@"

# Build the documentation into site/, strictly
docs *args:
    NO_MKDOCS_2_WARNING=1 uv run --group docs mkdocs build --strict "$@"

# Rewrite the generated parts of the reference pages
docs-reference:
    uv run python -m docs.generator

# Kill the fee office in every way we know of, and count what is left: --minutes 20 --kills 500 --seed 7
chaos *args:
    uv run python -m tests.chaos "$@"

# Test the kill kit itself: an office that breaks a promise must be found out
chaos-kit *args:
    uv run pytest tests/chaos "$@"

# Measure everything, side by side with the usual stack: --only submissions,depth  --quick  --json
bench *args:
    uv run --group bench python -m benchmarks.pipeline "$@"

# Measure how long migrations delay reads and writes of large tables: --rows 100000  --only students,inbox  --sqlite
bench-migrations *args:
    uv run --group bench python -m benchmarks.migrations "$@"

# Tell where the time of one submission goes, and write it into benchmarks/README.md
profile *args:
    uv run python -m benchmarks.profile "$@"

# Measure what a flood does to it, ten times what it can take: --minutes 1  --rate 10000  --workers 2
flood *args:
    uv run python -m benchmarks.overload "$@"

# Start the stack of compose.yaml, and wait until it is healthy
up *args:
    docker compose up --build --detach --wait "$@"

# Stop the stack; --volumes forgets its data too
down *args:
    docker compose down "$@"

# Bring a database to the newest schema: just migrate --config production.toml
migrate *args:
    uv run bursar migrate "$@"

# Dump the database of MySQL into a folder, and copy its binary log there: MYSQL_HOST=… MYSQL_USER=… just backup /backups
backup folder:
    deploy/backup/backup "$1"
    deploy/backup/backup-log "$1"

# Fill an empty database from that folder, up to a moment or to the end: just restore /backups 2026-11-28T09:30:00
restore folder *moment:
    deploy/backup/restore "$@"

# Tidy the code
format:
    uv run ruff check --fix
    uv run ruff format

# Move every dependency to what was published before a day (YYYY-MM-DD, UTC), and export them for the image
lock day=`date -u +%F`:
    sed -i.bak 's/^exclude-newer = .*/exclude-newer = "{{ day }}T00:00:00Z"/' pyproject.toml && rm pyproject.toml.bak
    rm -f uv.lock
    uv export --quiet --no-dev --extra traces --no-emit-project --no-header --no-annotate --output-file deploy/requirements.txt
    uv run --no-sync python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb")); print(*project["build-system"]["requires"], *project["dependency-groups"]["image"], sep="\n")' \
        | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --output-file deploy/requirements-build.txt -
