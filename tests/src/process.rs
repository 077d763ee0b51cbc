//! Child processes that do not outlive us, whatever ends us.
//!
//! Each child leads a process group of its own, so that Ctrl-C reaches only us and we stop the children in the right order. A
//! watchdog, a few lines of shell, holds the other end of a pipe: when we die without a word (SIGKILL, a test runner's end) the
//! pipe closes and it stops what is left, newest first. `PR_SET_PDEATHSIG` would not do: it follows the thread that forked.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

const WATCHDOG: &str = r#"
trap '' HUP INT TERM
pids=
while read -r operation pid; do
    case $operation in
    +) pids="$pid $pids" ;;
    -) pids=$(for each in $pids; do [ "$each" = "$pid" ] || echo "$each"; done) ;;
    esac
done
for pid in $pids; do
    kill -TERM "$pid"
    tries=50
    while [ $tries -gt 0 ] && kill -0 "$pid"; do sleep 0.1; tries=$((tries - 1)); done
    # As one word: after "-s KILL", dash reads the group's number as an option.
    kill -KILL "-$pid"
done
[ -z "$1" ] || rm -rf "$1"
"#;

/// Knows every child that runs, and stops those left when we are gone.
#[derive(Debug)]
pub struct Watchdog {
    pipe: Mutex<Option<ChildStdin>>,
    child: Mutex<Child>,
    /// A line for each child ever started: the next run stops those of a run whose watchdog was killed too.
    record: PathBuf,
}

impl Watchdog {
    /// `leftover` is removed when all are stopped.
    pub fn start(record: PathBuf, leftover: Option<&Path>) -> Result<Arc<Self>> {
        let mut child = Command::new("sh")
            .args(["-c", WATCHDOG, "photogallery-watchdog"])
            .arg(leftover.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("failed to start sh")?;
        let pipe = Mutex::new(child.stdin.take());
        Ok(Arc::new(Self { pipe, child: Mutex::new(child), record }))
    }

    fn tell(&self, operation: char, pid: u32) -> Result<()> {
        let mut pipe = lock(&self.pipe);
        let pipe = pipe.as_mut().context("the watchdog has ended")?;
        writeln!(pipe, "{operation} {pid}").context("the watchdog has died")
    }

    fn record(&self, pid: u32, name: &str) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(&self.record)?;
        writeln!(file, "{pid} {} {name}", started_at(pid).unwrap_or_default())?;
        Ok(())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(lock(&self.pipe).take());
        // Nothing is left for it to stop, so it ends at once.
        let _ = lock(&self.child).wait();
    }
}

/// One child, writing to a log file.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    id: u32,
    child: Mutex<Child>,
    watchdog: Arc<Watchdog>,
}

