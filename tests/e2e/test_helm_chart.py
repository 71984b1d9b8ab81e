"""The Helm chart: each example is what a real API server accepts, and what the program understands."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import PortWaitStrategy

from config.settings_file import load
from tests import containers as stack
from tests.e2e.workspace import until

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "deploy/helm/bursar"
VALUES = CHART / "values.yaml"
EXAMPLES = {
    "small": ["examples/small.yaml"],
    "standard": ["examples/standard.yaml"],
    "everything": ["examples/standard.yaml", "examples/everything.yaml"],
}
KUBERNETES_VERSION = "1.36.0"
OF_OPERATORS = {"ScaledObject", "ServiceMonitor", "PrometheusRule"}
"""Kinds whose definitions come with KEDA and the operator of Prometheus."""
ROLES = {"http", "consumer", "relay", "dispatcher", "scheduler"}
SECRET_TEXTS = {"ENCRYPTION__KEYS": "1:" + "A" * 43, "REDIS__URL": "redis://:x@redis:6379/0"}
needs_helm = pytest.mark.skipif(not shutil.which("helm"), reason="there is no `helm`")


@cache
def rendered(example: str) -> list[Any]:
    """Return the resources of an example."""
    files = [word for name in EXAMPLES[example] for word in ("--values", str(CHART / name))]
    told = helm("template", "office", str(CHART), "--kube-version", KUBERNETES_VERSION, *files)
    assert told.returncode == 0, told.stderr
    return [resource for resource in yaml.safe_load_all(told.stdout) if resource]


def helm(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["helm", *words], capture_output=True, text=True, timeout=60, check=False)


def pods(example: str) -> dict[str, Any]:
    """Return the specification of each pod by the name of its Deployment or Job."""
    kinds = ("Deployment", "Job")
    found = [each for each in rendered(example) if each["kind"] in kinds]
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in found}


def named(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each value that an operator can set."""
    for key, inner in value.items():
        yield (*path, key)
        if isinstance(inner, Mapping) and key not in {"settings", "resources", "requests", "limits"}:
            yield from named(inner, (*path, key))


def schema_paths(schema: Any, definitions: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
        if not path or path[-1] == "resources":
            return
    for key, inner in schema.get("properties", {}).items():
        yield (*path, key)
        yield from schema_paths(inner, definitions, (*path, key))


@needs_helm
@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_passes_lint(example: str) -> None:
    files = [word for name in EXAMPLES[example] for word in ("--values", str(CHART / name))]
    told = helm("lint", "--strict", str(CHART), "--kube-version", KUBERNETES_VERSION, *files)
    assert told.returncode == 0, told.stdout


@needs_helm
def test_a_value_that_does_not_exist_is_refused() -> None:
    told = helm("template", "office", str(CHART), "--kube-version", KUBERNETES_VERSION, "--set", "roles.http.replica=3")
    assert told.returncode != 0
    assert "replica" in told.stderr


def test_every_value_is_documented_and_every_documented_value_is_checked() -> None:
    lines = VALUES.read_text().splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r" *[A-Za-z]+:", line)]
    flow = ("MYSQL__USER", "requests", "limits")
    undocumented = [
        lines[number].strip()
        for number in keys
        if not lines[number].strip().startswith(flow) and not lines[number - 1].strip().startswith("#")
    ]
    schema = json.loads((CHART / "values.schema.json").read_text())
    checked = set(schema_paths(schema, schema["$defs"])) - {("global",)}  # Helm adds that one

    assert undocumented == []
    assert checked == set(named(yaml.safe_load(VALUES.read_text())))


def test_every_documented_value_is_used() -> None:
    templates = "".join(each.read_text() for each in (CHART / "templates").iterdir())
    used = set(re.findall(r"\.([A-Za-z]+)\b", templates))
    roles = {("roles", role) for role in ROLES - {"http", "consumer"}}  # a loop over all roles uses them
    unused = {path for path in named(yaml.safe_load(VALUES.read_text())) if path[-1] not in used} - roles
    assert unused == set()


