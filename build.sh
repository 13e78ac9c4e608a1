#!/bin/sh
# Builds dist/hostfactory, one executable with nothing to install beside it, and dist/SHA256SUMS.
#
# usage: build.sh [--target TARGET] [--if-changed] [--hello]
#   --target TARGET   for another machine than this one, one of those of `deno compile`; becomes dist/hostfactory-TARGET
#   --if-changed      do nothing where dist/ already holds what this tree makes
#   --hello           dist/hello in its place, which says hello: what the runtime alone takes, for `deno task bench`
#
# The same tree and commit give the same bytes, wherever and whenever they are built. HOSTFACTORY_COMMIT is the commit to
# stamp where there is no git. DENORT_BIN is the runtime to compile with; without it, Deno downloads its own; where Deno's
# site cannot be reached, it comes out of an npm package (Linux x86_64 alone).
set -eu
cd "$(dirname "$0")"
deno=$PWD/scripts/dev/deno
dist=$PWD/dist

target= if_changed= program=hostfactory entry=main.ts
while [ $# -gt 0 ]; do
  case $1 in
    --target) target=${2:?--target wants a value}; shift 2 ;;
    --if-changed) if_changed=yes; shift ;;
    --hello) program=hello entry=test/bench/hello.ts; shift ;;
    *) sed -n 's/^# \(usage.*\)/\1/p' "$0" >&2; exit 2 ;;
  esac
done
output=$program${target:+-$target}

say() { echo "build.sh: $*" >&2; }

commit_to_stamp() {
  commit=$(git rev-parse --short=12 HEAD 2>/dev/null) || { echo unknown; return; }
  [ -z "$(git status --porcelain -- main.ts src page deno.json deno.lock build.sh scripts/dev)" ] || commit=$commit-dirty
  echo "$commit"
}
commit=${HOSTFACTORY_COMMIT:-$(commit_to_stamp)}

# Everything that decides the bytes of the executable, as one checksum.
inputs() {
  {
    echo "$commit $target ${DENORT_BIN:-}"
    find $entry src page deno.json deno.lock build.sh scripts/dev/bundle.ts scripts/dev/page.ts scripts/dev/deno -type f | LC_ALL=C sort | xargs sha256sum
  } | sha256sum | cut -d ' ' -f 1
}
inputs=$(inputs)
if [ -n "$if_changed" ] && [ -x "$dist/$output" ] && [ "$(cat "$dist/.$output.inputs" 2>/dev/null)" = "$inputs" ]; then
  exit 0
fi

mkdir -p "$dist"
work=$(mktemp -d "$dist/.build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Arguments: the Deno to compile with. The bundle lies where no deno.json, lock or node_modules is picked up with it. With any
# permission less, the runtime resolves the path of each file before it opens it: see docs/decisions.md.
compile() {
  "$@" compile --quiet --no-config --no-lock --no-npm --no-remote --no-check --no-prompt \
    --allow-all --no-code-cache --v8-flags=--max-semi-space-size=4,--expose-gc,--heap-growing-percent=40,--initial-old-space-size=48 \
    ${target:+--target "$target"} --output "$work/out/$output" "$work/bundle/$(basename "$entry" .ts).js" </dev/null
}

# Unpacks an npm package, with Deno as the only tool, and prints where. Arguments: name, version.
npm_package() {
  mkdir -p "$work/npm/$1"
  printf '{"dependencies":{"%s":"%s"}}' "$1" "$2" > "$work/npm/$1/package.json"
  (cd "$work/npm/$1" && "$deno" install --quiet --node-modules-dir=auto) >&2
  echo "$work/npm/$1/node_modules/$1"
}

# The runtime out of an npm package whose program was itself made by `deno compile`: all that precedes what was embedded in
# it is Deno's own runtime, unchanged. Deno 2.6.8 compiles with it, and no other.
offline_package=@mcp-stress/linux-x64
offline_version=0.2.1
offline_bytes=92183912
offline_sha256=1b136202dc147212ad0b129de0c10eb5f17060917c9754c7921cd68f764ad2e2
offline_deno=2.6.8
offline_runtime() {
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/hostfactory
  runtime=$cache/denort-$offline_sha256
  if [ ! -f "$runtime" ]; then
    mkdir -p "$cache"
    package=$(npm_package "$offline_package" "$offline_version")
    head -c "$offline_bytes" "$package/bin/mcp-stress" > "$cache/.denort.$$"
    chmod +x "$cache/.denort.$$"
    mv "$cache/.denort.$$" "$runtime"
  fi
  if ! echo "$offline_sha256  $runtime" | sha256sum --quiet -c - >&2; then
    rm -f "$runtime"
    say "the runtime out of $offline_package is not the one expected"
    exit 1
  fi
  echo "$runtime"
}
offline_compiler() {
  case "$("$deno" --version)" in
    "deno $offline_deno "*) echo "$deno" ;;
    *) echo "$(npm_package @deno/linux-x64-glibc "$offline_deno")/deno" ;;
  esac
}

"$deno" run --allow-all scripts/dev/bundle.ts "$entry" "$work/bundle" "$commit"
TZ=UTC find "$work/bundle" -type f -exec touch -t 200001010000 {} + # times are embedded along with the files

if [ -n "${DENORT_BIN:-}" ]; then
  compile "$deno"
elif ! compile timeout 300 "$deno" 2> "$work/log"; then
  case "$(uname -sm) $target" in
    "Linux x86_64 " | "Linux x86_64 x86_64-unknown-linux-gnu") ;;
    *) cat "$work/log" >&2; say "without Deno's own download, DENORT_BIN has to name the runtime for this target"; exit 1 ;;
  esac
  say "Deno cannot download its runtime; taking it from the npm package $offline_package@$offline_version"
  DENORT_BIN=$(offline_runtime)
  export DENORT_BIN
  compile "$(offline_compiler)"
fi

mv -f "$work/out/$output" "$dist/$output"
echo "$inputs" > "$dist/.$output.inputs"
(cd "$dist" && sha256sum -- $(ls | grep '^hostfactory') > "$work/sums" && mv -f "$work/sums" SHA256SUMS)
say "dist/$output $(wc -c < "$dist/$output") bytes"
