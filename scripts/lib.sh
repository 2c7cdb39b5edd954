# Shared by the scripts: what the machine needs, and where things are. Sourced, never run.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# One line, and out: without the SDK nothing can be done.
need_dotnet() {
  command -v dotnet >/dev/null || die "The .NET 10 SDK is missing: see https://dot.net, or 'apt-get install dotnet-sdk-10.0'."
  local version
  version=$(cd "$ROOT" && dotnet --version 2>/dev/null) || die "No .NET SDK here fits global.json (10.0.4xx is needed)."
  case "$version" in 10.*) ;; *) die ".NET SDK 10 is needed, this is $version." ;; esac
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "Root is needed for: $*"; fi
}

# The number in the name of librocksdb differs between releases of Debian and Ubuntu.
rocksdb_package() {
  apt-cache search --names-only '^librocksdb[0-9][0-9.]*(t64)?$' | awk '{print $1}' | sort -V | tail -n 1
}

# Installs the Debian packages that are missing; "rocksdb" stands for whatever librocksdb is called here.
need_packages() {
  if ! command -v apt-get >/dev/null; then
    say "Not Debian or Ubuntu: install these yourself: $* (rocksdb: the RocksDB library, liblz4-1: the LZ4 library)."
    return
  fi
  local missing=() name
  for name in "$@"; do
    if [ "$name" = rocksdb ]; then
      # Not through a pipe: grep leaves at the first match, and with pipefail ldconfig's SIGPIPE would count.
      grep -q 'librocksdb\.so\.' <<<"$(ldconfig -p)" || missing+=(rocksdb)
    else
      case "$(dpkg-query -W -f '${Status}' "$name" 2>/dev/null)" in *'ok installed'*) ;; *) missing+=("$name") ;; esac
    fi
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Installing: ${missing[*]}"
  as_root apt-get update -qq
  local resolved=()
  for name in "${missing[@]}"; do
    [ "$name" = rocksdb ] && name=$(rocksdb_package)
    [ -n "$name" ] || die "This release has no package of RocksDB; build librocksdb and name it with DISTFS_ROCKSDB."
    resolved+=("$name")
  done
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${resolved[@]}" >/dev/null
}
