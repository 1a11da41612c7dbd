#!/usr/bin/env bash
# How much of the exchange the server takes in, with the simulator beside it and the feed between them over loopback.
#
#   loadtest/ingest.sh [RELEASE-FOLDER] [OUT-FOLDER]
#
# First 20,000 prices a second of 250 markets that nobody watches, then 800 a second with a thousand readers of 20 markets
# each (scenarios/ticks-250.toml). The server has core 0, simulator and readers core 1: the simulator says what it sent,
# /metrics what arrived and how long after. It takes two minutes.
set -euo pipefail
bin=${1:-target/release}
out=${2:-$(mktemp -d)}
data=$(mktemp -d)
sim= server=
finish() {
    [ -z "$server" ] || kill "$server" || true
    [ -z "$sim" ] || kill "$sim" || true
    wait || true
    server= sim=
    rm -rf "${data:?}"/*
}
trap finish EXIT

export TICKROOM_FEED__SOURCE=upbit
export TICKROOM_FEED__WEBSOCKET_URL=ws://127.0.0.1:18787/websocket/v1 TICKROOM_FEED__REST_URL=http://127.0.0.1:18787/v1

# A simulator with 250 markets at $1 prices a second, and a server that reads it.
begin() {
    taskset -c 1 "$bin/tickroom-sim" --port 18787 --market-count 250 --rate "$1" --no-limits >/dev/null 2>&1 &
    sim=$!
    until curl -sf http://127.0.0.1:18787/v1/market/all >/dev/null; do sleep 0.2; done
    taskset -c 0 "$bin/tickroom" serve --config loadtest/swarm/server.toml --feed upbit --data-dir "$data" \
        --listen 127.0.0.1:18080 >"$data/log" 2>&1 &
    server=$!
    until curl -sf http://127.0.0.1:18080/metrics | grep -q '^tickroom_feed_lag_seconds_count'; do sleep 0.2; done
    sleep 5
}

metric() { curl -sf http://127.0.0.1:18080/metrics | awk -v name="$1" '$1 == name { print $2 }'; }
# Processor time of process $1, in hundredths of a second.
cpu() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

echo "command   loadtest/ingest.sh"
echo "tickroom  $("$bin/tickroom" --version), revision $(git rev-parse --short=12 HEAD)"
echo "host      $(nproc) x $(sed -n 's/^model name.*: //p;T;q' /proc/cpuinfo), Linux $(uname -r)"

begin 20000
seconds=20
frames=$(metric tickroom_feed_frames_total) used=$(cpu "$server") sim_used=$(cpu "$sim")
sleep $seconds
frames=$(($(metric tickroom_feed_frames_total) - frames))
used=$(($(cpu "$server") - used)) sim_used=$(($(cpu "$sim") - sim_used))
echo
echo "ingest alone, 250 markets, 20,000 trades a second asked for, $seconds s"
echo "frames read a second (prices, and up to 250 minutes)   $((frames / seconds))"
echo "server CPU                                             $((used / seconds)) % of a core"
echo "simulator CPU                                          $((sim_used / seconds)) % of a core"
echo "bad frames, reconnects                                 $(metric tickroom_feed_bad_frames_total), $(metric tickroom_feed_reconnects_total)"
echo "from the exchange's stamp to reading, cumulated:"
curl -sf http://127.0.0.1:18080/metrics | sed -n 's/^tickroom_feed_lag_seconds_\(bucket\|count\)/    \1/p'
finish

begin 800
echo
used=$(cpu "$server")
taskset -c 1 "$bin/tickroom-swarm" run loadtest/swarm/scenarios/ticks-250.toml \
    --server http://127.0.0.1:18080 --pid "$server" --out "$out" || true
echo "results in $out"
