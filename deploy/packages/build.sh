#!/usr/bin/env bash
# make packages: .deb and .rpm of both programs, a Windows MSI of the agent, SBOMs and checksums, into build/packages. The
# same commit, the same Go and the same tools give the same bytes, wherever and whenever.
#
# VERSION, TAGS and COLD are the Makefile's. As root it installs the Debian packages it needs, otherwise it says which.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$PWD/build/packages
: "${VERSION:?}" "${TAGS:?}" "${COLD:?}"

deploy/apt.sh "packages" wixl=wixl msibuild=msitools
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH CGO_ENABLED=0
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
umask 022

# v1.2.3 gives 1.2.3, v1.2.3-rc1 1.2.3~rc1 (which is older), and commits after it 1.2.3+4.g0123456. Windows compares three
# numbers only.
case $VERSION in
v[0-9]* | [0-9]*.[0-9]*.*)
  PACKAGE_VERSION=$(sed -E 's/^v//; s/-([0-9]+)-(g[0-9a-f]+)/+\1.\2/; s/-dirty$/+dirty/; s/-/~/g' <<<"$VERSION")
  MSI_VERSION=$(sed -E 's/^([0-9]+\.[0-9]+\.[0-9]+).*/\1/' <<<"$PACKAGE_VERSION")
  ;;
*)
  if [[ $(git rev-parse --is-shallow-repository) != false ]]; then
    echo "packages: no tag, and a shallow clone, which can't tell how new it is: git fetch --unshallow --tags" >&2
    exit 1
  fi
  MSI_VERSION=0.0.$(git rev-list --count HEAD)
  PACKAGE_VERSION=$MSI_VERSION+g${VERSION/-/+}
  ;;
esac
export PACKAGE_VERSION
IFS=. read -r major minor patch <<<"$MSI_VERSION"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$out"
mkdir -p "$out"

# build PROGRAM OS ARCH FILE
build() {
  local tags=()
  [[ $1 = agent ]] && read -ra tags <<<"-tags $TAGS $COLD"
  GOOS=$2 GOARCH=$3 go build -trimpath -buildvcs=true "${tags[@]}" -o "$4" \
    -ldflags "-s -w -X github.com/zerofax/zerofax/agent/program.version=$VERSION" "./$1"
}

# sbom FILE PLATFORM
sbom() {
  local name=${1##*/}
  "$work/sbom" "$1" "$PACKAGE_VERSION" agent/page/assets/package.json >"$out/${name%.exe}_${PACKAGE_VERSION}_$2.cdx.json"
}

# guid NAME: always the same for the same name (RFC 9562, version 8).
guid() {
  sha256sum <<<"zerofax-agent $1" | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\U\1-\2-8\3-8\4-\5/'
}

GOBIN=$work go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.1
go build -o "$work/sbom" ./deploy/packages/sbom
go build -o "$work/msi" ./deploy/packages/msi

for ARCH in amd64 arm64; do
  export ARCH
  for program in agent collector; do
    name=zerofax-$program dir=$work/$program-$ARCH
    mkdir "$dir"
    build $program linux $ARCH "$dir/$name"
    cp LICENSE deploy/packages/linux/{$name.sysusers,$program.yml} "$dir"
    if [[ $program = agent ]]; then
      go run ./agent/internal/service/packaged >"$dir/$name.service"
    else
      cp deploy/packages/linux/$name.service "$dir"
    fi
    for script in deploy/packages/linux/{deb,rpm}.*; do
      sed "s/@PROGRAM@/$program/g" "$script" >"$dir/${script##*/}"
    done
    for packager in deb rpm; do
      (cd "$dir" && "$work/nfpm" package --config "$OLDPWD/deploy/packages/linux/$name.yml" --packager $packager --target "$out" >/dev/null)
    done
    sbom "$dir/$name" linux_$ARCH
  done
done

build agent windows amd64 "$work/zerofax-agent.exe"
touch -d "@$SOURCE_DATE_EPOCH" "$work/zerofax-agent.exe"
msi=$out/zerofax-agent_${PACKAGE_VERSION}_windows_amd64.msi
(cd "$work" && wixl --arch x64 -o "$msi" "$OLDPWD/deploy/packages/windows/zerofax-agent.wxs" -D "ProductCode=$(guid "$VERSION")" \
  -D "Version=$MSI_VERSION" -D "Next=$major.$minor.$((patch + 1))" -D "Package=$PACKAGE_VERSION")
# wixl knows no Secure="yes": without it these don't get from a prompt without rights to the installation that has them.
msibuild "$msi" -q "UPDATE \`Property\` SET \`Value\` = 'OLDER;NEWER;BUNDLE;CONFIG' WHERE \`Property\` = 'SecureCustomProperties'"
# Nor Execute="rollback": 256, with 50 (a program), 64 (however it ends), 1024 (not now) and 2048 (as the system).
msibuild "$msi" -q "UPDATE \`CustomAction\` SET \`Type\` = 3442 WHERE \`Action\` = 'Undo'"
"$work/msi" "$msi"
sbom "$work/zerofax-agent.exe" windows_amd64

(cd "$out" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
ls -l "$out"
