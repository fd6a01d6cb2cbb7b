#!/usr/bin/env bash
# Sees to it that the programs which the end-to-end tests run are there. As root it installs
# what is missing from Debian's packages; otherwise it stops and says the one command to run.
# InfluxDB and VictoriaMetrics it builds, once, into the user's cache: some two minutes.
set -euo pipefail
cd "$(dirname "$0")"

declare -A package=(
  [mosquitto]=mosquitto [snmpd]=snmpd [snmpget]=snmp [promtool]=prometheus [prometheus-alertmanager]=prometheus-alertmanager
  [nginx]=nginx-light [chromium]=chromium [node]=nodejs [npm]=npm
)
missing=()
for program in "${!package[@]}"; do
  PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
if ((${#missing[@]})); then
  install="apt-get install -y --no-install-recommends ${missing[*]}"
  if [[ $(id -u) != 0 ]]; then
    echo "The end-to-end tests need some programs. Run, then try again:" >&2
    echo "  sudo $install" >&2
    exit 1
  fi
  echo "installing ${missing[*]}"
  # A package must not start its service: the tests start their own, on loopback.
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  $install -qq >/dev/null
fi
for tests in ../../collector/internal/web/browser ../../agent/internal/status/browser ../../dashboards/types; do
  if [[ ! $tests/node_modules/.package-lock.json -nt $tests/package-lock.json ]]; then
    npm ci --prefix "$tests" --silent --no-audit --no-fund
  fi
done

# built NAME VERSION PACKAGE: builds a program unless it is there.
built() {
  local dir="${XDG_CACHE_HOME:-$HOME/.cache}/zerofax/tools/$1-$2"
  if [[ ! -x $dir/$1 ]]; then
    echo "building $1 $2"
    CGO_ENABLED=0 GOBIN="$dir" go install "$3@v$2"
  fi
}
built influxd 1.8.10 github.com/influxdata/influxdb/cmd/influxd
built victoria-metrics 1.130.0 github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics
