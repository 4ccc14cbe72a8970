//! Upper Layer association and DIMSE messages, acceptor and requestor.
