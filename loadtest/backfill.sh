#!/usr/bin/env bash
# How long old candles take: five years of three markets, from a simulated exchange, into SQLite.
#
#   loadtest/backfill.sh [RELEASE-FOLDER] > loadtest/runs/<date>-<host>/backfill.txt
#
# First at the pace that the exchange allows, against the pace's own floor (requests / requests a second): the lengths
# from half an hour up, because all twelve take 68,000 requests, which is 2.4 hours at 8 a second whoever asks. Then
# at full speed, against an exchange without limits: what each request costs here. It needs ten minutes and 1.5 GB.
set -euo pipefail
bin=${1:-target/release}
markets="KRW-BTC KRW-ETH KRW-XRP"
from=2021-11-23 to=2026-11-22
data=$(mktemp -d)
sim=
trap '[ -z "$sim" ] || kill "$sim"; rm -rf "$data"' EXIT

echo "command   loadtest/backfill.sh"
echo "tickroom  $("$bin/tickroom" --version), revision $(git rev-parse --short=12 HEAD)"
echo "host      $(nproc) x $(sed -n 's/^model name.*: //p;T;q' /proc/cpuinfo), Linux $(uname -r)"

# What the program says at its end, with the time in front left out.
backfill() {
    "$bin/tickroom" backfill "$@" --from $from --to $to --data-dir "$data" 2>&1 |
        sed -n 's/.*backfill ended //p' | sed "s/^/$1 ${3}  /"
}

echo
echo "at 8 requests a second, from the simulator within"
for market in $markets; do
    for interval in 30m 60m 240m 1d 1w 1M 1y; do
        backfill "$market" --interval $interval --feed sim
    done
done

echo
echo "the same again"
backfill KRW-BTC --interval 30m --feed sim

echo
echo "without limits, all lengths, from the simulator beside"
rm -rf "$data"/*
"$bin/tickroom-sim" --port 18787 --no-limits --rate 1 >/dev/null 2>&1 &
sim=$!
until curl -sf http://127.0.0.1:18787/v1/market/all >/dev/null; do sleep 0.2; done
export TICKROOM_FEED__REST_URL=http://127.0.0.1:18787/v1 TICKROOM_CANDLES__REQUESTS_PER_SECOND=10000
for market in $markets; do
    backfill "$market" --interval all --feed upbit
done
echo "database  $(du -m "$data/tickroom.db" | cut -f1) MiB"
