"""The fields of Chaos Mesh (2.7) that experiments use, as it documents them: no package has its schemas."""

from typing import Any, Literal

from msgspec import Struct

Duration = str
"""Such as 40s."""


class Selector(Struct, rename="camel", forbid_unknown_fields=True):
    label_selectors: dict[str, str]


class _Experiment(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    mode: Literal["one", "all", "fixed", "fixed-percent", "random-max-percent"]
    selector: Selector
    duration: Duration | None = None
    container_names: list[str] = []


class PodChaos(_Experiment, rename="camel", forbid_unknown_fields=True, kw_only=True):
    action: Literal["pod-kill", "pod-failure", "container-kill"]
    grace_period: int = 0


class _Delay(Struct, forbid_unknown_fields=True):
    latency: Duration
    jitter: Duration
    correlation: str


class _Loss(Struct, forbid_unknown_fields=True):
    loss: str
    correlation: str


class NetworkChaos(_Experiment, rename="camel", forbid_unknown_fields=True, kw_only=True):
    action: Literal["partition", "delay", "loss"]
    direction: Literal["to"]  # Others have no effect with external targets.
    external_targets: list[str]
    delay: _Delay | None = None
    loss: _Loss | None = None


class IOChaos(_Experiment, rename="camel", forbid_unknown_fields=True, kw_only=True):
    action: Literal["latency", "fault", "attrOverride", "mistake"]
    volume_path: str
    path: str
    errno: int
    percent: int
    methods: list[str]


class _Cpu(Struct, forbid_unknown_fields=True):
    workers: int
    load: int


class _Memory(Struct, forbid_unknown_fields=True):
    workers: int
    size: str


class _Stressors(Struct, forbid_unknown_fields=True):
    cpu: _Cpu | None = None
    memory: _Memory | None = None


class StressChaos(_Experiment, rename="camel", forbid_unknown_fields=True, kw_only=True):
    stressors: _Stressors


class TimeChaos(_Experiment, rename="camel", forbid_unknown_fields=True, kw_only=True):
    time_offset: str
    clock_ids: list[Literal["CLOCK_REALTIME"]]


Experiment = PodChaos | NetworkChaos | IOChaos | StressChaos | TimeChaos

KINDS: dict[str, type[Experiment]] = {
    each.__name__: each for each in (PodChaos, NetworkChaos, IOChaos, StressChaos, TimeChaos)
}


class Task(Struct, forbid_unknown_fields=True):
    container: dict[str, Any]
    volumes: list[dict[str, Any]]


class Template(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A step of a workflow; that of an experiment has its specification under the name of its kind."""

    name: str
    template_type: str
    deadline: Duration
    children: list[str] = []
    task: Task | None = None
    pod_chaos: PodChaos | None = None
    network_chaos: NetworkChaos | None = None
    io_chaos: IOChaos | None = None
    stress_chaos: StressChaos | None = None
    time_chaos: TimeChaos | None = None

    @property
    def experiment(self) -> Experiment | None:
        """What it disturbs."""
        return self.pod_chaos or self.network_chaos or self.io_chaos or self.stress_chaos or self.time_chaos


class Workflow(Struct, forbid_unknown_fields=True):
    entry: str
    templates: list[Template]
