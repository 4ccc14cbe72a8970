"""Validates the objects on standard input as Kubernetes would, and prints them as JSON.

The folder with schemas of the Prometheus operator's kinds is the first argument, versions of Kubernetes
are the others.
"""

import json
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

schemas = {path.stem: json.loads(path.read_text()) for path in pathlib.Path(sys.argv[1]).glob("*.json")}
objects = [found for found in yaml.safe_load_all(sys.stdin) if found is not None]
faults = []
for found in objects:
    subject = f"{found.get('kind')} {found.get('metadata', {}).get('name')}"
    if found.get("apiVersion", "").startswith("monitoring.coreos.com/"):
        validator = jsonschema.Draft202012Validator(schemas[found["kind"]])
        faults += [f"{subject}: {error.json_path}: {error.message}" for error in validator.iter_errors(found)]
        continue
    for version in sys.argv[2:]:
        try:
            kubernetes_validate.validate(found, version, strict=True)
        except Exception as error:
            faults.append(f"{subject} in Kubernetes {version}: {error}")
json.dump({"objects": objects, "faults": faults}, sys.stdout)
