#!/bin/sh
# Makes the secrets of compose.yml, once: what is there stays. The folder is closed to others; the files in it are
# readable, since each container has a user of its own, and sees only its own ones.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets && chmod 700 secrets
secret() { # NAME TEXT; half a file, of a full disk, never takes the name
  [ -e "secrets/$1" ] && return
  printf '%s' "$2" >"secrets/.$1"
  chmod 444 "secrets/.$1"
  mv "secrets/.$1" "secrets/$1"
  echo "made secrets/$1"
}
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
[ "$(random | wc -c)" -eq 48 ] || { echo "prepare.sh: no random bytes from od and /dev/urandom" >&2 && exit 1; }
secret influxdb_admin_password "$(random)"
secret influxdb_read_password "$(random)"
secret influxdb_token "zerofax:$(random)" # USER:PASSWORD, as InfluxDB 1.8 wants it
secret grafana_admin_password "$(random)"
secret collector_password "$(random)" # of the user prometheus
secret smtp_password "put the password of your mail server here"
