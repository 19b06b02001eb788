#!/bin/sh
# Unpacks Debian's PgBouncer into a folder, with the libraries that this machine lacks, where only the tests see it:
# no package of Python's brings one. Nothing is installed; root fetches the lists of packages if there are none.
set -eu
mkdir -p "$1"
cd "$1"
if command -v pgbouncer >/dev/null || test -x /usr/sbin/pgbouncer; then exit; fi
if test "$(id -u)" = 0 && ! apt-cache show pgbouncer >/dev/null 2>&1; then apt-get update -qq; fi
needed=$(apt-get --simulate --no-install-recommends install pgbouncer | sed -n 's/^Inst \([^ ]*\).*/\1/p')
# shellcheck disable=SC2086  # words
apt-get download -qq $needed 2>/dev/null
for package in *.deb; do dpkg --extract "$package" .; done
