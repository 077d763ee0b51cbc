# Sourced by the scripts beside it: where the cache is, how to talk, how to wait for one another.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/photogallery-operator
mkdir -p "$cache"

# A line for the person watching. Standard output belongs to the script's answer.
say() { echo "    $*" >&2; }

fail() {
    echo "error: $*" >&2
    exit 1
}

# Only one process at a time goes on from here with this name; the lock goes with the process, however it ends.
exclusively() {
    exec 9>"$cache/$1.lock"
    flock --nonblock 9 && return
    say "waiting for another build of $1"
    flock 9
}

# The first 16 digits of the SHA-256 of the given files.
digest() { cat "$@" | sha256sum | cut -c1-16; }
