//! What an account of the vendor has beside its orders.

/// Something that has a UUID, and a name for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// How requests name it.
    pub uuid: String,
    /// How people do.
    pub name: String,
}

/// The account: nobody can change these over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Orders belong to one of these; an instance without an order gets one at the first.
    pub institutions: Vec<Entity>,
    /// Orders can be assigned to them.
    pub users: Vec<Entity>,
    /// Orders can be assigned to them.
    pub user_groups: Vec<Entity>,
    /// Devices that orders are scheduled for.
    pub equipment: Vec<Entity>,
}

impl Entity {
    /// Something with a UUID and a name.
    #[must_use]
    pub fn new(uuid: impl Into<String>, name: impl Into<String>) -> Self {
        Self { uuid: uuid.into(), name: name.into() }
    }
}

impl Default for Account {
    /// A small hospital. The UUIDs are always the same, so that a configuration stays valid.
    fn default() -> Self {
        let entities = |kind: u8, names: &[&str]| {
            let numbered = names.iter().zip(1_u8..);
            let entity =
                |(name, number)| Entity::new(format!("d1c05e00-{kind:04x}-4000-8000-{number:012x}"), name);
            numbered.map(|(name, number)| entity((*name, number))).collect()
        };
        Self {
            institutions: entities(1, &["General Hospital", "Day Clinic"]),
            users: entities(2, &["Dr. Reader", "Dr. Surgeon"]),
            user_groups: entities(3, &["Radiology", "Cardiology"]),
            equipment: entities(4, &["CT 1", "MR 1", "US 1"]),
        }
    }
}

impl Account {
    /// Where orders belong that nobody made.
    pub(crate) fn first_institution(&self) -> &str {
        self.institutions.first().map_or("", |institution| &institution.uuid)
    }
}

/// Whether one of these has the UUID.
pub(super) fn has(entities: &[Entity], uuid: &str) -> bool {
    entities.iter().any(|one| one.uuid == uuid)
}
