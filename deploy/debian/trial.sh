#!/bin/bash
# Installs the Debian package in a machine made by debootstrap, runs it under a real systemd, relays studies
# through it, upgrades it with entries in the queue, and removes it.
#
#   deploy/debian/trial.sh FIRST.deb SECOND.deb FOLDER
#
# SECOND is FIRST with a higher revision. The machine is made in FOLDER, with a network of its own. Root only;
# needs debootstrap, systemd-container, DCMTK and jq.
set -euo pipefail
source "$(dirname "$0")/trial/machine.sh"
source "$(dirname "$0")/trial/studies.sh"
first=$(realpath "$1") second=$(realpath "$2") folder=$(realpath --canonicalize-missing "$3")

CONFIGURATION=/etc/dimseway/dimseway.toml
SPOOL=/var/lib/dimseway/spool

installed() {
    inside apt-get install --yes --no-install-recommends /first.deb >"$folder/install.log" 2>&1
    check "nothing is complained of" absent "$folder/install.log" -i -e warning -e error
    check "it is enabled" [ "$(inside systemctl is-enabled dimseway)" = enabled ]
    check "it waits for its configuration" [ "$(property ConditionResult ActiveState)" = "no inactive" ]
    check "its user cannot log in" [ "$(inside getent passwd dimseway | cut -d: -f6-)" = /var/lib/dimseway:/usr/sbin/nologin ]
    local modes='%a %U:%G'
    check "/etc/dimseway" [ "$(inside stat -c "$modes" /etc/dimseway)" = "750 root:dimseway" ]
    check "/var/lib/dimseway" [ "$(inside stat -c "$modes" /var/lib/dimseway)" = "700 dimseway:dimseway" ]
    check "the unit is valid" quietly inside systemd-analyze verify dimseway.service
    check "the manual is valid" quietly inside sh -c \
        'for page in /usr/share/man/man1/dimseway*.gz; do man --warnings --local-file $page 2>&1 >/dev/null; done'
    check "bash completes" inside bash -c '. /usr/share/bash-completion/completions/dimseway && complete -p dimseway'
    check "zsh completes" inside zsh -n /usr/share/zsh/vendor-completions/_dimseway
    check "fish completes" inside fish --no-execute /usr/share/fish/vendor_completions.d/dimseway.fish
}

configured() {
    inside cp /usr/share/doc/dimseway/examples/dimseway.toml /etc/dimseway/
    check "the example is a valid configuration" inside dimseway check
    # What a site changes: ports, addresses. Nothing is ever called outside of this machine.
    inside sed -i -e 's|^listen = "0.0.0.0:11112"|listen = "0.0.0.0:104"|' -e 's|^from = .*|from = ["127.0.0.1"]|' \
        -e 's|^url = .*|url = "http://127.0.0.1:8081/dicom-web"|' -e 's|^#drain_delay = .*|drain_delay = "1s"|' \
        $CONFIGURATION
    inside chown root:dimseway $CONFIGURATION
    inside chmod 640 $CONFIGURATION
    inside install -d -o dimseway -g dimseway /var/lib/dimseway/worklist
    check "the edited example is one" inside dimseway check
    inside dimseway check --connect >"$folder/connect.log" 2>&1 || true
    check "a trial of the disk by root leaves nothing" inside sh -c "! [ -e $SPOOL ]"
    archive start
    inside systemctl start dimseway
    check "it runs" [ "$(property ActiveState SubState)" = "active running" ]
}

confined() {
    local status
    status=$(inside cat "/proc/$(property MainPID)/status")
    check "no new privileges" grep -q $'^NoNewPrivs:\t1' <<<"$status"
    check "system calls are filtered" grep -q $'^Seccomp:\t2' <<<"$status"
    check "port 104 is the only privilege" grep -q $'^CapEff:\t0000000000000400' <<<"$status"
    check "no other user" grep -q "^Uid:.$(inside id -u dimseway)" <<<"$status"
    check "the system is read-only" confined_cannot touch /usr/marker
    check "other state is read-only" confined_cannot touch /var/lib/marker
    check "its configuration is read-only" confined_cannot touch /etc/dimseway/marker
    check "its journal has limits" grep -q "max 512.0M" <<<"$(inside journalctl --namespace dimseway --no-pager)"
}

# A command in the daemon's own view of the file system, as root.
confined_cannot() { ! nsenter --target "$leader" --all nsenter --target "$(property MainPID)" --mount "$@" 2>/dev/null; }