@needs_helm
def test_changing_any_value_changes_what_is_created() -> None:
    changes = {
        "image.repository": "other",
        "image.tag": "other",
        "image.pullPolicy": "Always",
        "image.pullSecrets[0]": "other",
        "settings.KAFKA__GROUP": "other",
        "migration.enabled": "false",
        "migration.settings.MYSQL__USER": "other",
        "migration.deadlineSeconds": "7",
        "migration.resources.limits.memory": "7Gi",
        "drainSeconds": "7",
        "maxUnavailable": "0",
        "topologySpread.keys": "{other}",
        "topologySpread.whenUnsatisfiable": "DoNotSchedule",
        "service.port": "7",
        "ingress.enabled": "true",
        "networkPolicy.enabled": "false",
        "serviceMonitor.enabled": "true",
        "prometheusRule.enabled": "true",
        "nodeSelector.other": "node",
        "roles.http.autoscaling.enabled": "true",
        **{f"roles.{role}.replicas": "7" for role in ROLES},
        **{f"roles.{role}.settings.MYSQL__CONNECTIONS": "7" for role in ROLES},
        **{f"roles.{role}.resources.limits.memory": "7Gi" for role in ROLES},
    }
    at = ("template", "office", str(CHART), "--kube-version", KUBERNETES_VERSION)
    before = helm(*at).stdout
    told = {path: helm(*at, "--set", f"{path}={value}") for path, value in changes.items()}
    assert {path: each.stderr for path, each in told.items() if each.returncode} == {}
    assert [path for path, each in told.items() if each.stdout == before] == []


