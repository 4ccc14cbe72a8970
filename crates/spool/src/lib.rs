//! Accepted instances, their delivery state, and the small durable documents of the services.
