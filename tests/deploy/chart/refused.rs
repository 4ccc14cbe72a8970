//! Values that would do harm are refused, by a message that names them.

use super::{CHART, PROGRAM};
use crate::repository::{python, said};

#[test]
fn wrong_values_are_refused() {
    let table = [
        ("replicas: 2", "/replicas"),
        ("replicas: 0", "/replicas"),
        ("autoscaling: {enabled: true}", "/autoscaling/enabled"),
        ("autoscaling: {enabled: false, maxReplicas: 5}", "maxReplicas"),
        ("replicaCount: 1", "replicaCount"),
        ("terminationMarginSeconds: 0", "/terminationMarginSeconds"),
        ("dimse: {aeTitle: A TITLE THAT IS TOO LONG}", "/dimse/aeTitle"),
        ("dimse: {drainDelaySeconds: 5s}", "/dimse/drainDelaySeconds"),
        ("dimse: {unknownPeers: perhaps}", "/dimse/unknownPeers"),
        ("spool: {size: big}", "/spool/size"),
        ("image: {tag: latest}", "/image/tag"),
        ("service: {type: ExternalName}", "/service/type"),
        ("service: {port: 0}", "/service/port"),
        ("log: {level: loud}", "/log/level"),
        ("secrets: [{name: archive}]", "/secrets/0"),
        ("admin: {token: secret}", "token"),
        ("configuration: \"[spool]\\ndirectory = 'x'\"", "[spool] is written by the chart"),
        ("configuration: \"[peer]\\n  [ dimse ]\"", "[dimse] is written by the chart"),
        (
            "monitoring: {serviceMonitor: {enabled: true}, podMonitor: {enabled: true}}",
            "serviceMonitor or podMonitor, not both",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (number, (values, phrase)) in table.iter().enumerate() {
        let file = folder.path().join(format!("{number}.yaml"));
        std::fs::write(&file, values).unwrap();
        let Some(mut render) = python(PROGRAM) else { return };
        let output = render.args(["render", CHART]).arg(&file).output().unwrap();
        let said = said(&output);
        assert!(!output.status.success(), "{values} was taken: {said}");
        assert!(said.contains(phrase), "{values}: {said}");
    }
}
