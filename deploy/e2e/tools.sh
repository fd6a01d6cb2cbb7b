#!/usr/bin/env bash
# Sees to it that the programs which the end-to-end tests run are there, from Debian's packages.
# InfluxDB and VictoriaMetrics it builds, once, into the user's cache: some two minutes.
set -euo pipefail
cd "$(dirname "$0")"

../apt.sh "end-to-end tests" mosquitto=mosquitto snmpd=snmpd snmpget=snmp promtool=prometheus nginx=nginx-light \
  prometheus-alertmanager=prometheus-alertmanager glewlwyd=glewlwyd chromium=chromium node=nodejs npm=npm
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
