#!/bin/sh
# Symphony's getReturnRequests: one JSON document in, one out.
here=$(dirname "$(readlink -f "$0")")
. "$here/hostfactory.sh"
run get-return-requests '"requests": []' "$@"
