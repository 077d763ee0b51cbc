//! The report as Markdown: the part of `docs/benchmarks.md` that is measured.

use super::Extent;
use super::crowd::Crowd;
use super::report::{Compared, Report, Step};
use super::sample::{Calls, Count, Side, Spread};
use super::usage::Memory;

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
    let mut table = Table::new(&[
        "",
        "operator",
        "boto3 script",
        "operator / script",
        "goal",
        "ACK + kro, measured elsewhere",
    ]);
    steps(report, &mut table);
    crowds(report, &mut table);
    memory(report, &mut table);
    let missed = report.goals.iter().filter(|goal| !goal.met);
    let missed = missed.map(|goal| format!("{}: {:.2}, not {}", goal.what, goal.measured, goal.at_most));
    let missed: Vec<_> = missed.collect();
    let verdict = if missed.is_empty() {
        format!("All {} goals are met.", report.goals.len())
    } else {
        format!("Missed: {}.", missed.join("; "))
    };
    format!("{}\n\n{verdict}", table.text())
}

impl Table {
    fn compare(&mut self, what: &str, cells: [String; 3], goal: &str, elsewhere: &str) {
        let [operator, script, ratio] = cells;
        self.line(&[what.into(), operator, script, ratio, goal.into(), elsewhere.into()]);
    }
}

fn steps(report: &Report, table: &mut Table) {
    let step = |step| &report.steps[&step];
    let (create, change, code) = (step(Step::Create), step(Step::Change), step(Step::Code));
    let (delete, full) = (step(Step::Delete), step(Step::DeleteWithPhotos));
    table.compare("apply → Ready, page and API answer", seconds(create), "ratio ≤ 1.0", "52.6 s; ratio 51");
    table.compare("… calls", calls(create), "≤ 110", "482 + 79 (142 refused)");
    table.compare("memory and one variable: in AWS", in_aws(change), "", "0.6 s");
    table.compare("… and reported Ready", seconds(change), "≤ 1.5 s", "31.5 s");
    table.compare("… calls", calls(change), "", "21");
    table.compare("other code for all functions: in AWS", in_aws(code), "", "");
    table.compare("… and reported Ready", seconds(code), "", "");
    table.compare("delete, empty: last write in AWS", in_aws(delete), "", "");
    table.compare("… and known to be gone", seconds(delete), "", "31.1 s");
    table.compare("… calls", calls(delete), "≤ 110", "222");
    let what = format!("delete with {} photos: last write in AWS", thousands(report.extent.photos));
    table.compare(&what, in_aws(full), "ends", "3 photos: not done after 75 s");
    table.compare("… and known to be gone", seconds(full), "", "");
    table.compare("… calls", calls(full), "", "676 until then");
    let told = full.by.operator.samples.iter().map(|sample| sample.told.len()).min().unwrap_or_default();
    let told = [format!("{told} times"), "no".into(), String::new()];
    table.compare("… says how far it is", told, "yes", "no");
}

fn crowds(report: &Report, table: &mut Table) {
    let many = report.extent.many;
    let by = &report.crowd.by;
    let of = |text: &dyn Fn(&[Crowd]) -> String| [text(&by.operator), text(&by.script), String::new()];
    let median = |crowds: &[Crowd], field: fn(&Crowd) -> f64| Spread::of(crowds.iter().map(field));

    let [operator, script, _] = of(&|crowds| spread(&median(crowds, |crowd| crowd.seconds)));
    let what = format!("{many} at once, by the script one after the other: the last is Ready");
    let ratio = format!("{:.2}", report.crowd.ratio.median);
    table.compare(&what, [operator, script, ratio], "ratio ≤ 1.0", "221 s; ratio 4");
    let half = of(&|crowds| format!("{:.1} s", median(crowds, |crowd| crowd.ready_seconds.median).median));
    table.compare("… half of them are Ready; one takes the script", half, "", "");
    let own = of(&|crowds| crowds.iter().map(|crowd| crowd.distributions).min().unwrap_or(0).to_string());
    table.compare("… distributions", own, &many.to_string(), "42");
    let calls =
        of(&|crowds| crowds.last().map(|crowd| count(&crowd.calls_a_gallery.all)).unwrap_or_default());
    table.compare("… calls a gallery", calls, "", "");
    let cpu = of(&|crowds| format!("{:.2} s", median(crowds, |crowd| crowd.cpu_seconds_a_gallery).median));
    table.compare("… processor time a gallery", cpu, "", "2 s");
    let gone = of(&|crowds| format!("{:.1} s", median(crowds, |crowd| crowd.delete_seconds).median));
    table.compare("… all deleted", gone, "", "");
}

fn memory(report: &Report, table: &mut Table) {
    let Extent { few, many, crowds, most, .. } = report.extent;
    let memory = &report.memory;
    let mib = |held: &Memory| {
        let text = format!("{:.1} MiB, {:.1} of it the program", held.resident_mib, held.file_mib);
        [text, String::new(), String::new()]
    };
    table.compare("memory, idle", mib(&memory.idle), "≤ 24 MiB", "467 MB in 8 processes");
    table.compare(&format!("… {few} galleries"), mib(&memory.few), "", "560 MB");
    table.compare(&format!("… {many} galleries"), mib(&memory.many), "≤ 32 MiB", "601 MB");
    let what = format!("… {many} galleries for time number {crowds}");
    table.compare(&what, mib(&memory.many_again), "", "");
    table.compare("… when all are deleted", mib(&memory.afterwards), "", "");
    table.compare(&format!("… {most} galleries"), mib(&report.most.memory), "", "");
    let calls =
        |what: &str, calls: &Calls| (what.to_owned(), [count(&calls.all), String::new(), String::new()]);
    let Crowd { calls_a_gallery, delete_calls_a_gallery, .. } = &report.most.crowd;
    for (what, cells) in [
        calls(&format!("calls a gallery, {few} at once: create"), &memory.few_calls_a_gallery),
        calls(&format!("… {most} at once: create"), calls_a_gallery),
        calls(&format!("… {most} at once: delete"), delete_calls_a_gallery),
    ] {
        table.compare(&what, cells, "", "");
    }
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
    let of = |crowds: &[Crowd]| {
        let median = |field: &dyn Fn(&Crowd) -> f64| Spread::of(crowds.iter().map(field)).median;
        let cpu = median(&|crowd| {
            crowd.cpu_seconds_a_gallery * f64::from(u32::try_from(crowd.galleries).unwrap_or(0))
        });
        let (aws, seconds) = (median(&|crowd| crowd.local_aws_cpu_seconds), median(&|crowd| crowd.seconds));
        [format!("{cpu:.1}"), format!("{aws:.1}"), busy(aws, seconds)]
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
