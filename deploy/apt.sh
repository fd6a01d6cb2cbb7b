#!/usr/bin/env bash
# apt.sh WHAT-FOR PROGRAM=PACKAGE... sees to it that the programs are there. As root it installs what is missing from
# Debian's packages; otherwise it stops and says the one command to run.
set -euo pipefail
what=$1
missing=()
for pair in "${@:2}"; do
  PATH="$PATH:/usr/sbin" command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
done
((${#missing[@]})) || exit 0
install="apt-get install -y --no-install-recommends ${missing[*]}"
if [[ $(id -u) != 0 ]]; then
  echo "$what: some programs are missing. Run, then try again:" >&2
  echo "  sudo $install" >&2
  exit 1
fi
echo "installing ${missing[*]}"
# A package must not start its service: tests start their own, on loopback.
if [[ ! -e /usr/sbin/policy-rc.d ]]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
$install -qq >/dev/null
