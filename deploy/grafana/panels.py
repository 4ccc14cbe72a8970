#!/usr/bin/env python3
"""What each panel of the dashboard shows, asked of a Prometheus: panels.py URL [DASHBOARD]

Prints the present values, one line each, and ends with 1 where a panel has none: why is it empty?
"""

import json
import math
import pathlib
import sys
import urllib.parse
import urllib.request

# What the variables of the dashboard stand for when all is chosen.
ALL = {"$instance": ".*", "$peer": ".*", "$destination": ".*", "$__rate_interval": "1m"}

# Longest wait for an answer, in seconds.
TIMEOUT = 30

# Series of a panel that are printed.
SHOWN = 4


def ask(url, expression):
    """Series as pairs of labels and value; those that are no number are left out."""
    for variable, value in ALL.items():
        expression = expression.replace(variable, value)
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=TIMEOUT) as answer:
        found = json.load(answer)["data"]["result"]
    values = [(series["metric"], float(series["value"][1])) for series in found]
    return [(labels, value) for labels, value in values if not math.isnan(value)]


def main():
    url = sys.argv[1].rstrip("/")
    beside = pathlib.Path(__file__).with_name("dimseway.json")
    dashboard = json.loads(pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else beside).read_text())
    empty = 0
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            print(f"\n{panel['title']}")
            continue
        series = [found for target in panel["targets"] for found in ask(url, target["expr"])]
        empty += not series
        shown = [
            " ".join([*(value for name, value in sorted(labels.items()) if name != "job"), f"= {value:.4g}"])
            for labels, value in series[:SHOWN]
        ]
        more = f", and {len(series) - SHOWN} more" if len(series) > SHOWN else ""
        print(f"  {panel['title']}: {', '.join(shown) + more if series else 'NOTHING'}")
    print(f"\n{empty} panels are empty")
    sys.exit(1 if empty else 0)


if __name__ == "__main__":
    main()
