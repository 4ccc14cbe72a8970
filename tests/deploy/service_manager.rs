//! What the daemon tells the service manager that started it (`sd_notify(3)`).

use std::os::unix::net::UnixDatagram;

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::wait::DEADLINE;

/// A service manager that listens.
struct Manager {
    socket: UnixDatagram,
    daemon: Daemon,
    _home: Home,
}

impl Manager {
    /// Starts the daemon as a unit with `WatchdogSec` does.
    fn start(watchdog: &str) -> Self {
        let home = Home::new(&Configuration::new().origin("archive", "http://127.0.0.1:9/dicom-web"));
        let path = home.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let path = format!("NOTIFY_SOCKET={}", path.display());
        let watchdog = format!("WATCHDOG_USEC={watchdog}");
        // Only the main process is meant by the watchdog, and it is named by its id.
        let main = ["sh", "-c", "WATCHDOG_PID=$$ exec \"$@\"", "sh"];
        let wrapper = [&["env", &path, &watchdog], &main[..]].concat();
        let daemon = home.start_under(Some(&wrapper));
        Self { socket, daemon, _home: home }
    }

    /// The next message, its assignments.
    fn next(&self) -> Vec<String> {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).expect("the daemon says something");
        let message = std::str::from_utf8(&message[..length]).unwrap();
        message.lines().map(str::to_owned).collect()
    }

    /// The next message that is no sign of life.
    fn next_state(&self) -> Vec<String> {
        loop {
            let message = self.next();
            if message != ["WATCHDOG=1"] {
                return message;
            }
        }
    }
}

#[test]
fn it_is_told_of_start_reload_and_stop() {
    let manager = Manager::start("60000000");
    assert_eq!(manager.next_state(), ["READY=1"]);
    manager.daemon.signal("HUP");
    let reloading = manager.next_state();
    assert_eq!(reloading[0], "RELOADING=1");
    // Type=notify-reload compares it with the time of the signal.
    let at = reloading[1].strip_prefix("MONOTONIC_USEC=").expect("the time of the reload");
    assert!(at.parse::<u64>().unwrap() > 0);
    assert_eq!(manager.next_state(), ["READY=1"]);
    manager.daemon.signal("TERM");
    assert_eq!(manager.next_state(), ["STOPPING=1"]);
    assert!(manager.daemon.wait().success());
}

#[test]
fn it_is_given_signs_of_life_until_the_end() {
    let manager = Manager::start("200000");
    let until_ready: Vec<_> =
        std::iter::from_fn(|| Some(manager.next())).take_while(|said| said != &["READY=1"]).collect();
    assert!(until_ready.iter().all(|said| said == &["WATCHDOG=1"]), "{until_ready:?}");
    for _ in 0..5 {
        assert_eq!(manager.next(), ["WATCHDOG=1"]);
    }
    manager.daemon.signal("TERM");
    assert_eq!(manager.next_state(), ["STOPPING=1"]);
}
