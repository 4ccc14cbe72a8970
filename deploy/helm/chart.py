#!/usr/bin/env python3
"""What the `helm` program would be called for, through the Python package helm-python-sdk.

    chart.py lint CHART
    chart.py render CHART [VALUES.yaml] [--name NAME] [--namespace NAMESPACE]
    chart.py plain CHART [VALUES.yaml] [...]    the same for kubectl, without Helm's labels
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


def order(text):
    kind = re.search(r"^kind: *(\S+)", text, flags=re.MULTILINE).group(1)
    return KINDS.index(kind) if kind in KINDS else len(KINDS)


def render(arguments):
    values = None
    if arguments.values:
        values = helm_python.values_from_yaml(pathlib.Path(arguments.values).read_text())
    with helm_python.Chart.load(arguments.chart) as chart:
        chart.validate_schema(values)
        return documents(chart.render(values, name=arguments.name, namespace=arguments.namespace))


def lint(arguments):
    report = helm_python.lint(arguments.chart, strict=True)
    found = [m for m in report["messages"] if m["severity"] >= 2]
    for message in found:
        print(message["path"], message["error"])
    return not found and not report["errors"]


def main():
    parser = argparse.ArgumentParser()
    tasks = parser.add_subparsers(dest="task", required=True)
    tasks.add_parser("lint").add_argument("chart")
    for task in ["render", "plain"]:
        rendering = tasks.add_parser(task)
        rendering.add_argument("chart")
        rendering.add_argument("values", nargs="?")
        rendering.add_argument("--name", default="dimseway")
        rendering.add_argument("--namespace", default="dimseway")
    packaging = tasks.add_parser("package")
    packaging.add_argument("chart")
    packaging.add_argument("folder")
    arguments = parser.parse_args()
    try:
        if arguments.task == "lint":
            sys.exit(0 if lint(arguments) else 1)
        if arguments.task == "package":
            print(helm_python.package(arguments.chart, destination=arguments.folder))
            return
        text = "---\n".join(render(arguments))
        sys.stdout.write(OF_HELM.sub("", text) if arguments.task == "plain" else text)
    except helm_python.HelmError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
