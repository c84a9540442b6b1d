# SPDX-License-Identifier: MIT
# Read in by the programs with windows: they run on GJS, not on Node. `here` is the folder of this file.

# window NAME BUNDLE ARGS…: becomes the program src/ui/programs/BUNDLE.ts. Status 69: a package is not there.
# With `lock` set, a file: it waits until no other program holds that.
lock=
window() {
  name=$1 program=$here/../dist/ui/$2.js
  shift 2
  if ! [ -e "$program" ]; then
    echo "$name: not built yet; run npm ci (or npm run build) in $(dirname -- "$here")" >&2
    exit 70
  fi
  missing=
  command -v gjs >/dev/null || missing=' gjs'
  has_library Gtk 4.0 || missing="$missing gir1.2-gtk-4.0"
  has_library Adw 1 || missing="$missing gir1.2-adw-1"
  if [ -n "$missing" ]; then
    echo "$name: cannot show a window: install the Debian packages$missing" >&2
    exit 69
  fi
  # util-linux; the lock is held as long as GJS runs.
  command -v flock >/dev/null || lock=
  export NINEFOLD_WINDOW="$name"
  exec ${lock:+flock -F "$lock"} gjs -m "$program" "$@"
}

# help_or_version TEXT WORD: what needs no window. It ends the program for these two words alone.
help_or_version() {
  case $2 in
    -h | --help) printf '%s\n' "$1" && exit 0 ;;
    --version) sed -n 's/^  "version": "\(.*\)",$/\1/p' "$here/../package.json" && exit 0 ;;
  esac
}

# By its file, which costs no process; where it is in none of the usual places, GJS is asked.
has_library() {
  for file in "${GI_TYPELIB_PATH:-/nowhere}/$1-$2.typelib" /usr/lib/*/girepository-1.0/"$1-$2.typelib" \
    /usr/lib64/girepository-1.0/"$1-$2.typelib" /usr/lib/girepository-1.0/"$1-$2.typelib"; do
    [ -e "$file" ] && return 0
  done
  gjs -c "imports.gi.versions.$1 = '$2'; imports.gi.$1" >/dev/null 2>&1
}
