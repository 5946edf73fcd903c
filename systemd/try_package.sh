#!/bin/sh
# Installs, starts, upgrades, removes and purges the Debian package in a fresh Debian 12 root, as root:
#   try_package.sh BUILD_FOLDER [ROOT]
# ROOT is made with debootstrap unless it is there already. In a root without a running systemd the unit is not started;
# the daemon is, with the unit's user and command line.
set -eu

build=$1
root=${2:-$(mktemp -d)/root}
log=$(mktemp)
packages=$(mktemp -d)
trap 'rm -rf "$log" "$packages"' EXIT

fail() {
    echo "FAILED: $*" >&2
    cat "$log" >&2
    exit 1
}
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }

if [ ! -x "$root/usr/bin/apt-get" ]; then
    debootstrap --variant=minbase --include=systemd,adduser,ca-certificates bookworm "$root" >"$log" 2>&1 ||
        fail "debootstrap"
fi
for version in 1 2; do
    (cd "$build" && cpack -G DEB -B "$packages/$version" -D CPACK_PACKAGE_VERSION="0.1.0+try$version") >"$log" 2>&1 ||
        fail "cpack"
    cp "$packages/$version"/*.deb "$root/var/cache/replayd-$version.deb"
done
in_root apt-get update -qq >"$log" 2>&1 || fail "apt-get update"

in_root apt-get install -y --no-install-recommends /var/cache/replayd-1.deb >"$log" 2>&1 || fail "install"
in_root getent passwd replayd >/dev/null || fail "no user replayd"
[ "$(stat -c %a "$root/etc/replayd/tokens")" = 700 ] || fail "/etc/replayd/tokens is not closed"
echo "installed: $(in_root dpkg-query -W -f '${Package} ${Version} ${Status}' replayd)"

# What StateDirectory= does where systemd runs; the port is free on this machine, not 8080.
in_root install -d -o replayd -g replayd -m 0750 /var/lib/replayd
start_and_ask() {
    rm -f "$root/var/lib/replayd/port"
    # Not through in_root: the signal below is for the daemon itself, which takes the place of this command.
    chroot "$root" /usr/bin/setpriv --reuid=replayd --regid=replayd --clear-groups \
        /usr/bin/replayd --config /etc/replayd/replayd.toml --listen 127.0.0.1:0 \
        --port-file /var/lib/replayd/port >"$log" 2>&1 &
    daemon=$!
    tries=0
    until [ -s "$root/var/lib/replayd/port" ]; do
        kill -0 "$daemon" 2>/dev/null || fail "the daemon ended"
        tries=$((tries + 1))
        [ "$tries" -le 600 ] || fail "the daemon does not listen"
        sleep 0.1
    done
    url=http://127.0.0.1:$(cat "$root/var/lib/replayd/port")
    [ "$(curl -sf "$url/readyz")" = ok ] || fail "/readyz"
    curl -sf "$url/" | grep -q '<title>' || fail "no page"
    in_root replayctl runs --daemon "$url" >/dev/null || fail "replayctl"
    kill -TERM "$daemon"
    wait "$daemon" || fail "the drain"
}
start_and_ask
echo "started, answered $url/readyz with ok, served the page, drained with 0"

echo "# mine" >>"$root/etc/replayd/replayd.toml"
in_root apt-get install -y --no-install-recommends /var/cache/replayd-2.deb >"$log" 2>&1 || fail "upgrade"
tail -1 "$root/etc/replayd/replayd.toml" | grep -q '# mine' || fail "the upgrade lost the configuration"
start_and_ask
echo "upgraded: $(in_root dpkg-query -W -f '${Version}' replayd); configuration and history kept, started again"

in_root apt-get remove -y replayd >"$log" 2>&1 || fail "remove"
[ -e "$root/var/lib/replayd/history.db" ] || fail "a removal took the history"
[ ! -e "$root/usr/bin/replayd" ] || fail "a removal left the program"
in_root apt-get purge -y replayd >"$log" 2>&1 || fail "purge"
for path in /etc/replayd /var/lib/replayd /usr/share/replayd /usr/lib/systemd/system/replayd.service; do
    [ ! -e "$root$path" ] || fail "the purge left $path"
done
if in_root getent passwd replayd >/dev/null; then fail "the purge left the user"; fi
echo "removed (history kept), purged (nothing left)"
echo "not run here: systemctl start and restart by the package's scripts, which need systemd as the first process"
