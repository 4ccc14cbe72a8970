# Studies, who sends them, and the archive that they come to. Sourced by trial.sh, which sets `folder`.

STUDIES=(first compressed second third)
# Instances of a study.
INSTANCES=40

# Pixels that nothing else has, so that one instance is never taken for another.
make_studies() {
    local study at number
    rm -rf "$folder/sent"
    for study in "${STUDIES[@]}"; do
        mkdir -p "$folder/sent/$study"
        for ((number = 1; number <= INSTANCES; number++)); do
            at="$folder/sent/$study/$number.dcm"
            head --bytes 131072 /dev/urandom >"$folder/pixels.raw"
            describe "$(uid_of "$study")" "$number" | dump2dcm --quiet /dev/stdin "$at"
            # DCMTK gives a transfer syntax and takes none from the description.
            [ "$study" = compressed ] && dcmcjpeg --quiet +e1 "$at" "$at"
        done
    done
    rm "$folder/pixels.raw"
}

uid_of() { echo "2.25.$(printf '%s' "$1" | cksum | cut -d' ' -f1)"; }

describe() {
    cat <<END
(0008,0016) UI =CTImageStorage
(0008,0018) UI [$1.1.$2]
(0008,0020) DA [20261122]
(0008,0030) TM [120000]
(0008,0050) SH []
(0008,0060) CS [CT]
(0010,0010) PN [Trial^Package]
(0010,0020) LO [TRIAL]
(0020,000d) UI [$1]
(0020,000e) UI [$1.1]
(0020,0010) SH []
(0020,0013) IS [$2]
(0028,0002) US 1
(0028,0004) CS [MONOCHROME2]
(0028,0010) US 256
(0028,0011) US 256
(0028,0100) US 16
(0028,0101) US 16
(0028,0102) US 15
(0028,0103) US 0
(7fe0,0010) OW =$folder/pixels.raw
END
}

count() { find "$folder/sent/$1" -name '*.dcm' | wc -l; }

store() { beside storescu --quiet --required --propose-lossless -aet CT1 -aec DIMSEWAY 127.0.0.1 104 "$@"; }

# As a modality does: each instance again and again, until it is acknowledged.
store_until_taken() {
    local file
    for file in "$folder/sent/$1"/*.dcm; do
        until store "$file" 2>/dev/null; do sleep 0.1; done
    done
}

# Gets a study back in a transfer syntax without compression.
retrieve_decoded() {
    local to="$folder/retrieved"
    rm -rf "$to"
    mkdir "$to"
    beside getscu --quiet -aet CT1 -aec DIMSEWAY --study --prefer-little --output-directory "$to" \
        -k QueryRetrieveLevel=STUDY -k "StudyInstanceUID=$(uid_of "$1")" 127.0.0.1 104
    [ "$(grep --files-with-matches --recursive --fixed-strings --null-data 1.2.840.10008.1.2.1 "$to" | wc -l)" = "$2" ]
}

# The archive, a unit of its own that comes and goes.
archive() {
    case $1 in
        start)
            inside systemd-run --quiet --unit archive dimseway origin --directory /srv/archive --listen 127.0.0.1:8081
            ;;
        stop) inside systemctl stop archive ;;
    esac
}

# True where the archive has every data set of a study, byte for byte.
archive_has() {
    local file stored uid
    uid=$(uid_of "$1")
    for file in "$folder/sent/$1"/*.dcm; do
        stored="$folder/machine/srv/archive/instances/$uid/$uid.1/$uid.1.$(basename "$file")"
        [ -f "$stored" ] && cmp --quiet <(data_set "$file") <(data_set "$stored") || return 1
    done
}

# A Part 10 file without its preamble and File Meta Information, whose length is at byte 140.
data_set() {
    local meta
    meta=$(od --address-radix n --format u4 --skip-bytes 140 --read-bytes 4 "$1")
    tail --bytes +$((144 + meta + 1)) "$1"
}

# Entries that wait for delivery, in one line. Records of what was delivered are listed too.
queued() {
    inside dimseway queue list --json --limit 1000 |
        jq --raw-output '[.deliveries[] | select(.state != "delivered").entry] | join(" ")'
}
queue_is_empty() {
    local waiting
    waiting=$(queued) && [ -z "$waiting" ]
}

# How many deliveries the spool knows, those that are done among them.
recorded() { inside dimseway queue list --json --limit 1000 | jq '.deliveries | length'; }
