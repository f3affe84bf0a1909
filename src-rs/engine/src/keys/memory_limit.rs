//! Memory that the process may still use, where it runs in a container with a limit: Linux's control groups.
//!
//! Linux kills a process that goes over the limit, so the limit is looked at before much memory is used.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes that this process may still use, by the limits of its control group and of all groups around it. `None` without a limit,
/// and where there are no control groups. `root` is the folder that has the system's `proc` and `sys`.
pub(super) fn available(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    groups.lines().filter_map(|line| of_line(root, line)).min()
}

/// A line of `/proc/self/cgroup`: the hierarchy's number, its controllers, and the group's path. Version 2 has no controllers.
fn of_line(root: &Path, line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let (mounts, names): (&[&str], _) = if controllers.is_empty() {
        (&["sys/fs/cgroup", "sys/fs/cgroup/unified"], &VERSION_2)
    } else if controllers.split(',').any(|name| name == "memory") {
        (&["sys/fs/cgroup/memory"], &VERSION_1)
    } else {
        return None;
    };
    let limits = mounts.iter().flat_map(|mount| {
        let mount = root.join(mount);
        let group = PathBuf::from(path.trim_start_matches('/'));
        // A container that does not hide the host's path mounts its own group at the top, so the top counts too.
        let ancestors: Vec<PathBuf> = group.ancestors().map(|group| mount.join(group)).collect();
        ancestors
    });
    limits.filter_map(|folder| of_group(&folder, names)).min()
}

/// Limit minus use of one group. Cached files count as free, because the system drops them first.
fn of_group(folder: &Path, names: &Names) -> Option<u64> {
    let number = |name: &str| {
        let text = fs::read_to_string(folder.join(name)).ok()?;
        text.trim().parse::<u64>().ok()
    };
    // Version 2 writes "max" for no limit; version 1 writes a number near 2^63.
    let limit = number(names.limit).filter(|&limit| limit < NO_LIMIT)?;
    let used = number(names.used)?;
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cached = stat.lines().filter_map(|line| {
        let (name, value) = line.split_once(' ')?;
        names.cached.contains(&name).then(|| value.trim().parse().ok())?
    });
    let cached = cached.fold(0, u64::saturating_add);
    Some(limit.saturating_sub(used.saturating_sub(cached)))
}

struct Names {
    limit: &'static str,
    used: &'static str,
    cached: [&'static str; 2],
}

const VERSION_1: Names = Names {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    cached: ["total_inactive_file", "total_active_file"],
};
const VERSION_2: Names = Names {
    limit: "memory.max",
    used: "memory.current",
    cached: ["inactive_file", "active_file"],
};
/// Limits of this size and above are none: 2^62 bytes.
const NO_LIMIT: u64 = 1 << 62;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A folder with `proc/self/cgroup` and with files below `sys/fs/cgroup`.
    pub(in crate::keys) fn container(groups: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |path: PathBuf, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(root.path().join("proc/self/cgroup"), groups);
        for (name, text) in files {
            write(root.path().join("sys/fs/cgroup").join(name), text);
        }
        root
    }

    fn left(groups: &str, files: &[(&str, &str)]) -> Option<u64> {
        available(container(groups, files).path())
    }

    #[test]
    fn version_2_counts_the_groups_around_it_and_leaves_out_cached_files() {
        let nested = [
            ("a/memory.max", "5000\n"),
            ("a/memory.current", "4000\n"),
            (
                "a/memory.stat",
                "anon 1000\ninactive_file 700\nactive_file 300\nfile_dirty 5\n",
            ),
            ("a/b/memory.max", "max\n"),
            ("a/b/memory.current", "900\n"),
            ("a/b/c/memory.max", "3000\n"),
            ("a/b/c/memory.current", "100\n"),
        ];
        assert_eq!(left("0::/a/b/c\n", &nested), Some(2000));
        assert_eq!(left("0::/a/b\n", &nested), Some(2000));
        assert_eq!(left("0::/other\n", &nested), None);
    }

    #[test]
    fn the_top_of_the_mount_counts_where_the_path_is_the_hosts() {
        let files = [("memory.max", "3000"), ("memory.current", "1000")];
        assert_eq!(left("0::/docker/0123/payload\n", &files), Some(2000));
        assert_eq!(left("0::/\n", &files), Some(2000));
        // Used up, and over it.
        assert_eq!(
            left("0::/\n", &[("memory.max", "3000"), ("memory.current", "3001")]),
            Some(0)
        );
    }

    #[test]
    fn version_1_has_a_hierarchy_for_memory() {
        let groups = "12:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/\n";
        let limited = [
            ("memory/docker/1/memory.limit_in_bytes", "8000\n"),
            ("memory/docker/1/memory.usage_in_bytes", "6000\n"),
            (
                "memory/docker/1/memory.stat",
                "inactive_file 1\ntotal_inactive_file 500\ntotal_active_file 100\n",
            ),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/memory.usage_in_bytes", "1\n"),
        ];
        assert_eq!(left(groups, &limited), Some(2600));
        assert_eq!(left(groups, &limited[3..]), None);
    }

    #[test]
    fn without_a_limit_or_without_groups_there_is_none() {
        assert_eq!(
            left("0::/\n", &[("memory.max", "max\n"), ("memory.current", "1\n")]),
            None
        );
        assert_eq!(
            left("0::/\n", &[("memory.max", "garbage"), ("memory.current", "1")]),
            None
        );
        assert_eq!(
            left("nonsense\n", &[("memory.max", "1"), ("memory.current", "1")]),
            None
        );
        assert_eq!(available(tempfile::tempdir().unwrap().path()), None);
    }
}
