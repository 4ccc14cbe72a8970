//! What the rendered objects promise to an operator.

use serde_json::Value;

use super::{named, only, render, render_everything};

fn container(objects: &[Value]) -> &Value {
    &only(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
}

#[test]
fn the_pod_is_granted_more_than_the_drain_takes() {
    let table = [("{}", 5 + 20), ("dimse: {drainDelaySeconds: 30, drainTimeoutSeconds: 600}", 30 + 600)];
    for (values, drain) in table {
        let Some(objects) = render(values) else { return };
        let pod = &only(&objects, "StatefulSet")["spec"]["template"]["spec"];
        let grace = pod["terminationGracePeriodSeconds"].as_i64().unwrap();
        assert!(grace > drain, "{values}: {grace}");
    }
}

#[test]
fn there_is_one_pod_and_its_claim_stays() {
    let Some(objects) = render("{}") else { return };
    let set = &only(&objects, "StatefulSet")["spec"];
    assert_eq!(set["replicas"], 1);
    let retention = &set["persistentVolumeClaimRetentionPolicy"];
    assert_eq!((&retention["whenDeleted"], &retention["whenScaled"]), (&"Retain".into(), &"Retain".into()));
    assert_eq!(set["volumeClaimTemplates"][0]["metadata"]["name"], "spool");
    let budget = &only(&objects, "PodDisruptionBudget")["spec"];
    assert_eq!(budget["maxUnavailable"], 1, "a drain of the node is never blocked");
    assert!(budget["minAvailable"].is_null());
    assert!(!objects.iter().any(|object| object["kind"] == "HorizontalPodAutoscaler"));
}

#[test]
fn the_pod_has_no_rights_and_cannot_write_its_root() {
    for objects in [render("{}"), render_everything()] {
        let Some(objects) = objects else { return };
        let pod = &only(&objects, "StatefulSet")["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["runAsUser"], 65532);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(pod["automountServiceAccountToken"], false);
        let context = &container(&objects)["securityContext"];
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["capabilities"]["drop"][0], "ALL");
        assert_eq!(container(&objects)["readinessProbe"]["httpGet"]["path"], "/readyz");
        assert_eq!(container(&objects)["livenessProbe"]["httpGet"]["path"], "/healthz");
    }
}

#[test]
fn the_address_of_the_caller_is_kept() {
    for (kind, policy) in [("LoadBalancer", "Local"), ("NodePort", "Local"), ("ClusterIP", "")] {
        let Some(objects) = render(&format!("service: {{type: {kind}}}")) else { return };
        let service = &named(&objects, "Service", "dimseway")["spec"];
        assert_eq!(service["externalTrafficPolicy"].as_str().unwrap_or_default(), policy, "{kind}");
    }
    let Some(objects) = render("{}") else { return };
    assert_eq!(named(&objects, "Service", "dimseway-headless")["spec"]["clusterIP"], "None");
    assert_eq!(named(&objects, "Service", "dimseway-metrics")["spec"]["ports"][0]["port"], 8080);
}

#[test]
fn secrets_are_only_referred_to() {
    let Some(objects) = render_everything() else { return };
    assert!(!objects.iter().any(|object| object["kind"] == "Secret"));
    let pod = &only(&objects, "StatefulSet")["spec"]["template"]["spec"];
    let secrets: Vec<_> = pod["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|volume| volume["secret"]["secretName"].as_str())
        .collect();
    assert_eq!(secrets, ["bridge-tokens", "bridge-tokens", "archive"]);
    let mounts = container(&objects)["volumeMounts"].as_array().unwrap();
    assert!(mounts.iter().all(|mount| mount["subPath"].is_null()), "what is mounted by subPath gets stale");
}

#[test]
fn monitors_choose_what_the_chart_makes() {
    for monitor in ["serviceMonitor", "podMonitor"] {
        let values =
            format!("monitoring: {{{monitor}: {{enabled: true}}, prometheusRule: {{enabled: true}}}}");
        let Some(objects) = render(&values) else { return };
        let kind = format!("{}{}", monitor[..1].to_uppercase(), &monitor[1..]);
        let spec = &only(&objects, &kind)["spec"];
        let wanted = spec["selector"]["matchLabels"].as_object().unwrap();
        let labels = match monitor {
            "serviceMonitor" => &named(&objects, "Service", "dimseway-metrics")["metadata"]["labels"],
            _ => &only(&objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"],
        };
        assert!(wanted.iter().all(|(name, value)| &labels[name] == value), "{labels}");
        let endpoints = spec["endpoints"].as_array().or(spec["podMetricsEndpoints"].as_array()).unwrap();
        let job = &endpoints[0]["relabelings"][0];
        assert_eq!((&job["targetLabel"], &job["replacement"]), (&"job".into(), &"dimseway".into()));
        let chosen = objects.iter().filter(|object| object["kind"] == "Service").filter(|service| {
            wanted.iter().all(|(name, value)| &service["metadata"]["labels"][name] == value)
        });
        assert!(monitor == "podMonitor" || chosen.count() == 1, "one Service is scraped");
        let alerts = only(&objects, "PrometheusRule")["spec"]["groups"][0]["rules"].as_array().unwrap().len();
        assert!(alerts > 10, "{alerts} alerts");
    }
    let Some(objects) = render("monitoring: {dashboard: {enabled: true}}") else { return };
    let dashboard = &named(&objects, "ConfigMap", "dimseway-dashboard")["data"]["dimseway.json"];
    let dashboard: Value = serde_json::from_str(dashboard.as_str().unwrap()).unwrap();
    assert_eq!(dashboard["uid"], "dimseway");
}

#[test]
fn the_network_policy_opens_what_is_served() {
    let Some(objects) = render_everything() else { return };
    let spec = &only(&objects, "NetworkPolicy")["spec"];
    let ports = |rule: usize| -> Vec<&str> {
        let ports = spec["ingress"][rule]["ports"].as_array().unwrap();
        ports.iter().map(|port| port["port"].as_str().unwrap()).collect()
    };
    assert_eq!((ports(0), ports(1)), (vec!["dimse"], vec!["admin", "web"]));
    let served = container(&objects)["ports"].as_array().unwrap();
    let served: Vec<_> = served.iter().map(|port| port["name"].as_str().unwrap()).collect();
    assert_eq!(served, ["dimse", "admin", "web"]);
    assert_eq!(spec["egress"].as_array().unwrap().len(), 1);
}
