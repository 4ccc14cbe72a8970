//! `dimseway demo`: the bridge and an archive in one process, and a study through both.

mod study;
mod worklist;

use super::origin::tokens::write_secret;
use crate::{
    cli::{Demo, PeerAddress},
    config_file::{Document, File},
    configuration::Configuration,
    daemon::{Daemon, Listeners},
    exit::{Exit, OrExit},
    open_files,
    ready_file::{self, AccessKeys, Addresses, Members, Tokens},
    signals, telemetry,
};
use anyhow::Context;
use origin::{
    Credentials, Personality,
    synthetic::archive::{Archive, Options},
};
use std::{
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};
use tokio::net::TcpListener;

/// AE title of the bridge of the demonstration.
const AE_TITLE: &str = "DIMSEWAY";

/// File with the password of the archive, beside the configuration.
const PASSWORD: &str = "archive.password";

/// Runs the demonstration.
///
/// # Errors
/// A port that was asked for is taken, the directory cannot be used, or the study does not arrive.
pub(crate) async fn run(arguments: &Demo) -> anyhow::Result<()> {
    ready_file::clear(arguments.ready_file.as_deref())?;
    let directory = Directory::make(arguments.directory.as_deref())?;
    let listen = bind(arguments.listen, 11112, "--listen").await?;
    let admin = bind(arguments.admin, 8080, "--admin").await?;
    let origin_listener = bind(arguments.origin, 8081, "--origin").await?;
    let origin_address = origin_listener.local_addr()?;

    let personality = super::origin::personality(&arguments.profile)?;
    let options = origin::Options::new(directory.path.join("archive"), personality);
    let url = options.url(origin_address);
    std::fs::create_dir_all(&options.directory)?;
    let tokens = super::origin::tokens::ready(&options, origin_address)?;
    let access_keys = super::origin::access_keys::ready(&options, origin_address);
    let site = Site {
        url: &url,
        archive: &options,
        tokens: tokens.as_ref(),
        access_keys: access_keys.as_ref(),
        listen: listen.local_addr()?,
        admin: admin.local_addr()?,
        peers: &arguments.peer,
    };
    worklist::write(&directory.path, &options)?;
    let configuration = configuration(&directory.path, &site)?;
    let telemetry = telemetry::install(&configuration.log)?;
    open_files::raise_limit();
    let stop = signals::stop()?;
    let archive = super::origin::open(options.clone()).await?;
    let origin_stop = tokio_util::sync::CancellationToken::new();
    let origin_server = tokio::spawn({
        let (archive, stop) = (archive.clone(), origin_stop.clone());
        async move { origin::serve(origin_listener, &archive, stop.cancelled_owned()).await }
    });
    fill(&archive, arguments.studies).await?;
    if let (Personality::PostDicom, Some(credentials)) = (personality, &options.credentials) {
        let account = &options.postdicom.account;
        let orders = super::origin::account::schedule(&archive, account).await?;
        println!("The archive is a PostDICOM account with {orders} orders scheduled for today.");
        super::origin::account::print(account, credentials);
    }
    let listeners = Listeners { dimse: vec![listen], admin, web: None };
    let daemon = Daemon::start(&configuration, listeners, &stop).await?;
    daemon.count_lost_lines(&telemetry.lines);

    println!("The bridge listens as {AE_TITLE} at {}, the archive is at {url}.", daemon.dimse);
    if let Some(path) = &arguments.ready_file {
        let addresses = Addresses {
            dimse: Some(daemon.dimse),
            admin: Some(daemon.admin),
            web: None,
            origin: Some(url.clone()),
            username: options.credentials.as_ref().map(|credentials| credentials.username.clone()),
            password: options.credentials.as_ref().map(|credentials| credentials.password.clone()),
            tokens: tokens.clone(),
            access_keys: access_keys.clone(),
            account: (personality == Personality::PostDicom)
                .then(|| Members::from(&options.postdicom.account)),
        };
        addresses.write(path)?;
    }
    let sent = tokio::select! {
        sent = study::send(&daemon, &archive, arguments.instances) => sent,
        () = stop.drain.cancelled() => Ok(()),
    };
    if sent.is_err() || arguments.exit_after_send {
        stop.drain.cancel();
    } else if !stop.drain.is_cancelled() {
        invite(&daemon, &site, &directory);
    }
    // The archive answers until the last delivery in flight has ended.
    let finished = daemon.finish(&stop).await;
    origin_stop.cancel();
    // Ended or not, the process is about to.
    origin_server.abort();
    sent.and(finished)
}

/// The place of the demonstration; a temporary one is removed in the end.
struct Directory {
    path: PathBuf,
    temporary: bool,
}

