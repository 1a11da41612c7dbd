//! The command line of the load generator.

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tickroom_swarm::compare::Comparison;
use tickroom_swarm::part::Part;
use tickroom_swarm::relay::Relay;
use tickroom_swarm::run::Run;
use tickroom_swarm::target::Target;

/// Load for Tickroom's sockets, on this machine only.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios against a server. Exits with 1 when one fails, with 2 when one could not be run.
    Run {
        /// Scenario files.
        #[arg(required = true, value_name = "SCENARIO.TOML")]
        scenarios: Vec<PathBuf>,
        /// The server; only loopback addresses are taken.
        #[arg(long, default_value = "http://127.0.0.1:8080")]
        server: Target,
        /// The server's process id, to watch its processor time and memory.
        #[arg(long)]
        pid: Option<u32>,
        /// Where the results go [default: runs/<date>-<host>].
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        /// Part of the results' names, to tell apart runs of one scenario.
        #[arg(long)]
        label: Option<String>,
        /// Change a setting of the scenarios, such as load.measure_s=5.
        #[arg(long = "set", value_name = "KEY=VALUE")]
        changes: Vec<String>,
        /// Spread the swarm over this many processes, by rooms.
        #[arg(long, default_value_t = 1)]
        parts: usize,
        /// Be one of those processes.
        #[arg(long, hide = true)]
        part: Option<Part>,
    },
    /// Serve as a bare relay, to compare a server with.
    Relay {
        /// A loopback address.
        #[arg(long, default_value = "127.0.0.1:8090")]
        listen: Target,
    },
    /// Run scenarios against relay and Tickroom in turn, servers on one core and generator on another.
    Compare {
        /// The server's binary.
        #[arg(long, value_name = "PATH")]
        tickroom_bin: PathBuf,
        /// Scenario files, ten at most.
        #[arg(required = true, num_args = 1..=10, value_name = "SCENARIO.TOML")]
        scenarios: Vec<PathBuf>,
        /// The server's settings.
        #[arg(long, default_value = "loadtest/swarm/server.toml", value_name = "PATH")]
        config: PathBuf,
        /// Where the results go.
        #[arg(long, default_value = "runs/compare", value_name = "FOLDER")]
        out: PathBuf,
        /// Change a setting of the scenarios, such as load.measure_s=5.
        #[arg(long = "set", value_name = "KEY=VALUE")]
        changes: Vec<String>,
        /// The core of the servers.
        #[arg(long, default_value_t = 0)]
        server_core: u32,
        /// The core of the generator.
        #[arg(long, default_value_t = 1)]
        generator_core: u32,
        /// End a run that takes longer, in seconds.
        #[arg(long, default_value_t = 600)]
        limit_s: u64,
    },
}

fn main() -> ExitCode {
    match execute(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether everything passed.
fn execute(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Run { scenarios, server, pid, out, label, changes, parts, part } => {
            let run = |scenario| Run {
                scenario,
                changes: changes.clone(),
                server,
                pid,
                label: label.clone(),
                out: out.clone(),
                parts,
            };
            let mut all_passed = true;
            for run in scenarios.into_iter().map(run) {
                match part {
                    Some(part) => run.execute_part(part)?,
                    None => all_passed &= run.execute()?.passed,
                }
            }
            Ok(all_passed)
        }
        Command::Relay { listen } => Relay::bind(listen)?.run(|| false).map(|()| true),
        Command::Compare {
            tickroom_bin,
            scenarios,
            config,
            out,
            changes,
            server_core,
            generator_core,
            limit_s,
        } => {
            let limit = Duration::from_secs(limit_s);
            std::fs::create_dir_all(&out)?;
            Comparison {
                tickroom: tickroom_bin,
                config,
                scenarios,
                changes,
                out,
                server_core,
                generator_core,
                limit,
            }
            .execute()
        }
    }
}