impl Process {
    pub fn start(name: &str, command: &mut Command, log: &Path, watchdog: &Arc<Watchdog>) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log);
        let file = file.with_context(|| format!("failed to write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("failed to start {name} ({})", command.get_program().display()))?;
        let id = child.id();
        let process = Self {
            name: name.into(),
            log: log.into(),
            id,
            child: Mutex::new(child),
            watchdog: Arc::clone(watchdog),
        };
        watchdog.tell('+', id)?;
        watchdog.record(id, name)?;
        Ok(process)
    }

    pub fn id(&self) -> u32 {
        self.id
    }

    pub fn exited(&self) -> Result<Option<ExitStatus>> {
        Ok(lock(&self.child).try_wait()?)
    }

    /// An error that says how it ended and what it said last, when it no longer runs.
    pub fn check(&self) -> Result<()> {
        if let Some(status) = self.exited()? {
            bail!("{} ended by itself ({status}); its log ends with:\n{}", self.name, self.tail(15));
        }
        Ok(())
    }

    /// The last lines of its log.
    pub fn tail(&self, lines: usize) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let all: Vec<&str> = log.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        if self.exited()?.is_none() {
            kill_process(self.pid()?, signal).with_context(|| format!("failed to signal {}", self.name))?;
        }
        Ok(())
    }

    /// SIGTERM, and SIGKILL to its whole group when the deadline has passed.
    pub async fn stop(&self, deadline: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let started = Instant::now();
        while self.exited()?.is_none() && started.elapsed() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.kill()
    }

    /// SIGKILL, at once, to the process and to the children it left.
    pub fn kill(&self) -> Result<ExitStatus> {
        // ESRCH only says that nobody is left.
        let _ = kill_process_group(self.pid()?, Signal::KILL);
        let status = lock(&self.child).wait()?;
        // A dead watchdog has nothing to forget.
        let _ = self.watchdog.tell('-', self.id);
        Ok(status)
    }

    fn pid(&self) -> Result<Pid> {
        i32::try_from(self.id).ok().and_then(Pid::from_raw).context("not a process id")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// When a process started, in the kernel's ticks: with its id, this names it for ever. `None` when it no longer runs.
pub fn started_at(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything; the state is the first field after it.
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    (*fields.first()? != "Z").then(|| fields.get(19).map(ToString::to_string))?
}

/// Kills what a record (see [`Watchdog`]) names and still runs.
pub fn kill_recorded(record: &Path) {
    for line in std::fs::read_to_string(record).unwrap_or_default().lines() {
        let mut words = line.split(' ');
        let (Some(pid), Some(started)) =
            (words.next().and_then(|word| word.parse::<u32>().ok()), words.next())
        else {
            continue;
        };
        if started_at(pid).is_some_and(|now| now == started)
            && let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// A panic elsewhere does not make a child any less ours to stop.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Process {
        fn wait(&self) {
            wait_for_end(self.id);
            self.exited().unwrap();
        }
    }

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("photogallery-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn runs(pid: u32) -> bool {
        started_at(pid).is_some()
    }

    fn wait_for_end(pid: u32) {
        let started = Instant::now();
        while runs(pid) {
            assert!(started.elapsed() < Duration::from_secs(30), "process {pid} still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn the_watchdog_stops_what_is_left_and_removes_the_folder_when_the_pipe_closes() {
        let folder = scratch("watchdog");
        let watchdog = Watchdog::start(folder.join("processes"), Some(&folder)).unwrap();
        let log = folder.join("log");
        let child = Process::start("sleep", Command::new("sleep").arg("60"), &log, &watchdog).unwrap();
        let stubborn = "trap '' TERM; sleep 60 & wait; wait";
        let other =
            Process::start("stubborn", Command::new("sh").args(["-c", stubborn]), &log, &watchdog).unwrap();
        assert!(runs(child.id()) && runs(other.id()));

        // What the kernel does for us when we are killed.
        drop(lock(&watchdog.pipe).take());
        // And what init does for our orphans: the watchdog sees a child that nobody has waited for as running.
        child.wait();
        other.wait();
        lock(&watchdog.child).wait().unwrap();

        assert!(!runs(child.id()) && !runs(other.id()));
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn a_process_that_ignores_sigterm_is_killed_after_the_deadline() {
        let folder = scratch("stubborn");
        let watchdog = Watchdog::start(folder.join("processes"), None).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]);
        let process = Process::start("stubborn", &mut command, &folder.join("log"), &watchdog).unwrap();
        while process.tail(1) != "ready" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }

        process.stop(Duration::from_millis(200)).await.unwrap();

        assert!(!runs(process.id()));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_process_that_ended_tells_its_last_words() {
        let folder = scratch("words");
        let watchdog = Watchdog::start(folder.join("processes"), None).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo address already in use; exit 3"]);
        let process = Process::start("speaker", &mut command, &folder.join("log"), &watchdog).unwrap();
        wait_for_end(process.id());

        let error = process.check().unwrap_err().to_string();

        assert!(error.contains("speaker ended by itself (exit status: 3)"), "{error}");
        assert!(error.ends_with("address already in use"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_record_kills_only_the_very_process_it_names() {
        let folder = scratch("record");
        let mut named = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let mut reused = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let record = folder.join("processes");
        let line = format!("{} {} a\n{} 1 b\n", named.id(), started_at(named.id()).unwrap(), reused.id());
        std::fs::write(&record, line).unwrap();

        kill_recorded(&record);

        named.wait().unwrap();
        assert!(runs(reused.id()));
        reused.kill().unwrap();
        reused.wait().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
