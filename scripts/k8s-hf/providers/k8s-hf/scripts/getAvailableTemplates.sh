#!/bin/sh
# Symphony's getAvailableTemplates: one JSON document in, one out.
here=$(dirname "$(readlink -f "$0")")
. "$here/hostfactory.sh"
run get-available-templates '"templates": []' "$@"
