//! What processes cost: CPU time and resident memory, from `/proc`.

use std::fs;

/// CPU-seconds (user and system, waited-for children too) that these processes have used since they began.
pub fn cpu_seconds(pids: &[u32]) -> f64 {
    let ticks: u64 =
        pids.iter().map(|pid| cpu_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default())).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// Fields 14 to 17 of `/proc/PID/stat` (proc_pid_stat(5)): utime, stime, cutime, cstime.
fn cpu_ticks(stat: &str) -> u64 {
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// Resident megabytes of these processes together.
pub fn resident_mb(pids: &[u32]) -> f64 {
    let kb: u64 = pids
        .iter()
        .map(|pid| resident_kb(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()))
        .sum();
    kb as f64 * 1024.0 / 1e6
}

fn resident_kb(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|kb| kb.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_brackets_does_not_shift_the_fields() {
        let stat = "42 (a ) b) S 1 1 1 0 -1 4194560 100 0 0 0 7 5 3 2 20 0 1 0";
        assert_eq!(cpu_ticks(stat), 17);
    }

    #[test]
    fn our_own_process_can_be_measured() {
        let me = [std::process::id()];
        assert!(resident_mb(&me) > 0.5);
        assert!(cpu_seconds(&me) >= 0.0);
        assert_eq!(resident_mb(&[]), 0.0);
    }
}
