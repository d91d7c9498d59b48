#!/bin/busybox sh
# First program of the guest (in the initial RAM disk): loads kernel modules, mounts the root disk, hands over.
# Any failure ends this script, which the kernel answers with a panic: the host sees it and ends the run.
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev || exit 1
while read -r module; do
  $bb insmod "/modules/$module.ko" || { $bb echo "vswarm-init: cannot load $module"; exit 1; }
done < /modules/order
$bb mount -t ext4 /dev/vda /root || { $bb echo "vswarm-init: cannot mount the root disk /dev/vda"; exit 1; }
$bb mount --move /dev /root/dev
exec $bb switch_root /root /usr/sbin/vswarm-init
