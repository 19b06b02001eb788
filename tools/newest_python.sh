#!/bin/sh
# Print the newest Python that is on this machine, on the path or among pyenv's: the one that `make newest` tries.
set -eu
for one in python3.15 python3.14 python3.13 python3.12 \
    $(ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-9].*/bin/python3 2>/dev/null | sort -rV) python3; do
    "$one" -c '' 2>/dev/null && echo "$one" && exit
done
exit 1
