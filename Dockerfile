# An image of Fluent Bit with out_sls_kafka and a configuration that needs nothing but environment variables:
# docs/install.md. Each base is an argument, so that a digest can be given:
#   docker build --build-arg FLUENT_BIT=fluent/fluent-bit@sha256:... -t fluent-bit-sls .
#
# The build runs on the machine at hand, whatever the image is for; Zig, the C compiler of deploy/release, makes for both
# what a release has, byte for byte, which loads with glibc 2.17 and later.
ARG GO=golang:1.26.8-bookworm
ARG FLUENT_BIT=fluent/fluent-bit:5.1.1
ARG BUSYBOX=busybox:1.37.0

FROM --platform=$BUILDPLATFORM ${GO} AS build
WORKDIR /src
# Zig comes as a Python package.
RUN python3 -m ensurepip --version || { apt-get update && apt-get install -y --no-install-recommends python3-venv; }
COPY go.mod go.sum ./
RUN go mod download
COPY LICENSE out_sls_kafka.go ./
COPY host/ host/
COPY encoder/ encoder/
COPY plugin/ plugin/
COPY cmd/ cmd/
COPY deploy/buildflags/ deploy/buildflags/
COPY deploy/release/ deploy/release/
ARG VERSION=dev
ARG TARGETARCH
RUN go run ./deploy/release -version "${VERSION}" -arch "${TARGETARCH}" -into /out

# --target plugin: the shared object and a cp, for an init container of a pod with an unchanged Fluent Bit image.
FROM ${BUSYBOX} AS plugin
COPY --from=build /out/LICENSE /out/THIRD_PARTY_NOTICES.txt /licenses/out_sls_kafka/
COPY --from=build /out/out_sls_kafka.so /
USER 65534:65534
ENTRYPOINT ["/bin/cp"]
CMD ["/out_sls_kafka.so", "/plugins/"]

FROM ${FLUENT_BIT}
LABEL org.opencontainers.image.title="Fluent Bit with out_sls_kafka" \
      org.opencontainers.image.description="Fluent Bit with an output to Alibaba Cloud Simple Log Service" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/LICENSE /out/THIRD_PARTY_NOTICES.txt /licenses/out_sls_kafka/
COPY --from=build /out/out_sls_kafka.so /fluent-bit/plugins/
# sls-check -c /fluent-bit/etc/fluent-bit.yaml -online, in the container: its checks as Fluent Bit sees them.
COPY --from=build /out/sls-check /fluent-bit/bin/
# The name Fluent Bit's own image has for this file, so that configurations made for it load the plugin too.
COPY deploy/container/plugins.conf /fluent-bit/etc/
COPY deploy/container/fluent-bit.yaml /fluent-bit/etc/
# Chunks that wait, and how far each file was read. Declared, so that a container with a read-only root can write it.
VOLUME ["/var/lib/fluent-bit"]
EXPOSE 2020
ENTRYPOINT ["/fluent-bit/bin/fluent-bit"]
CMD ["-c", "/fluent-bit/etc/fluent-bit.yaml"]
