#!/bin/sh
# `serve` from source against a simulated cluster, restarted whenever the source changes, until Ctrl-C. What both of them
# write lies in dist/dev; verbs in another terminal reach it with HF_K8S_WORKDIR=dist/dev/work.
set -eu
cd "$(dirname "$0")/../.."
state=dist/dev
mkdir -p "$state/work"
rm -f "$state/kubeconfig"

deno run --allow-all main.ts simulate --kubeconfig "$state/kubeconfig" &
simulator=$!
trap 'kill "$simulator" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
until [ -s "$state/kubeconfig" ]; do
  kill -0 "$simulator" || { echo "dev.sh: the simulator did not start" >&2; exit 1; }
  sleep 0.1
done

KUBECONFIG=$state/kubeconfig deno run --allow-all --watch main.ts --workdir "$state/work" serve "$@"
