#!/bin/sh
# Prints the build arguments that pin the base images of the Dockerfile by digest, NAME=image:tag@digest a line. The
# arguments are the command that prints the digest of the image whose name it is given last.
set -eu
bases=$(sed -n 's/^ARG \([A-Z_]*\)=\([^ ]*:[^ ]*\)$/\1 \2/p' "$(dirname "$0")/../../Dockerfile")
test -n "$bases"
echo "$bases" | while read -r name image; do
    digest=$("$@" "$image" </dev/null)
    case $digest in
    sha256:????????????????????????????????????????????????????????????????) echo "$name=$image@$digest" ;;
    *) echo "bases.sh: $image: \"$digest\" is not a digest" >&2; exit 1 ;;
    esac
done
