#!/bin/sh
# Unpacks packages of Debian's into a folder, with the libraries that this machine lacks, where only tests and
# benchmarks see them: no package of Python's brings them. Nothing is installed; root fetches the lists of packages if
# there are none. Each package is taken for a command of its own name, and left out where that is here already.
#
#     tools/debian.sh FOLDER PACKAGE...
set -eu
mkdir -p "$1"
cd "$1"
shift
wanted=
for name in "$@"; do
	command -v "$name" >/dev/null || test -x "/usr/sbin/$name" || wanted="$wanted $name"
done
test -n "$wanted" || exit 0
# shellcheck disable=SC2086  # words
if test "$(id -u)" = 0 && ! apt-cache show $wanted >/dev/null 2>&1; then apt-get update -qq; fi
# shellcheck disable=SC2086  # words
needed=$(apt-get --simulate --no-install-recommends install $wanted | sed -n 's/^Inst \([^ ]*\).*/\1/p')
# shellcheck disable=SC2086  # words
apt-get download -qq $needed 2>/dev/null
for package in *.deb; do dpkg --extract "$package" .; done
