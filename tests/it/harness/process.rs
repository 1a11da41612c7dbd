//! [`Process`]: a server in a process of its own, to be ended the hard way.

use std::io::{BufRead, BufReader, Read};
use std::ops::Deref;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::{Host, eventually};

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(30);

/// A child that is killed when this is dropped.
pub(crate) struct Process {
    host: Host,
    child: Child,
}

impl Deref for Process {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// `tickroom serve` on this folder, once it listens.
    pub(crate) fn serve(folder: &Path) -> Self {
        Self::serve_with(folder, &[])
    }

    /// As [`serve`](Self::serve), with these variables in its environment.
    pub(crate) fn serve_with(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let data_dir = folder.to_str().unwrap();
        let arguments = ["serve", "--feed", "off", "--listen", "127.0.0.1:0", "--data-dir", data_dir];
        let mut command = command(&arguments);
        // It reads `tickroom.toml` in its working folder, where there is none.
        command.current_dir(folder).env("TICKROOM_CHAT__MESSAGES_PER_SECOND", "100000");
        command.env("TICKROOM_CHAT__MESSAGE_BURST", "100000").env("TICKROOM_AUTH__EMAIL_VERIFICATION", "off");
        command.envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let address = find(child.stderr.take().unwrap(), |line| {
            line.contains("listening")
                .then(|| line.split("address=").nth(1)?.split_whitespace().next()?.parse().ok())?
        });
        Self { host: Host::at(address), child }
    }

    /// `tickroom demo`, once it has said what there is to see; returns that, too. Its data goes below `temporary`.
    pub(crate) fn demo(temporary: &Path) -> (Self, String) {
        let mut command = command(&["demo", "--listen", "127.0.0.1:0", "--seed", "7"]);
        command.env("TMPDIR", temporary);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = String::new();
        let address = find(child.stdout.take().unwrap(), |line| {
            said.push_str(line);
            said.push('\n');
            if !line.contains("Ctrl-C") {
                return None;
            }
            let url = said.split("http://").nth(1)?;
            url.split('/').next()?.parse().ok()
        });
        (Self { host: Host::at(address), child }, said)
    }

    /// The most memory that it had at any time, as the kernel counts it.
    pub(crate) fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// `kill -9`: no time for last words.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as `systemd` and `docker stop` do.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for it to end by itself.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        let mut status = None;
        eventually("the end of the process", async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }
}

/// Runs the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    command(arguments).current_dir(folder.path()).output().unwrap()
}

/// The binary, with nothing of this process's environment that could be a setting.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickroom"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// The first line in which `look` finds what it looks for. The rest is read and dropped, so that the child is never
/// stopped by a full pipe.
fn find<T: Send>(output: impl Read + Send + 'static, mut look: impl FnMut(&str) -> Option<T>) -> T {
    let (sender, lines) = mpsc::sync_channel::<String>(1024);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody listens once it is found.
            let _ = sender.try_send(line);
        }
    });
    loop {
        let line = lines.recv_timeout(START).expect("the server ended, or said nothing in time");
        if let Some(found) = look(&line) {
            return found;
        }
    }
}
