#!/bin/sh
# Symphony's requestMachines: one JSON document in, one out.
here=$(dirname "$(readlink -f "$0")")
. "$here/hostfactory.sh"
run request-machines '"requestId": ""' "$@"
