//! The origin as a client on a socket sees it.

#[cfg(test)]
mod archive;
#[cfg(test)]
mod aws;
#[cfg(test)]
mod azure;
#[cfg(test)]
mod dcm4chee;
#[cfg(test)]
mod encodings;
#[cfg(test)]
mod google;
#[cfg(test)]
mod limited;
#[cfg(test)]
mod postdicom;
#[cfg(test)]
mod retrieve;
#[cfg(test)]
mod search;
#[cfg(test)]
mod served;
#[cfg(test)]
mod store;
#[cfg(test)]
mod worklist;
