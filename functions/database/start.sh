#!/bin/sh
# PostgreSQL that anyone may connect to, with a cluster of its own making.
#
# It is made when the container starts, because an image holds packages as they are: initdb is part of deploying, not of
# measuring. The write-ahead log comes in pieces of 1 MB, because a new one is filled with zeros. Nothing waits for the disk
# (fsync): MongoDB, which stands here in the original, answers before it writes.
set -e
bin=/usr/lib/postgresql/17/bin

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  "$bin/initdb" --username=postgres --auth=trust --locale=C --encoding=UTF8 \
    --wal-segsize=1 --no-sync --no-instructions
  echo 'host all all all trust' >>"$PGDATA/pg_hba.conf"
fi
exec "$bin/postgres" -c listen_addresses='*' -c unix_socket_directories='' -c fsync=off
