#!/usr/bin/env python3
"""What the `helm` program would be called for, through the Python package helm-python-sdk.

    chart.py lint CHART [VALUES.yaml]
    chart.py render CHART [VALUES.yaml] [--name NAME] [--namespace NAMESPACE]
    chart.py manifests CHART FOLDER [--check]    plain manifests for kubectl, from the chart
    chart.py package CHART FOLDER
"""

import argparse
import pathlib
import re
import sys

import helm_python

# The order in which a person reads them, and in which kubectl needs them.
KINDS = [
    "ServiceAccount",
    "ConfigMap",
    "Service",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "StatefulSet",
]

# The plain manifests: values beside the defaults, and the kinds that are taken of what they render.
MONITORS = ["ServiceMonitor", "PrometheusRule"]
MANIFESTS = {
    "dimseway.yaml": ({}, KINDS),
    "monitoring.yaml": ({"monitoring": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}}, MONITORS),
}

HEADER = "# Rendered from deploy/helm/dimseway by `cargo xtask deploy`; deploy/README.md says how to use it.\n"

# Lines that are true of a release of Helm only.
OF_HELM = re.compile(r"^ *(app\.kubernetes\.io/managed-by: Helm|helm\.sh/chart: .*|# Source: .*)\n", re.MULTILINE)


def documents(rendered):
    """The objects of a rendered chart, as text, notes left out."""
    found = []
    for path in sorted(rendered):
        if path.endswith(".txt"):
            continue
        for text in re.split(r"^---\s*$", rendered[path], flags=re.MULTILINE):
            if re.search(r"^kind:", text, flags=re.MULTILINE):
                found.append(text.strip("\n") + "\n")
    return sorted(found, key=order)


def kind(text):
    return re.search(r"^kind: *(\S+)", text, flags=re.MULTILINE).group(1)


def order(text):
    return KINDS.index(kind(text)) if kind(text) in KINDS else len(KINDS)


def values_of(path):
    return helm_python.values_from_yaml(pathlib.Path(path).read_text()) if path else None


def render(chart, values, name="dimseway", namespace="dimseway"):
    with helm_python.Chart.load(chart) as loaded:
        loaded.validate_schema(values)
        return documents(loaded.render(values, name=name, namespace=namespace))


def lint(chart, values):
    report = helm_python.lint(chart, values, strict=True)
    found = [message for message in report["messages"] if message["severity"] >= 2]
    for message in found:
        print(message["path"], message["error"])
    return not found and not report["errors"]


def manifests(chart, folder, check):
    """Writes the plain manifests, or compares them; true where nothing differs."""
    same = True
    for name, (values, kinds) in MANIFESTS.items():
        chosen = [text for text in render(chart, values) if kind(text) in kinds]
        text = HEADER + OF_HELM.sub("", "---\n".join(chosen))
        path = pathlib.Path(folder) / name
        if path.is_file() and path.read_text() == text:
            continue
        if check:
            print(f"{path} differs from what the chart renders: run `cargo xtask deploy`")
            same = False
        else:
            path.write_text(text)
            print(f"wrote {path}")
    return same


def main():
    parser = argparse.ArgumentParser()
    tasks = parser.add_subparsers(dest="task", required=True)
    for task in ["lint", "render", "manifests", "package"]:
        tasks.add_parser(task).add_argument("chart")
    for task in ["lint", "render"]:
        tasks.choices[task].add_argument("values", nargs="?")
    tasks.choices["render"].add_argument("--name", default="dimseway")
    tasks.choices["render"].add_argument("--namespace", default="dimseway")
    for task in ["manifests", "package"]:
        tasks.choices[task].add_argument("folder")
    tasks.choices["manifests"].add_argument("--check", action="store_true")
    asked = parser.parse_args()
    try:
        if asked.task == "lint":
            sys.exit(0 if lint(asked.chart, values_of(asked.values)) else 1)
        elif asked.task == "manifests":
            sys.exit(0 if manifests(asked.chart, asked.folder, asked.check) else 1)
        elif asked.task == "package":
            print(helm_python.package(asked.chart, destination=asked.folder))
        else:
            sys.stdout.write("---\n".join(render(asked.chart, values_of(asked.values), asked.name, asked.namespace)))
    except helm_python.HelmError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