impl Directory {
    fn make(asked_for: Option<&Path>) -> anyhow::Result<Self> {
        let path = match asked_for {
            Some(path) => path.to_owned(),
            None => std::env::temp_dir().join(format!("dimseway-demo-{:08x}", rand::random::<u32>())),
        };
        // One that is made up must be new, since everybody may write where it lies, and is nobody else's.
        let made = match asked_for {
            Some(_) => std::fs::create_dir_all(&path),
            None => std::fs::DirBuilder::new().mode(0o700).create(&path),
        };
        made.with_context(|| format!("{} cannot be made", path.display())).or_exit(Exit::Unavailable)?;
        let path = std::path::absolute(path)?;
        Ok(Self { path, temporary: asked_for.is_none() })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.temporary {
            // What is left in a temporary directory hurts nobody.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Listens where it was asked for; else at the usual port, or at a free one where that is taken.
async fn bind(asked_for: Option<SocketAddr>, usual: u16, option: &str) -> anyhow::Result<TcpListener> {
    let address = asked_for.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, usual)));
    let bound = TcpListener::bind(address).await;
    if bound.is_err() && asked_for.is_none() {
        println!("Port {usual} is taken, so a free one is used; {option} ADDRESS chooses another.");
        return Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?);
    }
    bound.with_context(|| format!("{option}: {address} cannot be listened on")).or_exit(Exit::Unavailable)
}

/// What the configuration of the demonstration says.
struct Site<'a> {
    url: &'a str,
    archive: &'a origin::Options,
    tokens: Option<&'a Tokens>,
    access_keys: Option<&'a AccessKeys>,
    listen: SocketAddr,
    admin: SocketAddr,
    peers: &'a [PeerAddress],
}

/// The profile that fits an embedded origin.
const fn profile(personality: Personality) -> &'static str {
    match personality {
        Personality::Limited | Personality::Azure => "azure",
        Personality::Google => "google",
        Personality::Aws => "aws",
        Personality::Dcm4chee => "dcm4chee",
        Personality::PostDicom => "postdicom",
        _ => "standard",
    }
}

