//! The report as Markdown: the part of `docs/benchmarks.md` that is measured.

use super::Extent;
use super::crowd::Crowd;
use super::report::{Compared, Report, Step};
use super::sample::{Calls, Count, Side, Spread};

/// Tables and what they were measured on.
pub(super) fn section(report: &Report) -> String {
    let parts = [about(report), compared(report), limits(report), services(report)];
    parts.join("\n\n")
}

fn about(report: &Report) -> String {
    let Report { date, minutes, extent, machine, versions, method, .. } = report;
    let Extent { rounds, .. } = extent;
    format!(
        "Measured on {date}, in {minutes:.0} minutes: operator {} (commit {}), Kubernetes {}, MiniStack {}, boto3 {} (Python {}), on \
         {} ({}, {} cores, {:.0} GiB, {}, Linux {}; load before: {:.1}). Medians of {rounds}, in parentheses the extremes. AWS's \
         quotas: {}.",
        versions.operator,
        versions.commit,
        versions.kubernetes,
        versions.ministack,
        versions.boto3,
        versions.python,
        machine.processor,
        machine.architecture,
        machine.cores,
        f64::from(u32::try_from(machine.memory_mib).unwrap_or(u32::MAX)) / 1024.0,
        machine.system,
        machine.kernel,
        machine.load_before,
        method.quotas,
    )
}

/// Lines of a table.
struct Table(Vec<String>);

impl Table {
    fn new(columns: &[&str]) -> Self {
        Self(vec![format!("| {} |", columns.join(" | ")), format!("|{}", "---|".repeat(columns.len()))])
    }

    fn line(&mut self, cells: &[String]) {
        self.0.push(format!("| {} |", cells.join(" | ")));
    }

    fn text(self) -> String {
        self.0.join("\n")
    }
}

fn compared(report: &Report) -> String {
    let Extent { photos, few, many, .. } = report.extent;
    let mut table = Table::new(&[
        "",
        "operator",
        "boto3 script",
        "operator / script",
        "goal",
        "ACK + kro, measured elsewhere",
    ]);
    let mut line = |what: &str, cells: [String; 3], goal: &str, elsewhere: &str| {
        let [operator, script, ratio] = cells;
        table.line(&[what.into(), operator, script, ratio, goal.into(), elsewhere.into()]);
    };
    let step = |step| &report.steps[&step];
    let (create, change, code) = (step(Step::Create), step(Step::Change), step(Step::Code));
    let (delete, full) = (step(Step::Delete), step(Step::DeleteWithPhotos));
    line("apply → Ready, page and API answer", seconds(create), "ratio ≤ 1.0", "52.6 s; ratio 51");
    line("… calls", calls(create), "≤ 110", "482 + 79 (142 refused)");
    line("memory and one variable: in AWS", in_aws(change), "", "0.6 s");
    line("… and reported Ready", seconds(change), "≤ 1.5 s", "31.5 s");
    line("… calls", calls(change), "", "21");
    line("other code for all functions: in AWS", in_aws(code), "", "");
    line("… and reported Ready", seconds(code), "", "");
    line("delete, empty: last write in AWS", in_aws(delete), "", "");
    line("… and known to be gone", seconds(delete), "", "31.1 s");
    line("… calls", calls(delete), "≤ 110", "222");
    let what = format!("delete with {} photos: last write in AWS", thousands(photos));
    line(&what, in_aws(full), "ends", "3 photos: not done after 75 s");
    line("… and known to be gone", seconds(full), "", "");
    line("… calls", calls(full), "", "676 until then");
    let told = full.by.operator.samples.iter().map(|sample| sample.told.len()).min().unwrap_or_default();
    line("… says how far it is", [format!("{told} times"), "no".into(), String::new()], "yes", "no");
    let crowd = &report.crowd;
    let (operator, script) = (&crowd.by.operator, &crowd.by.script);
    let cells = [
        format!("{:.1} s", operator.seconds),
        format!("{:.1} s", script.seconds),
        format!("{:.2}", crowd.ratio),
    ];
    let what = format!("{many} at once, by the script one after the other: the last is Ready");
    line(&what, cells, "ratio ≤ 1.0", "221 s; ratio 4");
    let half = |crowd: &Crowd| format!("{:.1} s", crowd.ready_seconds.median);
    line(
        "… half of them are Ready; one takes the script",
        [half(operator), half(script), String::new()],
        "",
        "",
    );
    let own = |crowd: &Crowd| crowd.distributions.to_string();
    line("… distributions", [own(operator), own(script), String::new()], &many.to_string(), "42");
    let calls_each = |crowd: &Crowd| count(&crowd.calls_a_gallery.all);
    line("… calls a gallery", [calls_each(operator), calls_each(script), String::new()], "", "");
    let cpu = |crowd: &Crowd| format!("{:.2} s", crowd.cpu_seconds_a_gallery);
    line("… processor time a gallery", [cpu(operator), cpu(script), String::new()], "", "2 s");
    let gone = |crowd: &Crowd| format!("{:.1} s", crowd.delete_seconds);
    line("… all deleted", [gone(operator), gone(script), String::new()], "", "");
    let memory = &report.memory;
    let mib = |held: &super::usage::Memory| {
        let text = format!("{:.1} MiB, {:.1} of it the program", held.resident_mib, held.file_mib);
        [text, String::new(), String::new()]
    };
    line("memory, idle", mib(&memory.idle), "≤ 24 MiB", "467 MB in 8 processes");
    line(&format!("… {few} galleries"), mib(&memory.few), "", "560 MB");
    line(&format!("… {many} galleries"), mib(&memory.many), "≤ 32 MiB", "601 MB");
    line("… when they are deleted", mib(&memory.afterwards), "", "");
    let missed: Vec<_> = report.goals.iter().filter(|goal| !goal.met).collect();
    let missed = missed.iter().map(|goal| format!("{}: {:.2}, not {}", goal.what, goal.measured, goal.goal));
    let missed: Vec<_> = missed.collect();
    let verdict = if missed.is_empty() {
        format!("All {} goals are met.", report.goals.len())
    } else {
        format!("Missed: {}.", missed.join("; "))
    };
    format!("{}\n\n{verdict}", table.text())
}