relayed() {
    local files=("$folder"/sent/first/*.dcm)
    check "the study is taken" store "${files[@]}"
    await "it is delivered" archive_has first
    # A child of the daemon decodes, under the same confinement.
    check "a compressed study is taken" store "$folder"/sent/compressed/*.dcm
    await "it is delivered" archive_has compressed
    check "it is decoded for who cannot" retrieve_decoded compressed "${#files[@]}"
}

reloaded() {
    local pid reloads
    pid=$(property MainPID)
    reloads=$(logged "a new configuration is in force")
    inside sed -i 's|^level = "info"|level = "debug"|' $CONFIGURATION
    check "systemctl reload" inside systemctl reload dimseway
    await "the configuration is read" more_logged "a new configuration is in force" "$reloads"
    check "by the same process" [ "$(property MainPID ActiveState)" = "$pid active" ]
}

upgraded() {
    archive stop
    check "a study is taken while the archive is down" store "$folder"/sent/second/*.dcm
    local before after pid
    before=$(queued) pid=$(property MainPID)
    check "it waits" [ "$(wc -w <<<"$before")" = "$(count second)" ]
    local configuration; configuration=$(inside sha256sum $CONFIGURATION)
    # A modality that goes on meanwhile, and sends again what is not acknowledged.
    store_until_taken third & local modality=$!
    inside apt-get install --yes --no-install-recommends /second.deb >"$folder/upgrade.log" 2>&1
    check "the package is upgraded" grep -q -- "-2$" <<<"$(inside dpkg-query -W -f '${Version}\n' dimseway)"
    check "the configuration is untouched" [ "$(inside sha256sum $CONFIGURATION)" = "$configuration" ]
    await "the new program runs" running_other_than "$pid"
    wait "$modality"
    after=$(queued)
    check "every entry is still queued" [ "$(comm -13 <(words "$after") <(words "$before") | wc -l)" = 0 ]
    check "and those of the modality" [ "$(wc -w <<<"$after")" -ge "$(($(count second) + $(count third)))" ]
    check "the old one drained" [ "$(logged drained)" -ge 1 ]
    archive start
    await "the study is delivered, byte for byte" archive_has second
    await "what came meanwhile too" archive_has third
    await "the queue is empty" queue_is_empty
}

supervised() {
    drop_in watchdog "WatchdogSec=3s"
    inside systemctl restart dimseway
    local pid; pid=$(property MainPID)
    inside kill -STOP "$pid"
    await "the watchdog replaces a program that hangs" running_other_than "$pid"
    drop_in watchdog ""
    inside sh -c "echo nonsense >>$CONFIGURATION"
    check "a wrong configuration does not start" not inside systemctl restart dimseway
    check "and is not tried again" [ "$(property ActiveState ExecMainStatus NRestarts)" = "failed 78 0" ]
    inside sed -i '/^nonsense$/d' $CONFIGURATION
    # What a site may choose keeps the spool.
    for setting in "LogNamespace=" "DynamicUser=yes"; do
        drop_in site "$setting"
        check "it starts with $setting" inside systemctl restart dimseway
        check "and knows what it delivered" [ "$(recorded)" = $((${#STUDIES[@]} * INSTANCES)) ]
    done
    drop_in site ""
}

removed() {
    inside systemctl restart dimseway
    inside apt-get remove --yes dimseway >"$folder/remove.log" 2>&1
    check "it is stopped" [ "$(property ActiveState)" != active ]
    check "configuration and spool stay" inside test -e $CONFIGURATION -a -e $SPOOL/index.sqlite
    inside apt-get purge --yes dimseway >"$folder/purge.log" 2>&1
    check "a spool survives a purge" inside test -e $SPOOL/index.sqlite
    check "it says so" grep -q "is left in place" "$folder/purge.log"
    inside rm -r /var/lib/private/dimseway /var/lib/dimseway $CONFIGURATION 2>/dev/null || true
    inside apt-get install --yes --no-install-recommends /second.deb >>"$folder/purge.log" 2>&1
    inside apt-get purge --yes dimseway >>"$folder/purge.log" 2>&1
    check "without one nothing is left" inside sh -c \
        '! getent passwd dimseway && ! ls -d /etc/dimseway /var/lib/dimseway /usr/share/doc/dimseway 2>/dev/null'
}

make_studies
boot
for step in installed configured confined relayed reloaded upgraded supervised removed; do
    echo "=== $step"
    "$step"
done
echo "everything holds"