/// The configuration that somebody would write for this.
fn configuration(directory: &Path, site: &Site<'_>) -> anyhow::Result<Configuration> {
    let Site { url, archive, tokens, access_keys, listen, admin, peers } = site;
    let profile = profile(archive.personality);
    let mut text = format!(
        "[dimse]\n\
         ae_title = \"{AE_TITLE}\"\n\
         listen = \"{listen}\"\n\
         unknown_peers = \"accept\"\n\
         drain_delay = \"0s\"\n\
         \n\
         [origin.archive]\n\
         url = \"{url}\"\n\
         profile = \"{profile}\"\n\
         \n\
         [query]\n\
         origin = \"archive\"\n\
         \n\
         [spool]\n\
         directory = \"spool\"\n\
         \n\
         [admin]\n\
         listen = \"{admin}\"\n\
         \n\
         [log]\n\
         level = \"warn\"\n"
    );
    if let Some(Credentials { username, password }) = &archive.credentials {
        write_secret(&directory.join(PASSWORD), password)?;
        write!(
            text,
            "\n[origin.archive.auth]\ntype = \"basic\"\nusername = \"{username}\"\npassword_file = \"{PASSWORD}\"\n"
        )?;
    }
    if let Some(tokens) = tokens {
        text.push_str(&authentication(directory, tokens)?);
    }
    if let Some(keys) = access_keys {
        text.push_str(&super::origin::access_keys::authentication(directory, PASSWORD, keys)?);
    }
    if let (Personality::PostDicom, [institution, ..]) =
        (archive.personality, archive.postdicom.account.institutions.as_slice())
    {
        write!(text, "\n[origin.archive.postdicom]\ninstitutions = [\"{}\"]\n", institution.uuid)?;
    }
    text.push_str(&worklist::configuration(archive));
    for peer in *peers {
        let (title, address) = (&peer.ae_title, &peer.address);
        write!(text, "\n[[peer]]\nae_title = \"{title}\"\naddress = \"{address}\"\n")?;
    }
    let path = directory.join("dimseway.toml");
    std::fs::write(&path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
    let (file, document) = File::parse(Document::new(path, text))?;
    Ok(Configuration::from_file(&file, document)?)
}

/// How the bridge gets tokens.
fn authentication(directory: &Path, tokens: &Tokens) -> anyhow::Result<String> {
    if let Some(path) = &tokens.key_file {
        let path = path.display();
        return Ok(format!(
            "\n[origin.archive.auth]\ntype = \"google-service-account\"\nkey_file = \"{path}\"\n"
        ));
    }
    write_secret(&directory.join(PASSWORD), &tokens.client_secret)?;
    Ok(format!(
        "\n[origin.archive.auth]\ntype = \"oauth2\"\ntoken_url = \"{}\"\nclient_id = \"{}\"\n\
         client_secret_file = \"{PASSWORD}\"\nscope = \"https://dicom.healthcareapis.azure.com/.default\"\n",
        tokens.token_url, tokens.client_id
    ))
}

/// Puts synthetic studies into an archive that is empty; one that is not has got them before.
async fn fill(archive: &origin::Origin, studies: u32) -> anyhow::Result<()> {
    if studies == 0 || archive.instance_count().await? > 0 {
        return Ok(());
    }
    let archive = archive.clone();
    let options = Options { studies: usize::try_from(studies)?, ..Options::new(0) };
    let added = tokio::task::spawn_blocking(move || archive.add_all(Archive::generate(options).files()));
    let instances = added.await?.context("the archive cannot be filled")?;
    println!("The archive has {studies} synthetic studies of {instances} instances.");
    Ok(())
}

fn invite(daemon: &Daemon, site: &Site<'_>, directory: &Directory) {
    let (ip, port, url) = (daemon.dimse.ip(), daemon.dimse.port(), site.url);
    let find = format!(
        "findscu -S -aec {AE_TITLE} {ip} {port} -k QueryRetrieveLevel=STUDY -k PatientName -k StudyDate -k StudyInstanceUID"
    );
    let worklist = worklist::find(AE_TITLE, daemon.dimse);
    let look = match (site.archive.personality, &site.archive.credentials) {
        (Personality::PostDicom, Some(Credentials { username, password })) => format!(
            "curl -u '{username}:{password}' '{url}/studies?00100020=ID'\n  \
             dimseway --config {}/dimseway.toml orders search",
            directory.path.display()
        ),
        _ => match site.tokens {
            Some(Tokens { token_url, client_id, key_file: None, .. }) => format!(
                "TOKEN=$(curl -s -d grant_type=client_credentials -d client_id={client_id} \
                 -d scope=https://dicom.healthcareapis.azure.com/.default \
                 --data-urlencode client_secret@{}/{PASSWORD} {token_url} | jq -r .access_token)\n  \
                 curl -H \"Authorization: Bearer $TOKEN\" '{url}/instances?limit=3'",
                directory.path.display()
            ),
            _ => format!("curl '{url}/instances?limit=3'"),
        },
    };
    let peer = site.peers.first().map(|peer| (peer.ae_title.as_str(), peer.address.as_str()));
    let (aim, hint) = match peer {
        Some((title, address)) => (title, format!("   # to {title} at {address}")),
        None => ("ME", "   # after `dimseway demo --peer ME@host:port`".to_owned()),
    };
    println!(
        "\n\
         Now it is your turn:\n  \
           echoscu -aec {AE_TITLE} {ip} {port}\n  \
           storescu -aec {AE_TITLE} {ip} {port} image.dcm\n  \
           dimseway send ./folder --to {AE_TITLE}@{ip}:{port} --from ME\n  \
           {find}\n  \
           {worklist}\n  \
           getscu -S -aec {AE_TITLE} {ip} {port} -od . -k QueryRetrieveLevel=STUDY -k StudyInstanceUID=UID\n  \
           movescu -S -aec {AE_TITLE} -aem {aim} {ip} {port} -k QueryRetrieveLevel=STUDY -k StudyInstanceUID=UID{hint}\n  \
           {look}\n  \
           dimseway --config {0}/dimseway.toml queue list\n  \
           dimseway --config {0}/dimseway.toml worklist show --brief\n\n\
         Page      http://{1}/\n\
         Metrics   http://{1}/metrics\n\n\
         Ctrl-C ends it{2}.",
        directory.path.display(),
        daemon.admin,
        if directory.temporary { " and removes everything" } else { "" },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use instance::AeTitle;

    #[test]
    fn the_configuration_answers_queries_and_knows_where_to_move_to() {
        let directory = tempfile::tempdir().unwrap();
        let peers = ["ME@127.0.0.1:104", "WS@[::1]:11113"].map(|peer| peer.parse().unwrap());
        for personality in Personality::all() {
            let archive = origin::Options::new(directory.path(), *personality);
            std::fs::create_dir_all(&archive.directory).unwrap();
            let tokens = crate::command::origin::tokens::ready(&archive, ([127, 0, 0, 1], 1).into()).unwrap();
            let address = ([127, 0, 0, 1], 1).into();
            let access_keys = crate::command::origin::access_keys::ready(&archive, address);
            let site = Site {
                url: &archive.url(([127, 0, 0, 1], 1).into()),
                archive: &archive,
                tokens: tokens.as_ref(),
                access_keys: access_keys.as_ref(),
                listen: (Ipv4Addr::LOCALHOST, 0).into(),
                admin: (Ipv4Addr::LOCALHOST, 0).into(),
                peers: &peers,
            };
            let bridge = configuration(directory.path(), &site).unwrap().bridge;
            let postdicom = bridge.origins[0].postdicom.as_ref();
            assert_eq!(postdicom.is_some(), *personality == Personality::PostDicom);
            assert_eq!(bridge.query_origins(&bridge.served[0]), ["archive"], "{personality}");
            let destinations: Vec<(&AeTitle, u16)> = bridge
                .peers
                .iter()
                .map(|peer| (&peer.ae_title, peer.address.as_ref().unwrap().port))
                .collect();
            assert_eq!(destinations, [(&peers[0].ae_title, 104), (&peers[1].ae_title, 11113)]);
        }
    }
}
