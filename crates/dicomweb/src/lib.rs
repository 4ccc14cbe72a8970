//! PS3.18 user agent: store, search, retrieve; authentication; multipart.