fn both(compared: &Compared, text: impl Fn(&Side) -> String) -> [String; 2] {
    [text(&compared.by.operator), text(&compared.by.script)]
}

fn seconds(compared: &Compared) -> [String; 3] {
    let [operator, script] = both(compared, |side| spread(&side.seconds));
    [operator, script, format!("{:.2}", compared.ratio.median)]
}

fn in_aws(compared: &Compared) -> [String; 3] {
    let [operator, script] = both(compared, |side| spread(&side.in_aws_seconds));
    [operator, script, String::new()]
}

fn calls(compared: &Compared) -> [String; 3] {
    let [operator, script] = both(compared, |side| count(&side.calls.all));
    [operator, script, String::new()]
}

fn spread(spread: &Spread) -> String {
    format!("{:.2} s ({:.2}–{:.2})", spread.median, spread.min, spread.max)
}

/// Reads and writes, and of them what was refused.
fn count(count: &Count) -> String {
    let Count { reads, writes, refused, .. } = count;
    format!("{reads:.0} + {writes:.0} ({refused:.0} refused)")
}

fn thousands(number: usize) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", number / 1000, number % 1000) }
}

/// How much of the time the local AWS was at work: where that is nearly all of it, nobody could be faster.
fn limits(report: &Report) -> String {
    let mut table = Table::new(&[
        "processor time, seconds",
        "operator",
        "local AWS for it",
        "local AWS busy",
        "script",
        "local AWS for it",
        "local AWS busy",
    ]);
    let busy = |aws: f64, seconds: f64| format!("{:.0} %", 100.0 * aws / seconds);
    let of = |side: &Side| {
        let (aws, seconds) = (side.local_aws_cpu_seconds.median, side.seconds.median);
        [format!("{:.2}", side.cpu_seconds.median), format!("{aws:.2}"), busy(aws, seconds)]
    };
    for (step, what) in [
        (Step::Create, "apply → Ready"),
        (Step::Change, "memory and one variable"),
        (Step::Code, "other code"),
        (Step::Delete, "delete, empty"),
        (Step::DeleteWithPhotos, "delete with photos"),
    ] {
        let by = &report.steps[&step].by;
        let cells = [what.to_owned()].into_iter().chain(of(&by.operator)).chain(of(&by.script));
        table.line(&cells.collect::<Vec<_>>());
    }
    let by = &report.crowd.by;
    let of = |crowd: &Crowd| {
        #[expect(clippy::cast_precision_loss, reason = "dozens")]
        let cpu = crowd.cpu_seconds_a_gallery * crowd.galleries as f64;
        let aws = crowd.local_aws_cpu_seconds;
        [format!("{cpu:.1}"), format!("{aws:.1}"), busy(aws, crowd.seconds)]
    };
    let what = format!("{} galleries", report.extent.many);
    let cells = [what].into_iter().chain(of(&by.operator)).chain(of(&by.script));
    table.line(&cells.collect::<Vec<_>>());
    table.text()
}

fn services(report: &Report) -> String {
    let mut table = Table::new(&[
        "calls, reads + writes (refused)",
        "operator: create",
        "change",
        "delete",
        "script: create",
        "change",
        "delete",
    ]);
    let steps = [Step::Create, Step::Change, Step::Delete];
    let operator = steps.map(|step| &report.steps[&step].by.operator.calls);
    let script = steps.map(|step| &report.steps[&step].by.script.calls);
    let columns: Vec<&Calls> = operator.into_iter().chain(script).collect();
    let mut services: Vec<&String> = columns.iter().flat_map(|calls| calls.by_service.keys()).collect();
    services.sort();
    services.dedup();
    for service in services {
        let of = |calls: &&Calls| calls.by_service.get(service).map_or("–".to_owned(), count);
        let cells: Vec<_> = [service.clone()].into_iter().chain(columns.iter().map(of)).collect();
        table.line(&cells);
    }
    let cells = ["**all**".to_owned()].into_iter().chain(columns.iter().map(|calls| count(&calls.all)));
    table.line(&cells.collect::<Vec<_>>());
    let (operator, script) = (&report.first.operator.all, &report.first.script.all);
    format!(
        "{}\n\nThe first gallery of an account, with what all galleries share: {} by the operator, {} by the script.",
        table.text(),
        count(operator),
        count(script)
    )
}
