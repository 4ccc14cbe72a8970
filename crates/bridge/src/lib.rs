//! The decisions: services, mapping, routing, forwarding, metrics.
