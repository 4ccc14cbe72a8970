#!/bin/sh
# Puts together the files of the container image: assemble.sh PROGRAM FOLDER
#
# FOLDER/root is the root of the image: the program, the libraries that it is linked with, certificates
# of authorities, and a name for the user. No shell, no package manager; time zones are in the program.
# FOLDER/state is what belongs to the user that the image runs as.
set -eu
program=$1
folder=$2
# Of whom the image runs as; the Dockerfile and the chart name the same number.
user=65532

umask 022
rm -rf "$folder"
root=$folder/root
mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/etc/dimseway" "$root/tmp"
mkdir -p "$folder/state/spool" "$folder/state/worklist"
chmod 1777 "$root/tmp"

install -m 755 "$program" "$root/usr/bin/dimseway"
# The loader stands alone on its line, a library behind an arrow.
ldd "$program" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    install -m 755 "$library" "$root$library"
done

install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
echo "hosts: files dns" > "$root/etc/nsswitch.conf"
echo "dimseway:x:$user:$user:Dimseway:/var/lib/dimseway:/nonexistent" > "$root/etc/passwd"
echo "dimseway:x:$user:" > "$root/etc/group"
mkdir -p "$root/var/lib/dimseway"