@needs_helm
@pytest.mark.parametrize("example", EXAMPLES)
def test_the_program_understands_the_settings_of_each_role(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, pod in pods(example).items():
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            given = {each["name"]: each["value"] for each in container["env"]}
            for variable in [each for each in given if each.endswith("_FILE") and "/run/secrets/" in given[each]]:
                setting = given[variable].rpartition("/")[2]
                file = tmp_path / setting
                file.write_text(SECRET_TEXTS.get(setting, "of at least thirty-two characters"))
                given[variable] = str(file)
            settings = load(REPOSITORY / "config/production.toml", given)
            if name != "office-migration":
                assert settings.serve == (name.removeprefix("office-"),)
            assert settings.mysql.user == ("bursar_migration" if name == "office-migration" else "bursar")
            assert settings.mysql.password.reveal()


@needs_helm
@pytest.mark.parametrize("example", EXAMPLES)
def test_each_role_is_a_deployment_of_one_image_and_ends_after_its_drain(example: str) -> None:
    found = pods(example)
    drain = {
        int(each["value"])
        for pod in found.values()
        for each in pod["containers"][0]["env"]
        if each["name"] == "BURSAR__HTTP__DRAIN_SECONDS"
    }
    roles = {name.removeprefix("office-"): pod for name, pod in found.items() if name != "office-migration"}

    assert set(roles) == ROLES
    assert len({container["image"] for pod in found.values() for container in pod["containers"]}) == 1
    assert len(drain) == 1
    assert {pod["terminationGracePeriodSeconds"] for pod in roles.values()} == {min(drain) + 15}


@needs_helm
def test_each_role_is_asked_for_its_health_at_a_port_of_its_own() -> None:
    containers = [pod["containers"][0] for name, pod in pods("small").items() if name != "office-migration"]
    for container in containers:
        asked = [container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")]
        assert [each["path"] for each in asked] == ["/health/started", "/health/live", "/health/ready"]
        assert {each["port"] for each in asked} <= {port["name"] for port in container["ports"]}
        address = {each["name"]: each["value"] for each in container["env"]}["BURSAR__TELEMETRY__METRICS_ADDRESS"]
        assert address.endswith(f":{container['ports'][-1]['containerPort']}")


@needs_helm
def test_no_secret_is_in_a_variable() -> None:
    environment = [each for pod in pods("everything").values() for each in pod["containers"][0]["env"]]
    files = [each["value"] for each in environment if each["name"].endswith(("PASSWORD_FILE", "SECRET_FILE"))]
    assert {file.rpartition("/")[0] for file in files} == {"/run/secrets/bursar"}
    assert not [each for each in environment if each["name"].endswith(("PASSWORD", "SECRET", "KEYS", "TOKEN"))]


@needs_helm
def test_each_resource_has_the_schema_of_kubernetes() -> None:
    if not shutil.which("kubeconform"):
        pytest.skip("there is no `kubeconform`")
    schemas = os.environ.get("KUBECONFORM_SCHEMAS", "default")
    words = ["-strict", "-kubernetes-version", KUBERNETES_VERSION, "-schema-location", schemas]
    told = subprocess.run(
        ["kubeconform", *words, "-skip", ",".join(OF_OPERATORS)],
        input=yaml.safe_dump_all([resource for example in EXAMPLES for resource in rendered(example)]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stdout


@needs_helm
def test_the_resources_of_operators_name_what_exists() -> None:
    found = {each["kind"]: each for each in rendered("everything") if each["kind"] in OF_OPERATORS}
    names = {(each["kind"], each["metadata"]["name"]) for each in rendered("everything")}
    [trigger] = found["ScaledObject"]["spec"]["triggers"]

    assert set(found) == OF_OPERATORS
    assert ("Deployment", found["ScaledObject"]["spec"]["scaleTargetRef"]["name"]) in names
    assert trigger["metadata"]["consumerGroup"] == load(REPOSITORY / "config/production.toml", {}).kafka.group
    assert found["ServiceMonitor"]["spec"]["endpoints"][0]["port"] in {
        port["name"] for each in rendered("everything") if each["kind"] == "Service" for port in each["spec"]["ports"]
    }


@needs_helm
def test_the_rules_of_the_chart_are_those_of_prometheus() -> None:
    [rule] = [each for each in rendered("everything") if each["kind"] == "PrometheusRule"]
    rules = REPOSITORY / "deploy/prometheus/alerts.yml"
    assert (CHART / "files/alerts.yml").resolve() == rules
    assert rule["spec"] == yaml.safe_load(rules.read_text())


@pytest.fixture(scope="module")
def api_server() -> Iterator[str]:
    """Start a real API server with a namespace that warns about pods which are not restricted; yield its container."""
    container = DockerContainer(stack.KUBERNETES).with_exposed_ports(6443)
    with container.waiting_for(PortWaitStrategy(6443)):
        name = container.get_wrapped_container().id
        until(lambda: kubectl(name, "get", "--raw", "/readyz").returncode == 0, seconds=60)
        labels = {"pod-security.kubernetes.io/warn": "restricted", "pod-security.kubernetes.io/enforce": "restricted"}
        office = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "office", "labels": labels}}
        assert kubectl(name, "apply", "-f", "-", resources=[office]).returncode == 0
        yield name


def kubectl(container: str, *words: str, resources: list[Any] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["docker", "exec", "-i", container, "kubectl", *words],
        input=yaml.safe_dump_all(resources or []),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def kubernetes(request: pytest.FixtureRequest) -> str:
    """Return the container of the API server; skip the test with a reason if it cannot be started."""
    reason = stack.no_docker() or (None if stack.KUBERNETES else "BURSAR_TEST_KUBERNETES_IMAGE names no image")
    if reason:
        pytest.skip(f"kubernetes: {reason}")
    found: str = request.getfixturevalue("api_server")
    return found


def accepted(container: str, resources: list[Any]) -> "subprocess.CompletedProcess[str]":
    return kubectl(container, "apply", "--dry-run=server", "--namespace=office", "-f", "-", resources=resources)


@needs_helm
@pytest.mark.parametrize("example", EXAMPLES)
def test_a_real_api_server_accepts_each_example_as_restricted(kubernetes: str, example: str) -> None:
    resources = [each for each in rendered(example) if each["kind"] not in OF_OPERATORS]
    told = accepted(kubernetes, resources)

    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.count("(server dry run)") == len(resources)


@needs_helm
def test_that_api_server_warns_about_a_pod_that_could_be_root(kubernetes: str) -> None:
    found = {(each["kind"], each["metadata"]["name"]): each for each in rendered("small")}
    changed = deepcopy(found["Deployment", "office-relay"])
    del changed["spec"]["template"]["spec"]["securityContext"]

    assert "runAsNonRoot" in accepted(kubernetes, [changed]).stderr
