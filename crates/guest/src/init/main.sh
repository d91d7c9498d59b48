#!/usr/bin/busybox sh
# Init of the guest: mounts, network, container engine; then serves the host's commands (docs/guest-protocol.md).
export PATH=/usr/sbin:/usr/bin HOME=/root
stamp() { read -r up _ < /proc/uptime; echo "vswarm-init: $1 at $up" > /dev/kmsg; }
fail() { echo "vswarm-init: $1" > /dev/kmsg; sync; exit 1; }

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=0755 run /run
mount -t tmpfs tmp /tmp
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
ln -sf /proc/self/fd /dev/fd
stamp mounted

# All modules are loaded: without this every unknown protocol would start a helper program to look for one.
echo > /proc/sys/kernel/modprobe
hostname -F /etc/hostname
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
stamp network

containerd > /run/containerd.log 2>&1 &
dockerd --containerd /run/containerd/containerd.sock > /run/dockerd.log 2>&1 &
engine=$!
until grep -q 'API listen on' /run/dockerd.log; do
  kill -0 $engine 2> /dev/null || { tail -n 5 /run/dockerd.log > /dev/kmsg; fail 'the container engine did not start'; }
  usleep 50000
done
stamp dockerd

# The host's virtio console is the highest hvc that has a back end: firmware may own the first.
for console in /dev/hvc3 /dev/hvc2 /dev/hvc1 /dev/hvc0 none; do
  [ $console = none ] && fail 'no virtio console to serve commands on'
  (: < $console) 2> /dev/null && break
done
exec 3<> $console
stty raw -echo <&3
echo READY >&3
while IFS= read -r line <&3; do
  rest=${line#RUN }
  id=${rest%% *}
  if [ "$rest" = "$line" ] || [ "$rest" = "$id" ]; then
    echo "ERROR expected: RUN <id> <command>" >&3
    continue
  fi
  { sh -c "${rest#* }" < /dev/null 2>&1 3>&-; echo $? > /run/vswarm-status; } | mawk -W interactive -v id="$id" '{ print "OUT", id, $0 }' >&3
  read -r status < /run/vswarm-status
  echo "DONE $id $status" >&3
done
fail 'the virtio console was closed'
