//! What is left out of images although Debian's packages have it.
//!
//! Every byte of a layer is sent over the simulated wire, hashed twice, and written by a container engine that runs in
//! a simulator; leaving out what never runs keeps a pull short and changes nothing the function does.

/// Packages that dependencies name but a container does not need: they serve installing (maintainer scripts, which are
/// never run here), interactive use, or are documentation and data beside the libraries.
pub(super) const NEVER_NEEDED: [&str; 15] = [
    // Tools and libraries of package installation.
    "dpkg",
    "tar",
    "perl-base",
    "debconf",
    "libacl1",
    "libmd0",
    "libselinux1",
    "libpcre2-8-0",
    // An empty package that carries gcc's changelog; OpenSSL's provider of retired ciphers.
    "gcc-14-base",
    "openssl-provider-legacy",
    // Time zones (a container here has none: UTC), readline's settings, Berkeley DB of Python's dbm.
    "tzdata",
    "readline-common",
    "libdb5.3t64",
    // A package manager for npm's competitors; polyfill that only `node-undici` of browsers uses.
    "node-corepack",
    "libsemanage2",
];

/// Paths no container needs.
pub(super) const ALWAYS: [&str; 19] = [
    // Documentation, translations, checks of packaging.
    "usr/share/doc/**",
    "usr/share/man/**",
    "usr/share/info/**",
    "usr/share/locale/**",
    "usr/share/lintian/**",
    "usr/share/bug/**",
    "usr/share/doc-base/**",
    // Desktop and shell integration.
    "usr/share/applications/**",
    "usr/share/pixmaps/**",
    "usr/share/icons/**",
    "usr/share/bash-completion/**",
    "usr/share/menu/**",
    "usr/share/gdb/**",
    // For building other programs, and for services of the host.
    "usr/include/**",
    "usr/lib/*/pkgconfig/**",
    "usr/lib/systemd/**",
    // iconv's table modules: the C library itself knows UTF-8, and the runtimes bring their own codecs.
    "usr/lib/*/gconv/**",
    // Profiling of the C library, its audit helpers.
    "usr/lib/*/audit/**",
    "usr/lib/*/libpcprofile.so",
];
