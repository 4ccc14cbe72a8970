use super::*;

/// What SQLite would do for a list, in its own words.
fn plan(filter: &Filter) -> String {
    let connection = crate::local::index::open_in_memory().unwrap();
    let cursor = Cursor { entry_id: EntryId(7), destination: 1 };
    let (clause, values) = conditions(filter, Some(&cursor));
    let sql = match is_by_delivery(filter) {
        true => run_sql(&clause, values.len(), 10),
        false => list_sql(&clause, 10),
    };
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let rows = statement.raw_query().mapped(|row| row.get::<_, String>(3));
    rows.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
}

#[test]
fn no_list_passes_the_whole_backlog() {
    let held = Filter { state: Some(State::Held), ..Filter::default() };
    let to_one = Filter { destination: Some("archive".parse().unwrap()), ..held.clone() };
    let to_one_in_any = Filter { state: None, ..to_one.clone() };
    let of_study = Filter { study_instance_uid: Some("1.2".parse().unwrap()), ..Filter::default() };
    let held_of_study = Filter { study_instance_uid: of_study.study_instance_uid.clone(), ..to_one.clone() };
    let waiting = Filter { waiting: true, ..Filter::default() };
    let waiting_of_study = Filter { waiting: true, ..of_study.clone() };
    for (filter, wanted) in [
        (&held, "delivery_state (destination=? AND state=? AND entry>?)"),
        (&to_one, "delivery_state (destination=? AND state=? AND entry>?)"),
        (&to_one_in_any, "delivery_state (destination=? AND state=? AND entry>?)"),
        (&waiting, "delivery_state (destination=? AND state=? AND entry>?)"),
        (&of_study, "entry_study (study=? AND id>?)"),
        (&held_of_study, "entry_study (study=? AND id>?)"),
        (&waiting_of_study, "entry_study (study=? AND id>?)"),
        (&Filter::default(), "SEARCH e USING INTEGER PRIMARY KEY (rowid>?)"),
    ] {
        let plan = plan(filter);
        let passes = plan.contains("SCAN") || plan.contains("B-TREE");
        assert!(plan.contains(wanted) && !passes, "{filter:?}: {plan}");
    }
}
