# Sourced by the other scripts: makes .venv with what is asked for, once.
# Usage: ensure_venv WHAT, where WHAT is what pip installs: '.' or '.[dev]'.

ensure_venv() {
    what=$1
    stamp=".venv/.installed-$(printf '%s' "$what" | cksum | cut -d' ' -f1)"
    want=$(cat pyproject.toml constraints.txt | cksum)
    if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
        return 0
    fi
    if ! command -v python3 >/dev/null; then
        echo "landed needs python3, 3.11 or newer: install the package python3" >&2
        exit 2
    fi
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "landed needs Python 3.11 or newer; python3 is $(python3 -V 2>&1)" >&2
        exit 2
    fi
    if ! python3 -c 'import venv' 2>/dev/null; then
        echo "Python's venv module is missing: install the package python3-venv" >&2
        exit 2
    fi
    if ! python3 -m pip --version >/dev/null 2>&1; then
        echo "pip is missing: install the package python3-pip" >&2
        exit 2
    fi
    echo "Setting up .venv (a minute or two, once) ..." >&2
    # Without ensurepip, which some distributions leave out; pip installs from outside.
    [ -x .venv/bin/python ] || python3 -m venv --without-pip .venv
    PIP_CONSTRAINT="$PWD/constraints.txt" PIP_DISABLE_PIP_VERSION_CHECK=1 \
        python3 -m pip --python .venv/bin/python install --quiet \
        --root-user-action=ignore --editable "$what"
    printf '%s\n' "$want" >"$stamp"
}
