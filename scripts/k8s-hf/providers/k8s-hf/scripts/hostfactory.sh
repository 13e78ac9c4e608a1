# Read by the five provider scripts beside it, each of which has set `here`, its own directory; not run by itself.
# Becomes the hostfactory program. It is looked for in this order:
#
#   1. HOSTFACTORY_BIN: whoever sets it means this one and no other
#   2. beside the scripts: a copy that belongs to this provider wins over whatever else the host has
#   3. on PATH
#
# Standard output belongs to the program's one JSON document: nothing else is ever written there.

# run VERB EMPTY ARGUMENT...
# EMPTY is what the verb's answer holds beside its message when there is nothing to tell, as JSON.
run() {
  verb=$1 empty=$2
  shift 2
  if [ -n "${HOSTFACTORY_BIN:-}" ]; then
    program=$HOSTFACTORY_BIN
    [ -f "$program" ] && [ -x "$program" ] || fail "HOSTFACTORY_BIN is '$program', which is not a program"
  elif [ -f "$here/hostfactory" ] && [ -x "$here/hostfactory" ]; then
    program=$here/hostfactory
  else
    program=$(command -v hostfactory) || fail "it is neither in '$here' nor on PATH, and HOSTFACTORY_BIN is not set"
  fi
  exec "$program" "$verb" "$@"
}

# What Symphony can read, where there is no program to say it. Argument: why.
fail() {
  message="Cannot run hostfactory $verb: $1"
  echo "$message" >&2
  text=$(printf '%s' "$message" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')
  printf '{"message": "%s", %s}\n' "$text" "$empty"
  exit 1
}
