import re

import pytest
from prometheus_client import Metric

from gator.telemetry.metrics import Metrics

FAMILIES: list[Metric] = list(Metrics().registry.collect())


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_metric_is_named_and_explained_like_the_others(family: Metric) -> None:
    assert re.fullmatch(r"gator_[a-z_]+", family.name)
    assert family.documentation[0].isupper()
    assert family.documentation.endswith(".")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_name_of_a_metric_says_its_unit(family: Metric) -> None:
    if family.type == "histogram":
        assert family.name.endswith(("_seconds", "_entries", "_per_second"))


def test_two_applications_do_not_share_counts() -> None:
    first, second = Metrics(), Metrics()
    first.connections.inc()
    assert second.registry.get_sample_value("gator_connections") == 0


def test_no_metric_is_shown_twice() -> None:
    text = Metrics().exposition().decode()
    assert "_created" not in text
    names = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(names) == len(set(names)) == len(FAMILIES)
