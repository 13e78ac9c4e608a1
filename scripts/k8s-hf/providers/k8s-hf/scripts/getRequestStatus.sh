#!/bin/sh
# Symphony's getRequestStatus: one JSON document in, one out.
here=$(dirname "$(readlink -f "$0")")
. "$here/hostfactory.sh"
run get-request-status '"requests": []' "$@"
