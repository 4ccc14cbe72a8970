//! A busy site: everything that a panel can show has happened in it at least once.

use std::process::{Command, Stdio};

use tempfile::TempDir;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::dcmtk::{self, free_port};
use tests::embedded_origin::EmbeddedOrigin;
use tests::http;
use tests::instances::Instance;
use tests::sender::{Sender, store_all};
use tests::skip;
use tests::wait::eventually;
use tests::worklist::Order;

/// Who may call.
const PEERS: &str = "[[peer]]\nae_title = \"MODALITY\"\n[[peer]]\nae_title = \"LOST\"\n";

/// A daemon with an archive, one that is down, a worklist, and a second daemon that takes its reports.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    pub(crate) origin: EmbeddedOrigin,
    homes: [Home; 2],
    _second: Daemon,
    folder: TempDir,
}

impl Site {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
        let orders = folder.path().join("orders");
        std::fs::create_dir(&orders).unwrap();
        for number in 0..3 {
            Order::new(number).write(&orders);
        }
        let second = Configuration::new()
            .set("dimse", "ae_title = \"SECOND\"")
            .set("mpps", "sinks = []")
            .origin("archive", origin.url());
        let second_home = Home::new(&second);
        let second = second_home.start();
        let nobody = format!("http://127.0.0.1:{}/dicom-web", free_port());
        let tables = format!(
            "{PEERS}[[peer]]\nae_title = \"SECOND\"\naddress = \"{}\"\n\
            [[route]]\nmatch = {{ calling_ae = \"LOST\" }}\nstore = [\"down\"]\n\
            [[route]]\nstore = [\"archive\"]\n",
            second.dimse()
        );
        let configuration = Configuration::new()
            .set("dimse", "unknown_peers = \"reject\"")
            .set("query", "origin = \"archive\"")
            .set("worklist", "refresh = \"200ms\"")
            .set("worklist_source.orders", "type = \"folder\"")
            .set("worklist_source.orders", &format!("directory = \"{}\"", orders.display()))
            .set("mpps_sink.ris", "type = \"dimse\"")
            .set("mpps_sink.ris", "peer = \"SECOND\"")
            .origin("archive", origin.url())
            .origin("down", &nobody)
            .with(&tables);
        let home = Home::new(&configuration);
        let daemon = home.start();
        Self { daemon, origin, homes: [home, second_home], _second: second, folder }
    }

    /// `host:port` of the metrics.
    pub(crate) fn target(&self) -> String {
        let ready = std::fs::read_to_string(self.homes[0].path().join("ready.json")).unwrap();
        let addresses: serde_json::Value = serde_json::from_str(&ready).unwrap();
        addresses["admin"].as_str().unwrap().to_owned()
    }

    /// Lets everything happen; nothing, and a recorded skip, where a program is missing.
    pub(crate) fn round(&self, number: u32) -> Option<()> {
        let address = self.daemon.dimse();
        let instances = Instance::study(number, 3, 20_000);
        store_all(address, &instances);
        let lost = Instance::ct(100 + number, 1, 1000);
        let mut sender = Sender::open_as(address, "LOST", "DIMSEWAY", [&lost]);
        assert_eq!(sender.store(&lost).unwrap().status, 0);
        sender.release();
        Sender::open(address, &instances).abort();
        // Another protocol on this port.
        let _ = http::get(&format!("http://{address}/"));
        let _ = dcmtk::run("echoscu", address, &["-aet", "SOMEBODY"], &[])?;
        let study = format!("StudyInstanceUID={}", instances[0].study);
        eventually("the study is in the archive", || {
            (self.origin.count() >= 3 * usize::try_from(number).unwrap()).then_some(())
        });
        self.ask("findscu", &["-S", "-k", "QueryRetrieveLevel=STUDY", "-k", &study])?;
        self.ask("findscu", &["-W", "-k", "PatientName", "-k", "AccessionNumber=NOBODY"])?;
        self.ask("getscu", &["-S", "-k", "QueryRetrieveLevel=STUDY", "-k", &study])?;
        let output = Command::new(skip::python()?)
            .args(["-c", include_str!("traffic/modality.py"), &address.ip().to_string()])
            .args([address.port().to_string(), format!("2.25.{number}")])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", crate::repository::said(&output));
        self.daemon.signal("HUP");
        Some(())
    }

    fn ask(&self, program: &str, options: &[&str]) -> Option<()> {
        let mut command = dcmtk::program(program)?;
        let address = self.daemon.dimse();
        command.current_dir(self.folder.path()).args(["-aet", "MODALITY", "-aec", "DIMSEWAY"]).args(options);
        let output = command.arg(address.ip().to_string()).arg(address.port().to_string()).output().unwrap();
        assert!(output.status.success(), "{}", crate::repository::said(&output));
        Some(())
    }
}
