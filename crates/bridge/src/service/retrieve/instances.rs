//! The instances that a retrieve is about, and how they are asked for.

use std::{collections::HashMap, sync::Arc};

use dicomweb::retrieve::{Accept, Retrieve};
use instance::{TransferSyntax, Uid};

use super::{keys::Level, outlined::Outlined, recipient::foreseen::Foreseen};
use crate::{
    service::query::{ListedInstance, Source},
    snapshot::Origin,
};

/// An instance that is still to be sent.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) study: Uid,
    pub(super) series: Uid,
    pub(super) sop_instance_uid: Uid,
    pub(super) sop_class: Option<Uid>,
    pub(super) transfer_syntax: Option<TransferSyntax>,
    pub(super) source: Source,
}

impl Wanted {
    /// The origin that has it, or will have it once it is delivered.
    pub(super) const fn origin(&self) -> &Arc<Origin> {
        match &self.source {
            Source::Origin(origin) | Source::Spool { origin, .. } => origin,
        }
    }

    /// The request for it alone.
    pub(super) fn retrieve(&self, transfer_syntax: Accept) -> Retrieve {
        Retrieve {
            study: self.study.clone(),
            series: Some(self.series.clone()),
            instance: Some(self.sop_instance_uid.clone()),
            transfer_syntax,
        }
    }
}

/// A study or a series that is asked for in one request.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) origin: Arc<Origin>,
    pub(super) retrieve: Retrieve,
    /// The instances that it is expected to give; none where only their number is known.
    pub(super) members: Vec<Uid>,
}

impl Whole {
    /// A series of which only the number of its instances is known.
    pub(super) const fn is_outlined(&self) -> bool {
        self.members.is_empty()
    }
}

/// What a retrieve has to do.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// The instances to be sent that are known by name.
    pub(super) wanted: HashMap<Uid, Wanted>,
    /// The requests for them.
    pub(super) tasks: Vec<Task>,
    /// The presentation contexts that they will need.
    pub(super) foreseen: Foreseen,
    /// Those of which only the number is known.
    pub(super) outlined: Option<Outlined>,
}

impl Work {
    /// Sub-operations.
    pub(super) fn len(&self) -> usize {
        self.wanted.len() + self.outlined.as_ref().map_or(0, Outlined::unnamed)
    }
}

/// One request to be made.
#[derive(Debug)]
pub(super) enum Task {
    Whole(Whole),
    Single(Uid),
}

/// The instances that were listed. UIDs that many of them share are kept once.
#[derive(Debug, Default)]
pub(super) struct Instances {
    wanted: HashMap<Uid, Wanted>,
    order: Vec<Uid>,
    shared: HashMap<Uid, Uid>,
    foreseen: Foreseen,
}

impl Instances {
    /// Adds an instance; one that is there already stays as it is.
    pub(super) fn add(&mut self, listed: ListedInstance) {
        let wanted = Wanted {
            study: self.shared(listed.study_instance_uid),
            series: self.shared(listed.series_instance_uid),
            sop_class: listed.sop_class_uid.map(|uid| self.shared(uid)),
            transfer_syntax: listed.transfer_syntax.map(|uid| TransferSyntax::new(self.shared(uid))),
            sop_instance_uid: listed.sop_instance_uid.clone(),
            source: listed.source,
        };
        if let Some(sop_class) = &wanted.sop_class {
            self.foreseen.add(sop_class, wanted.transfer_syntax.as_ref().map(TransferSyntax::uid));
        }
        if !self.wanted.contains_key(&listed.sop_instance_uid) {
            self.order.push(listed.sop_instance_uid.clone());
            self.wanted.insert(listed.sop_instance_uid, wanted);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    /// What is to be done to send them. A study or a series is asked for as a whole where `level` is about
    /// it and the origin's profile allows it; everything else instance by instance. With several `lanes`
    /// a study is asked for by its series, so that several answers are read at once.
    pub(super) fn plan(self, level: Level, lanes: usize) -> Work {
        let mut tasks = Vec::new();
        let mut groups: Vec<Group> = Vec::new();
        let mut by_key: HashMap<(String, Uid, Option<Uid>), usize> = HashMap::new();
        for uid in self.order {
            let Some(wanted) = self.wanted.get(&uid) else { continue };
            let Some(group) = Group::of(wanted, level, lanes) else {
                tasks.push(Task::Single(uid));
                continue;
            };
            let retrieve = &group.0.retrieve;
            let key = (group.0.origin.name.clone(), retrieve.study.clone(), retrieve.series.clone());
            let at = *by_key.entry(key).or_insert_with(|| {
                groups.push(group);
                groups.len() - 1
            });
            groups[at].0.members.push(uid);
        }
        for Group(whole) in groups {
            if whole.members.len() == 1 && !whole.origin.client.profile().retrieve.whole_preferred {
                tasks.extend(whole.members.into_iter().map(Task::Single));
            } else {
                tasks.push(Task::Whole(whole));
            }
        }
        Work { wanted: self.wanted, tasks, foreseen: self.foreseen, outlined: None }
    }

    fn shared(&mut self, uid: Uid) -> Uid {
        self.shared.entry(uid.clone()).or_insert(uid).clone()
    }
}

/// What is asked for together with an instance.
struct Group(Whole);

impl Group {
    fn of(wanted: &Wanted, level: Level, lanes: usize) -> Option<Self> {
        let Source::Origin(origin) = &wanted.source else { return None };
        let able = &origin.client.profile().retrieve;
        let by_study = able.whole_study && level <= Level::Study && (lanes == 1 || !able.whole_series);
        let by_series = able.whole_series && level <= Level::Series;
        if !by_study && !by_series {
            return None;
        }
        let retrieve = Retrieve {
            study: wanted.study.clone(),
            series: (!by_study).then(|| wanted.series.clone()),
            instance: None,
            transfer_syntax: Accept::Any,
        };
        Some(Self(Whole { origin: Arc::clone(origin), retrieve, members: Vec::new() }))
    }
}
