//! The variable items of A-ASSOCIATE PDUs.
