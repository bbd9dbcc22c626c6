# shellcheck shell=bash
# Sets up what the commands in script/ need and puts it on PATH: uv (in .tools) and the locked environment (in .venv).
# Sourced by them. Needs Python 3.10 to 3.13, git and a network; installs nothing outside the checkout.
#
#   bootstrap test    everything, with the tools of development
#   bootstrap run     what `meltano run` and the emulators need

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
UV_PINNED=0.13.8  # installed when there is no uv
UV_OLDEST=0.8.0   # the oldest uv on PATH that is used instead

say() { printf '%s\n' "$*" >&2; }
die() { say "Error: $*"; exit 1; }

# Print the first Python on PATH this project runs on.
suitable_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11 python3.10 python; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  die "there is no Python 3.10 to 3.13 on PATH"
}

at_least() { printf '%s\n%s\n' "$1" "$2" | sort -V -C; }

install_uv() {
  local python=$1 home=$2
  mkdir -p "$ROOT/.tools"
  say "Installing uv $UV_PINNED into .tools ..."
  # A virtual environment needs ensurepip, which some systems leave out; pip itself may be missing as well.
  if "$python" -m venv "$home" >/dev/null 2>&1 &&
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check "uv==$UV_PINNED" >&2; then
    return
  fi
  rm -rf "$home"
  if "$python" -m pip --version >/dev/null 2>&1 &&
    "$python" -m pip install --quiet --disable-pip-version-check --target "$home" "uv==$UV_PINNED" >&2; then
    return
  fi
  rm -rf "$home"
  "$python" "$ROOT/script/lib/fetch_uv.py" "$UV_PINNED" "$home/bin" || die "uv could not be installed"
}

# Print the path of a usable uv.
usable_uv() {
  local python=$1 home="$ROOT/.tools/uv-$UV_PINNED" found
  if found="$(command -v uv)" && at_least "$UV_OLDEST" "$(uv --version 2>/dev/null | cut -d' ' -f2)"; then
    printf '%s\n' "$found"
    return
  fi
  [[ -x "$home/bin/uv" ]] || install_uv "$python" "$home"
  printf '%s\n' "$home/bin/uv"
}

# Print the package index the user has set for uv or pip, nothing if it is PyPI's.
own_index() {
  local python=$1 index
  index="${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-${PIP_INDEX_URL:-}}}"
  if [[ -z "$index" ]]; then
    index="$("$python" -m pip config get global.index-url 2>/dev/null || true)"
  fi
  case "$index" in
    *://pypi.org/simple | *://pypi.org/simple/) ;;
    *) printf '%s' "$index" ;;
  esac
}

bootstrap() {
  local wanted=$1 python uv index
  local -a options=()
  export CALLED_FROM="$PWD" # relative names of files count from there
  cd "$ROOT" || exit
  unset VIRTUAL_ENV
  python="$(suitable_python)"
  uv="$(usable_uv "$python")"
  # The tools of development are left out where they are not needed, but not removed where they are.
  [[ "$wanted" == test ]] || options=(--no-group dev --no-group loaders --inexact)
  export UV_PROJECT_ENVIRONMENT="$ROOT/.venv" UV_PYTHON_DOWNLOADS="${UV_PYTHON_DOWNLOADS:-never}"
  if [[ ! -x "$ROOT/.venv/bin/python" ]]; then
    export UV_PYTHON="${UV_PYTHON:-$python}"
    say "Setting up .venv with $("$python" --version) ..."
  fi
  if [[ -n "${PIP_CERT:-}" ]]; then
    export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"
  fi
  # Inside companies a proxy often signs with an authority of its own, which only the system's store knows.
  if [[ -z "${SSL_CERT_FILE:-}" && ( -e /etc/ssl/certs/ca-certificates.crt || -e /etc/pki/tls/certs/ca-bundle.crt || -e /etc/ssl/cert.pem ) ]]; then
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
  fi
  index="$(own_index "$python")"
  if [[ -z "$index" ]]; then
    "$uv" sync --quiet --locked "${options[@]}" || die "the environment could not be set up"
  else
    sync_from_index "$uv" "$index" "${options[@]}" || die "the environment could not be set up from your package index"
  fi
  export PATH="$ROOT/.venv/bin:$PATH"
}

# The lock file names PyPI's addresses. From another index the same versions are installed, checked by the same hashes.
sync_from_index() {
  local uv=$1 index=$2 requirements="$ROOT/.tools/requirements.txt"
  shift 2
  local -a groups=()
  [[ $# == 0 ]] || groups=(--no-group dev --no-group loaders)
  mkdir -p "$ROOT/.tools"
  "$uv" export --quiet --frozen --no-header "${groups[@]}" --output-file "$requirements" || return
  [[ -x "$ROOT/.venv/bin/python" ]] || "$uv" venv --quiet "$ROOT/.venv" || return
  UV_DEFAULT_INDEX="$index" "$uv" pip install --quiet --python "$ROOT/.venv/bin/python" --requirements "$requirements"
}
