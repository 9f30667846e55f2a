# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests that build for aarch64 and run the result under qemu-user; to be sourced in the project's root
# folder, after pipelines/setup.sh:
#
#   sysroot_add PACKAGE...    call first for packages beyond the libraries, in a $SYSROOT of their own
#   sysroot_make              install Debian's cross compiler and qemu, unpack libraries for arm64 into
#                             $SYSROOT; where that is impossible, end with 77
#   sysroot_cross_file FILE   write meson's description of the machine
#   sysroot_skip REASON       end with 77
#
# The libraries are unpacked, not installed, into $XDG_CACHE_HOME/gst-rfdn (0.5 GB, and as much again for those
# with packages of their own), so that the system gets no foreign architecture. This needs the network the first
# time. $RFDN_DEBIAN_MIRROR names another mirror.

SYSROOT=${XDG_CACHE_HOME:-$HOME/.cache}/gst-rfdn/sysroot-arm64
ARM_LIBRARIES=$SYSROOT/usr/lib/aarch64-linux-gnu
ARM_PACKAGES=(
  libc6-dev libglib2.0-dev libjson-glib-dev libgstreamer1.0-dev
  libgstreamer-plugins-base1.0-dev gstreamer1.0-tools
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good
)

sysroot_skip() { # REASON
  printf 'skipped: %s\n' "$*"
  exit 77
}

# Downloads and unpacks $ARM_PACKAGES and all their dependencies, with an apt that neither knows nor
# changes this system's packages.
sysroot_unpack() { # SUITE
  local wanted="$1 ${ARM_PACKAGES[*]}" new=$SYSROOT.new deb
  [ "$(cat "$SYSROOT/.packages" 2>/dev/null)" != "$wanted" ] || return 0

  printf 'Unpacking libraries for arm64 in %s ...\n' "$SYSROOT" >&2
  rm -rf "$new" "$new".apt
  mkdir -p "$new".apt/{empty,lists/partial,archives/partial} "$new"
  : >"$new".apt/status
  printf 'deb [arch=arm64 signed-by=%s] %s %s main\n' /usr/share/keyrings/debian-archive-keyring.gpg \
    "${RFDN_DEBIAN_MIRROR:-http://deb.debian.org/debian}" "$1" >"$new".apt/sources.list
  cat >"$new".apt/apt.conf <<EOF
APT::Architecture "arm64";
APT::Sandbox::User "";
Dir::State "$new.apt";
Dir::State::status "$new.apt/status";
Dir::Cache "$new.apt";
Dir::Etc::SourceList "$new.apt/sources.list";
Dir::Etc::SourceParts "$new.apt/empty";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$new.apt/empty";
EOF
  if ! { APT_CONFIG=$new.apt/apt.conf apt-get update -o APT::Update::Error-Mode=any &&
    APT_CONFIG=$new.apt/apt.conf apt-get install -y --download-only --no-install-recommends \
      "${ARM_PACKAGES[@]}"; } >"$new".apt/log 2>&1 </dev/null; then
    tail -n 20 "$new".apt/log >&2
    sysroot_skip "the packages for arm64 could not be downloaded; the whole log is $new.apt/log"
  fi
  for deb in "$new".apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$new" --no-same-owner --keep-directory-symlink \
      --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale'
  done
  printf '%s\n' "$wanted" >"$new/.packages"
  rm -rf "$SYSROOT" "$new".apt
  mv "$new" "$SYSROOT"
}

sysroot_add() { # PACKAGE...
  ARM_PACKAGES+=("$@")
  SYSROOT+=-$1
  ARM_LIBRARIES=$SYSROOT/usr/lib/aarch64-linux-gnu
}

sysroot_make() {
  local suite
  suite=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") ||
    sysroot_skip "aarch64 needs Debian's cross compiler, but this is not Debian"
  rfdn_need_packages gcc-aarch64-linux-gnu debian-archive-keyring qemu-user
  sysroot_unpack "$suite"
}

sysroot_cross_file() { # FILE
  cat >"$1" <<EOF
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-gcc-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '$SYSROOT']
[built-in options]
c_args = ['--sysroot=$SYSROOT']
c_link_args = ['--sysroot=$SYSROOT']
[properties]
sys_root = '$SYSROOT'
pkg_config_libdir = '$ARM_LIBRARIES/pkgconfig:$SYSROOT/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
EOF
}
