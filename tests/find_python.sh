#!/bin/sh
# Prints the path of a Python that this project runs on, the newest first; says what to do where there is none.
# nautilus_trader ships wheels for CPython 3.12 to 3.14; plain `python3` is often older.
fits() { "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; }
root="${PYENV_ROOT:-$HOME/.pyenv}/versions"
for candidate in "${PYTHON:-}" \
    python3.13 "$root"/3.13.*/bin/python3.13 \
    python3.12 "$root"/3.12.*/bin/python3.12 \
    python3.14 "$root"/3.14.*/bin/python3.14 python3; do
    [ -n "$candidate" ] || continue
    path=$(command -v "$candidate" 2>/dev/null) || continue
    if fits "$path"; then
        # A pyenv shim works only while its version is selected: ask the interpreter where it really is.
        "$path" -c 'import sys; print(sys.executable)'
        exit 0
    fi
done
cat >&2 <<'TEXT'
No Python 3.12, 3.13 or 3.14 with venv was found. Install one and run the command again, for example:
  Debian 13, Ubuntu 24.04:  apt-get install python3 python3-venv
  pyenv:                    pyenv install 3.13
or name it: make PYTHON=/path/to/python3.13 ...
TEXT
exit 1
