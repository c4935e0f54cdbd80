"""Dashboards in the JSON that Grafana imports (its classic format), by Grafana's own SDK.

Builders of the SDK are changed by what is called on them, so each is made and built
within one function. What the SDK leaves open is set here: ids of panels, ``refId`` of
queries, places on the grid; and what it sets that does not belong in a file is unset.
"""

import json
import warnings
from collections.abc import Iterator
from string import ascii_uppercase
from typing import Any

from verifier.catalogue.query import query
from verifier.dashboards.panel import WIDTH, Dashboard, Kind, Panel, Section, Target, Unit

with warnings.catch_warnings():
    # The SDK deprecates the classic format; Grafana imports it, and older ones nothing else.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        common,
        prometheus,
        table,
        timeseries,
    )
    from grafana_foundation_sdk.builders import dashboard as builders
    from grafana_foundation_sdk.builders import stat as stats
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import common as words
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models import prometheus as prometheus_words

SCHEMA_VERSION = 41
"""Version of the classic format; Grafana migrates older ones when it imports them."""

TAG = "landed"
JOBS = "label_values(landed_job_registered_timestamp_seconds, job_name)"
"""The query of the variable ``job_name``."""

_SOURCE = words.DataSourceRef(type_val="prometheus", uid="${datasource}")
_JOB_LINK = "/d/landed-job?var-datasource=${datasource}&var-job_name=${__data.fields.job}"


def grafana_json(dashboard: Dashboard, verifier: str) -> str:
    """The file to import; ``verifier`` is the address that it links to.

    Raises ``UnknownFamily`` or ``UnknownLabel`` where a query asks for what the
    catalogue does not have.
    """
    made = _head(dashboard, verifier).build()
    made.panels = list(_panels(dashboard))
    made.schema_version = SCHEMA_VERSION
    document = json.loads(json.dumps(made, cls=JSONEncoder))
    for link in document["links"]:
        # The SDK would move links into a menu that only the newest versions have.
        link.pop("placement", None)
    return json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _head(dashboard: Dashboard, verifier: str) -> builders.Dashboard:
    others = (
        builders.DashboardLink("landed")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)
        .keep_time(True)
    )
    runs = f"{verifier}/v1/runs?job=${{job_name}}" if dashboard.of_job else f"{verifier}/v1/jobs"
    api = builders.DashboardLink("verifier").type(models.DashboardLinkType.LINK).url(runs)
    made = (
        builders.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.says)
        .tags([TAG])
        .timezone("browser")
        .time("now-24h", "now")
        .refresh("30s")
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(
            builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
        )
        .link(others)
        .link(api)
    )
    if dashboard.of_job:
        made.with_variable(
            builders.QueryVariable("job_name")
            .label("job")
            .datasource(_SOURCE)
            .query(query(JOBS))
            .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(models.VariableSort.ALPHABETICAL_ASC)
        )
    # Several deployments in one Prometheus: the filter is put into every query.
    return made.with_variable(
        builders.AdHocVariable("filters").label("only where").datasource(_SOURCE)
    )


def _panels(dashboard: Dashboard) -> Iterator[models.Panel | models.RowPanel]:
    number, top = 0, 0
    for section in dashboard.sections:
        number += 1
        yield _row(section, number, top)
        top += 1
        left, bottom = 0, top
        for panel in section.panels:
            if left + panel.width > WIDTH:
                left, top = 0, bottom
            number += 1
            place = models.GridPos(x=left, y=top, w=panel.width, h=panel.height)
            yield _panel(panel, number, place)
            left, bottom = left + panel.width, max(bottom, top + panel.height)
        top = bottom


def _row(section: Section, number: int, top: int) -> models.RowPanel:
    place = models.GridPos(x=0, y=top, w=WIDTH, h=1)
    return builders.Row(section.title).id(number).grid_pos(place).collapsed(False).build()


def _panel(panel: Panel, number: int, place: models.GridPos) -> models.Panel:
    match panel.kind:
        case Kind.STAT:
            made = _stat().build()
        case Kind.LINES:
            made = _lines(panel).build()
        case Kind.TABLE:
            made = _table(panel).build()
    made.id_val, made.grid_pos = number, place
    made.title, made.description = panel.title, panel.says
    made.datasource = _SOURCE
    made.targets = [
        _target(target, ref, panel.kind)
        for ref, target in zip(ascii_uppercase, panel.targets, strict=False)
    ]
    config = made.field_config or models.FieldConfigSource()
    config.defaults.no_value = panel.nothing
    config.defaults.unit = panel.unit.value
    config.defaults.decimals = panel.decimals
    config.defaults.thresholds = _thresholds(panel)
    made.field_config = config
    return made


def _target(target: Target, ref: str, kind: Kind) -> Any:
    made = (
        prometheus.Dataquery()
        .datasource(_SOURCE)
        .expr(query(target.expr))
        .editor_mode(prometheus_words.QueryEditorMode.CODE)
        .ref_id(ref)
    )
    if kind is Kind.TABLE:
        return made.instant().format(prometheus_words.PromQueryFormat.TABLE).build()
    if target.name:
        made.legend_format(target.name)
    return (made.range() if kind is Kind.LINES else made.instant()).build()


def _thresholds(panel: Panel) -> models.ThresholdsConfig:
    colours = panel.limits or ((0.0, "text"),)
    steps = [
        models.Threshold(value=value if index else None, color=colour)
        for index, (value, colour) in enumerate(colours)
    ]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps).build()


def _stat() -> stats.Panel:
    return (
        stats.Panel()
        .graph_mode(words.BigValueGraphMode.NONE)
        .color_mode(words.BigValueColorMode.VALUE)
        .text_mode(words.BigValueTextMode.AUTO)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    )


def _lines(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .legend(
            common.VizLegendOptions()
            .display_mode(words.LegendDisplayMode.LIST)
            .placement(words.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([])
        )
        .tooltip(
            common.VizTooltipOptions()
            .mode(words.TooltipDisplayMode.MULTI)
            .sort(words.SortOrder.DESCENDING)
        )
        .line_width(1)
        .fill_opacity(10)
        .axis_soft_min(0)
    )
    if panel.lines:
        made.axis_soft_max(max(value for value, _ in panel.limits))
        made.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(words.GraphThresholdsStyleMode.DASHED)
        )
    return made


def _table(panel: Panel) -> table.Panel:
    one = len(panel.targets) == 1
    values = {
        "Value" if one else f"Value #{ref}": target.name
        for ref, target in zip(ascii_uppercase, panel.targets, strict=False)
    }
    columns = {**dict(panel.labels), **values}
    order = {name: index for index, name in enumerate(columns)}
    made = table.Panel().show_header(True)
    if not one:
        made.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    made.with_transformation(
        models.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": order,
                "renameByName": columns,
            },
        )
    )
    for label, column in panel.labels:
        properties = [models.DynamicConfigValue(id_val="unit", value=Unit.NONE.value)]
        if label == "job_name":
            link = {"title": "the job", "url": _JOB_LINK}
            properties.append(models.DynamicConfigValue(id_val="links", value=[link]))
        made.override_by_name(column, properties)
    return made
