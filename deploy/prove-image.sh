#!/usr/bin/env bash
# Follows the Dockerfile step by step without a container engine: a Debian root file system from debootstrap stands for
# the base image, chroot for the container. Then starts the service there, as the image's user, without capabilities,
# with the root file system read-only, runs the health check and asks /readyz.
#
#   deploy/prove-image.sh FOLDER [MIRROR]      as root; FOLDER keeps the root file system for the next run
#
# PIP_* variables are handed to pip; PORT (8765) must be free.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: $0 FOLDER [MIRROR]" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "chroot and mount need root" >&2; exit 2; }
source=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mkdir -p "$1" && cd "$1" && pwd)
root=$folder/root
port=${PORT:-8765}
step() { printf '\n== %s\n' "$*"; }

if [ ! -x "$root/usr/bin/python3" ]; then
  step "debootstrap bookworm"
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" ${2:+"$2"} > "$folder/debootstrap.log"
fi
# The base image calls it python.
ln -sf python3 "$root/usr/bin/python"
# How this machine reaches the package index.
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$root/opt/reperio" "$root/srv/reperio"
if chroot "$root" id reperio > /dev/null 2>&1; then chroot "$root" userdel reperio; fi

# --- build ---------------------------------------------------------------------------------------------
words() { python3 -c 'import json, sys; print("\n".join(json.loads(sys.argv[1])))' "$1"; }
environment=() volumes=() command=() health=() user=0:0 directory=/
in_root() { chroot "$root" env -C "$directory" "$@"; }
copy() {
  local from=$1 to=$root$2
  if [ "$from" = . ]; then
    mkdir -p "$to"
    (cd "$source" && shopt -s dotglob && tar -c --anchored --exclude-from=.dockerignore -- *) | tar -x --no-same-owner -C "$to"
  else
    mkdir -p "$(dirname "$to")" && cp "$source/$from" "$to"
  fi
}
build() {
  local instruction rest
  while read -r instruction rest; do
    case $instruction in
      FROM | EXPOSE) continue ;;
      COPY) case $rest in --from=*) continue ;; esac ;;
    esac
    step "$instruction $rest"
    case $instruction in
      # shellcheck disable=SC2086
      COPY) copy $rest ;;
      RUN)
        case $rest in
          '['*) mapfile -t argv < <(words "$rest"); in_root "${environment[@]}" "${argv[@]}" ;;
          *) in_root "${environment[@]}" sh -ec "$rest" ;;
        esac ;;
      WORKDIR) directory=$rest ;;
      ENV) eval "environment+=($rest)" ;;
      USER) user=$rest ;;
      VOLUME) mapfile -t volumes < <(words "$rest") ;;
      HEALTHCHECK) mapfile -t health < <(words "${rest#*CMD }") ;;
      CMD) mapfile -t command < <(words "$rest") ;;
      *) echo "this script does not know $instruction" >&2; exit 1 ;;
    esac
  done < <(sed -e '/^#/d' -e '/^$/d' "$source/Dockerfile" | sed -e ':a' -e '/\\$/{N;s/\\\n */ /;ba' -e '}')
}
build

# --- run -----------------------------------------------------------------------------------------------
# What follows runs in a mount namespace of its own: nothing stays mounted.
enter=(
  chroot "$root" setpriv --reuid="${user%:*}" --regid="${user#*:}" --clear-groups --no-new-privs --bounding-set=-all
  --inh-caps=-all -- env -i -C "$directory" "${environment[@]}" "PORT=$port"
)
contained() { "${enter[@]}" "$@"; }
prepare() {
  local volume place
  mount --make-rprivate /
  mount --bind "$root" "$root"
  rm -rf "$folder/volumes"
  for volume in "${volumes[@]}"; do
    place=$folder/volumes$volume
    mkdir -p "$place" "$root$volume"
    # As an engine does with a new volume.
    chown --reference="$root$volume" "$place" && chmod --reference="$root$volume" "$place"
    mount --bind "$place" "$root$volume"
  done
  mount -t proc proc "$root/proc"
  mount --bind /sys "$root/sys"
  mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
  local device
  for device in null zero random urandom; do
    : > "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device"
  done
  mkdir "$root/dev/shm" && mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mount -o remount,bind,ro "$root"
}
prove() {
  prepare
  step "the root file system is read-only"
  if contained touch /srv/reperio/x 2> /dev/null || touch "$root/x" 2> /dev/null; then echo "it is not" >&2; exit 1; fi
  contained sh -c 'id; grep -E "^(CapEff|NoNewPrivs)" /proc/self/status'
  step "without SECRET_KEY the start is refused"
  if contained "${command[@]}"; then echo "it was not" >&2; exit 1; fi
  step "${command[*]}"
  # Not through the function: the process in the background must be the service itself, for the signal.
  "${enter[@]}" SECRET_KEY="$(head -c 48 /dev/urandom | base64 -w 0)" "${command[@]}" > "$folder/service.log" 2>&1 &
  local service=$! tries=0
  until contained "${health[@]}" 2> /dev/null; do
    tries=$((tries + 1))
    if [ $tries -gt 60 ] || ! kill -0 $service; then cat "$folder/service.log"; exit 1; fi
    sleep 1
  done
  step "the health check passed after $tries tries"
  local ask='import sys, time, urllib.request as u, urllib.error as e
def get(path):
    try:
        return u.urlopen(f"http://127.0.0.1:{sys.argv[1]}{path}", timeout=20)
    except e.HTTPError as error:
        return error
for _ in range(60):
    ready = get("/readyz")
    if ready.status == 200:
        break
    time.sleep(1)
print("/readyz", ready.status, ready.read().decode())
page = get("/")
print("/", page.status, page.headers["content-type"])
sys.exit(not ready.status == page.status == 200)'
  contained python -c "$ask" "$port"
  step "stop"
  kill -TERM $service
  wait $service
  cat "$folder/service.log"
  step "written, all of it in volumes"
  (cd "$folder/volumes" && find . -type f -printf '%m %u %p\n' | sort -k 3 | head -20)
  step "proven"
}
export -f step words in_root contained prepare prove
export root folder port
declare -p enter volumes command health > "$folder/image.sh"
unshare --mount --pid --fork --kill-child --mount-proc bash -euo pipefail -c "source '$folder/image.sh'; prove"
