use super::*;

fn patterns(list: &[&str]) -> Vec<Pattern> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

fn origin(name: &str) -> Destination {
    Destination::Origin(name.to_owned())
}

fn route(matches: Match, store: &[&str]) -> Route {
    Route { matches, ..Route::everything(store.iter().map(|name| origin(name)).collect()) }
}

fn by_modality(modality: &str, store: &[&str]) -> Route {
    route(Match { modality: patterns(&[modality]), ..Match::default() }, store)
}

fn by_caller(caller: &str, store: &[&str]) -> Route {
    route(Match { calling_ae: patterns(&[caller]), ..Match::default() }, store)
}

fn stored(mut route: Route) -> Route {
    route.acknowledge = Acknowledge::Stored;
    route
}

fn continuing(mut route: Route) -> Route {
    route.continues = true;
    route
}

fn table(routes: Vec<Route>, unrouted: Unrouted) -> RoutingTable {
    RoutingTable { routes, unrouted }
}

fn resolve(table: &RoutingTable, calling: &str, class: &str, modality: Modality<'_>) -> Decision {
    let (calling_ae, called_ae) = (calling.parse().unwrap(), "DIMSEWAY".parse().unwrap());
    let sop_class = class.parse().unwrap();
    table.resolve(&Facts { calling_ae: &calling_ae, called_ae: &called_ae, sop_class: &sop_class, modality })
}

fn to(destinations: &[&str], confirmed_by: &[&str]) -> Decision {
    Decision::Resolved(Resolved {
        destinations: destinations.iter().map(|name| origin(name)).collect(),
        confirmed_by: confirmed_by.iter().map(|name| origin(name)).collect(),
        held: false,
    })
}

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";

#[test]
fn the_first_match_wins_and_continue_collects() {
    let class = Match { sop_class: patterns(&[CT]), ..Match::default() };
    let called = Match { called_ae: patterns(&["OTHER"]), ..Match::default() };
    let routes = table(
        vec![
            route(called, &["never"]),
            continuing(by_caller("CT*", &["a", "b"])),
            stored(continuing(route(class, &["b", "c"]))),
            by_caller("CT1", &["d"]),
            by_caller("*", &["e"]),
        ],
        Unrouted::Hold,
    );
    let known = Modality::Known("CT");
    assert_eq!(resolve(&routes, "CT1", CT, known), to(&["a", "b", "c", "d"], &["b", "c"]));
    assert_eq!(resolve(&routes, "CT2", MR, known), to(&["a", "b", "e"], &[]));
    assert_eq!(resolve(&routes, "MR1", CT, known), to(&["b", "c", "e"], &["b", "c"]));
    assert_eq!(resolve(&routes, "MR1", MR, Modality::NotYetKnown), to(&["e"], &[]));
}

#[test]
fn the_modality_is_asked_for_only_where_it_decides() {
    let routes = table(
        vec![by_caller("FIRST", &["a"]), stored(by_modality("CT", &["b"])), by_modality("MR", &["c"])],
        Unrouted::Reject,
    );
    let unknown = Modality::NotYetKnown;
    assert_eq!(resolve(&routes, "FIRST", CT, unknown), to(&["a"], &[]));
    assert_eq!(resolve(&routes, "X", CT, unknown), Decision::NeedsModality { may_pass_through: true });
    assert_eq!(resolve(&routes, "X", CT, Modality::Known("CT")), to(&["b"], &["b"]));
    assert_eq!(resolve(&routes, "X", CT, Modality::Known("MR")), to(&["c"], &[]));
    assert_eq!(resolve(&routes, "X", CT, Modality::Known("")), Decision::Refused);

    let spooled = table(vec![by_modality("CT", &["b"])], Unrouted::Hold);
    assert_eq!(resolve(&spooled, "X", CT, unknown), Decision::NeedsModality { may_pass_through: false });
    let held = Resolved { destinations: Vec::new(), confirmed_by: Vec::new(), held: true };
    assert_eq!(resolve(&spooled, "X", CT, Modality::Known("US")), Decision::Resolved(held));
}
