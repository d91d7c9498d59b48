//! The root file system: Debian packages unpacked, pruned of what no program reads, and a handful of settings.

use crate::init;
use crate::packages::PackageError;
use crate::tree::{Entry, Node, Tree, TreeError};

/// Debian packages the guest is made of; their dependencies are added.
///
/// `mawk` and `busybox-static` are named because `base-files` needs some awk and the guest's init some shell.
pub const PACKAGES: [&str; 12] = [
    "base-files",
    "base-passwd",
    "busybox-static",
    "mawk",
    "iproute2",
    "iptables",
    "kmod",
    "docker.io",
    "docker-cli",
    "docker-compose",
    "containerd",
    "runc",
];

/// What of a package stays out of the root disk: nothing the guest's programs open.
const PRUNED: [&str; 12] = [
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/locale/",
    "usr/share/info/",
    "usr/share/lintian/",
    "usr/share/bash-completion/",
    "usr/share/bug/",
    "usr/share/doc-base/",
    "usr/share/initramfs-tools/",
    "usr/share/zsh/",
    "usr/share/fish/",
    "usr/lib/systemd/",
];

/// Static address of the guest; the host is `.2`, as with QEMU's user network.
const HOSTS: &str = "127.0.0.1 localhost\n10.0.2.15 guest\n10.0.2.2 registry.vswarm host\n";

/// The container engine's settings: no helper process per published port (the kernel translates addresses), and the
/// image registry on the host's side of the wire, which speaks plain HTTP.
const DAEMON: &str = r#"{
  "storage-driver": "overlay2",
  "userland-proxy": false,
  "insecure-registries": ["registry.vswarm:5000"]
}
"#;

/// The container runtime without its Kubernetes interface, as Docker's own packages set it up.
const CONTAINERD: &str = "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n";

/// Whether `path` of a package goes into the root disk.
pub fn is_kept(path: &str) -> bool {
    !PRUNED.iter().any(|pruned| path.starts_with(pruned))
}

/// Adds what maintainer scripts and an administrator would have set up.
pub fn configure(tree: &mut Tree) -> Result<(), PackageError> {
    accounts(tree)?;
    for name in [
        "iptables",
        "ip6tables",
        "iptables-save",
        "iptables-restore",
        "ip6tables-save",
        "ip6tables-restore",
    ] {
        tree.insert(&format!("usr/sbin/{name}"), Entry::symlink("xtables-nft-multi"))?;
    }
    for (path, text) in [
        ("etc/hosts", HOSTS),
        ("etc/hostname", "guest\n"),
        ("etc/resolv.conf", "nameserver 10.0.2.2\n"),
        ("etc/docker/daemon.json", DAEMON),
        ("etc/containerd/config.toml", CONTAINERD),
    ] {
        tree.insert(path, Entry::file(text, 0o644))?;
    }
    tree.insert("etc/mtab", Entry::symlink("/proc/self/mounts"))?;
    tree.insert("usr/sbin/vswarm-init", Entry::file(init::MAIN, 0o755))?;
    for path in ["dev", "proc", "sys", "run", "tmp", "root", "var/lib/docker"] {
        tree.insert(
            path,
            Entry { mode: if path == "tmp" { 0o1777 } else { 0o755 }, ..Entry::dir() },
        )?;
    }
    // A pid file that outlives its boot would keep the engine from starting.
    tree.insert("var/run", Entry::symlink("/run"))?;
    applets(tree)?;
    Ok(())
}

/// `/etc/passwd` and `/etc/group` from base-passwd's masters, and the engine's group.
fn accounts(tree: &mut Tree) -> Result<(), TreeError> {
    for (master, file, more) in [("passwd", "passwd", ""), ("group", "group", "docker:x:990:\n")] {
        let Some(Entry { node: Node::File(content), .. }) =
            tree.follow(&format!("usr/share/base-passwd/{master}.master"))
        else {
            continue;
        };
        let mut bytes = content.bytes()?.to_vec();
        bytes.extend(more.as_bytes());
        tree.insert(&format!("etc/{file}"), Entry::file(bytes, 0o644))?;
    }
    Ok(())
}

/// Names of busybox for commands no package brings.
fn applets(tree: &mut Tree) -> Result<(), TreeError> {
    for name in APPLETS.split_whitespace() {
        for folder in ["usr/bin", "usr/sbin"] {
            let path = format!("{folder}/{name}");
            if tree.get(&path).is_some() {
                break;
            }
            if folder == "usr/sbin" {
                tree.insert(&format!("usr/bin/{name}"), Entry::symlink("busybox"))?;
            }
        }
    }
    Ok(())
}

const APPLETS: &str = "sh ash cat chmod chown chroot cp cut date dd df dirname dmesg du echo env expr false find free grep gunzip gzip head hostname id \
    kill ln ls mkdir mkfifo mknod more mount mv nc nslookup pgrep pidof ping poweroff printf ps pwd readlink realpath reboot rm rmdir sed seq setsid \
    sha256sum sleep sort stat stty sync tail tar taskset tee telnet test time timeout top touch tr true tty umount uname uniq uptime usleep vi wc wget \
    which xargs yes zcat";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_is_pruned_and_programs_are_kept() {
        assert!(!is_kept("usr/share/doc/bash/README") && !is_kept("usr/share/locale/de"));
        assert!(
            is_kept("usr/bin/docker")
                && is_kept("usr/share/base-passwd/passwd.master")
                && is_kept("usr/share/doc")
        );
    }

    #[test]
    fn packaged_commands_are_not_replaced_by_applets() {
        let mut tree = Tree::new();
        tree.insert("usr/bin/mount", Entry::file("real", 0o755)).unwrap();
        tree.insert("usr/share/base-passwd/group.master", Entry::file("root:x:0:\n", 0o644))
            .unwrap();
        configure(&mut tree).unwrap();
        assert!(matches!(tree.get("usr/bin/mount").unwrap().node, Node::File(_)));
        assert!(
            matches!(&tree.get("usr/bin/sh").unwrap().node, Node::Symlink(target) if target == "busybox")
        );
        let Node::File(group) = &tree.get("etc/group").unwrap().node else { panic!("not a file") };
        assert_eq!(&*group.bytes().unwrap(), b"root:x:0:\ndocker:x:990:\n");
    }
}
