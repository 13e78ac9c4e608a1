#!/bin/sh
# Symphony's requestReturnMachines: one JSON document in, one out. Each of the five scripts works alone; they differ in these two lines.
verb=request-return-machines
empty='"requestId": ""' # what the answer holds beside its message if there is nothing to report

# Becomes the hostfactory program, which is looked for in this order:
#
#   1. HOSTFACTORY_BIN, if it is set: that program and no other
#   2. beside this script: a copy that belongs to this provider wins over whatever else the host has
#   3. on PATH
#
# Standard output belongs to the program's one JSON document: nothing else is ever written there.

# What Symphony can read if there is no program to say it. Argument: why.
fail() {
  message="Cannot run hostfactory $verb: $1"
  echo "$message" >&2
  text=$(printf '%s' "$message" | tr -d '\000-\037' | sed 's/[\\"]/\\&/g')
  printf '{"message": "%s", %s}\n' "$text" "$empty"
  exit 1
}

here=$(dirname "$(readlink -f "$0")")
if [ -n "${HOSTFACTORY_BIN:-}" ]; then
  program=$HOSTFACTORY_BIN
  [ -f "$program" ] && [ -x "$program" ] || fail "HOSTFACTORY_BIN is '$program', which is not a program"
elif [ -f "$here/hostfactory" ] && [ -x "$here/hostfactory" ]; then
  program=$here/hostfactory
else
  program=$(command -v hostfactory) || fail "it is neither in '$here' nor on PATH, and HOSTFACTORY_BIN is not set"
fi
exec "$program" "$verb" "$@"
