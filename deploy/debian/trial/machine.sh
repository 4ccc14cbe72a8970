# A machine under systemd-nspawn, and what is asked of it. Sourced by trial.sh, which sets `folder`.

# What the machine has beside the smallest Debian: what the package depends on, and what checks it.
PACKAGES=systemd,systemd-sysv,dbus,adduser,ca-certificates,man-db,zsh,fish

# The process id of its first process, seen from outside.
leader=

boot() {
    echo "=== machine"
    if ! [ -d "$folder/base" ]; then
        # Under another name until it is whole.
        rm -rf "$folder/base.part"
        debootstrap --variant=minbase --include=$PACKAGES bookworm "$folder/base.part" >"$folder/debootstrap.log"
        mv "$folder/base.part" "$folder/base"
    fi
    rm -rf "$folder/machine"
    cp --archive --reflink=auto "$folder/base" "$folder/machine"
    cp "$first" "$folder/machine/first.deb"
    cp "$second" "$folder/machine/second.deb"
    trap shut_down EXIT
    systemd-nspawn --directory "$folder/machine" --machine dimseway-trial --private-network --register=no \
        --keep-unit --console=pipe --boot </dev/null >"$folder/boot.log" 2>&1 &
    nspawn=$!
    await "it boots" booted
}

booted() {
    leader=$(pgrep --parent "$nspawn") || return 1
    inside systemctl is-system-running 2>/dev/null | grep -q -e running -e degraded
}

shut_down() {
    # SIGTERM asks the machine to halt.
    kill "$nspawn" 2>/dev/null || true
    wait "$nspawn" 2>/dev/null || true
    rm -rf "$folder/machine"
}

# Runs a command in the machine.
inside() {
    nsenter --target "$leader" --all env --ignore-environment DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# Runs a command of this machine in the network of that one.
beside() { nsenter --target "$leader" --net "$@"; }

# Properties of the unit, in one line.
property() {
    local name values=()
    for name; do values+=("$(inside systemctl show --property "$name" --value dimseway)"); done
    echo "${values[*]}"
}

# Puts a setting into a drop-in of the unit; without one the drop-in goes.
drop_in() {
    local at=/etc/systemd/system/dimseway.service.d
    if [ -n "$2" ]; then
        inside sh -c "mkdir -p $at; printf '[Service]\n%s\n' '$2' >$at/$1.conf"
    else
        inside rm -f "$at/$1.conf"
    fi
    inside systemctl daemon-reload
}

# True once another process than this one has said that it is ready. The one that ends is active for a moment
# while it has no process id any more.
running_other_than() {
    local now
    now=$(property MainPID)
    [ "$now" != 0 ] && [ "$now" != "$1" ] && [ "$(property ActiveState)" = active ]
}

# How often the program logged something.
logged() { inside journalctl --namespace dimseway --no-pager --output cat | grep -c -- "$1" || true; }
more_logged() { [ "$(logged "$1")" -gt "$2" ]; }

# check WORDS COMMAND: says whether the command succeeds, and ends the trial where it does not.
check() {
    if "${@:2}" >"$folder/output" 2>&1; then
        echo "  ok      $1"
        return
    fi
    echo "  FAILED  $1: ${*:2}"
    cat "$folder/output"
    inside journalctl --namespace dimseway --no-pager --lines 30 || true
    inside systemctl status dimseway --no-pager --lines 5 || true
    exit 1
}

# await WORDS COMMAND: the same, once it succeeds within two minutes.
await() {
    local begun=$SECONDS
    until "${@:2}" >/dev/null 2>&1; do
        [ $((SECONDS - begun)) -lt 120 ] || break
        sleep 0.2
    done
    check "$@"
}

not() { ! "$@"; }
# Succeeds where the command does and says nothing.
quietly() { local said; said=$("$@" 2>&1) && [ -z "$said" ] || { echo "$said"; false; }; }
# absent FILE PATTERNS: true where no line matches.
absent() { ! grep "${@:2}" "$1"; }
words() { tr ' ' '\n' <<<"$1" | sort; }
