#!/bin/bash
# machine.sh FOLDER PACKAGES boots this system's own systemd in namespaces, on a copy of this system that is gone afterwards
# (an overlay in memory), with a network that has a loopback only. PACKAGES is there as /packages. The process that
# becomes systemd is this one's only child. Needs root; cgroups of version 2 must be mounted somewhere.
set -euo pipefail
folder=$1 packages=$2
if [[ ${3:-} != inside ]]; then
  cgroup=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)/zerofax-$$
  mkdir "$cgroup"
  echo $$ >"$cgroup/cgroup.procs" # the root of what systemd sees
  exec unshare --mount --pid --net --cgroup --uts --ipc --fork --kill-child "$0" "$folder" "$packages" inside
fi

mount --make-rprivate /
mount -t tmpfs tmpfs "$folder"
mkdir "$folder"/{up,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/up,workdir=$folder/work" "$folder/root"
cd "$folder/root"
mkdir -p packages
mount --bind "$packages" packages
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
: >etc/machine-id
rm -rf etc/fstab usr/sbin/policy-rc.d etc/zerofax var/lib/zerofax-* etc/systemd/system/*.wants/*
ln -sf /lib/systemd/system/multi-user.target etc/systemd/system/default.target
# What would look after the real machine's hardware.
for unit in systemd-{logind,udevd,udev-trigger,modules-load,sysctl,random-seed,remount-fs,tmpfiles-setup-dev,binfmt,networkd,resolved,timesyncd}.service \
  systemd-udevd-{kernel,control}.socket {getty.target,console-getty.service} \
  {dev-hugepages,dev-mqueue,sys-kernel-debug,sys-kernel-tracing,sys-fs-fuse-connections}.mount proc-sys-fs-binfmt_misc.automount; do
  ln -sf /dev/null "etc/systemd/system/$unit"
done
exec chroot . /usr/bin/env -i container=zerofax PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --show-status=no
