//! Which SOP Classes belong to Storage (PS3.6 Annex A).
