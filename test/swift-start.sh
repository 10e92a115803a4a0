# OpenStack Swift on one disk, with its S3 interface, for one test: five ports in $PORTS, the proxy's first.
set -eu
set -- $PORTS
proxy=$1 memory=$2
shift 2
mkdir -p /srv/disk
cd /etc/swift
cat >swift.conf <<END
[swift-hash]
swift_hash_path_suffix = test
swift_hash_path_prefix = test
[storage-policy:0]
name = only
default = yes
END
memcached -d -u root -l 127.0.0.1 -p "$memory"
for kind in object container account; do
  cat >$kind-server.conf <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $1
user = root
devices = /srv
mount_check = false
workers = 1
fallocate_reserve = 0
[pipeline:main]
pipeline = $kind-server
[app:$kind-server]
use = egg:swift#$kind
END
  swift-ring-builder $kind.builder create 4 1 0
  swift-ring-builder $kind.builder add "r1z1-127.0.0.1:$1/disk" 1
  swift-ring-builder $kind.builder rebalance || [ $? = 1 ]
  swift-$kind-server $kind-server.conf &
  shift
done
cat >proxy-server.conf <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $proxy
user = root
workers = 1
[pipeline:main]
pipeline = catch_errors cache listing_formats bulk s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$memory
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:slo]
use = egg:swift#slo
END
exec swift-proxy-server proxy-server.conf
