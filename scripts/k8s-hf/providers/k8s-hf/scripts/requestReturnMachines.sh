#!/bin/sh
# Symphony's requestReturnMachines: one JSON document in, one out.
here=$(dirname "$(readlink -f "$0")")
. "$here/hostfactory.sh"
run request-return-machines '"requestId": ""' "$@"
