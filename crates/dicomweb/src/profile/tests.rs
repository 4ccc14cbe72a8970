use crate::url::PathTemplate;

use super::*;

#[test]
fn built_in_profiles_carry_their_names_and_sound_templates() {
    for name in Profile::BUILT_IN {
        let profile = Profile::built_in(name).unwrap();
        assert_eq!(profile.name, name);
        let Paths {
            store,
            search_instances,
            instance_metadata,
            instance,
            studies,
            series,
            instances,
            study_series,
            study_instances,
            series_instances,
            retrieve_study,
            retrieve_series,
            study_metadata,
            series_metadata,
            delete_study,
            delete_series,
            delete_instance,
            change_feed,
            change_feed_latest,
            scheduled_steps,
            workitems,
            workitem,
            probe,
        } = &profile.paths;
        let whole = [
            store,
            studies,
            series,
            instances,
            change_feed,
            change_feed_latest,
            scheduled_steps,
            workitems,
            probe,
        ];
        let of_study = [study_series, study_instances, retrieve_study, study_metadata, delete_study];
        let of_series = [series_instances, retrieve_series, series_metadata, delete_series];
        let of_instance = [search_instances, instance_metadata, instance, delete_instance, workitem];
        // A request cannot fill a placeholder for what it is not about.
        let unknown: [(&[&PathTemplate], &[&str]); 4] = [
            (&whole, &["{"]),
            (&of_study, &["{series}", "{instance}"]),
            (&of_series, &["{instance}"]),
            (&of_instance, &[]),
        ];
        for (templates, absent) in unknown {
            for template in templates {
                assert_eq!(template.as_str().parse::<PathTemplate>().as_ref(), Ok(*template));
                assert!(!absent.iter().any(|name| template.as_str().contains(name)), "{template:?}");
            }
        }
    }
    assert_eq!(Profile::built_in("acme"), None);
}
