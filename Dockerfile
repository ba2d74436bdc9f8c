# An image of Fluent Bit with out_sls_kafka and a configuration that needs nothing but environment variables:
# docs/container.md. Each base is an argument, so that a digest can be given:
#   docker build --build-arg FLUENT_BIT=fluent/fluent-bit@sha256:... -t fluent-bit-sls .
#
# The Go image is of Debian 12 (glibc 2.36), one release behind the one Fluent Bit's image is of (Debian 13, glibc 2.41):
# a shared object runs with the glibc it was linked against and newer ones, not with older ones.
ARG GO=golang:1.26.8-bookworm
ARG FLUENT_BIT=fluent/fluent-bit:5.1.1
ARG BUSYBOX=busybox:1.37.0

FROM ${GO} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY Makefile out_sls_kafka.go ./
COPY host/ host/
COPY encoder/ encoder/
COPY plugin/ plugin/
ARG VERSION=dev
RUN make build VERSION=${VERSION}

# --target plugin: the shared object and a cp, for an init container beside an unchanged Fluent Bit image.
FROM ${BUSYBOX} AS plugin
COPY LICENSE /licenses/out_sls_kafka/
COPY --from=build /src/out_sls_kafka.so /
USER 65534:65534
ENTRYPOINT ["/bin/cp"]
CMD ["/out_sls_kafka.so", "/plugins/"]

FROM ${FLUENT_BIT}
LABEL org.opencontainers.image.title="Fluent Bit with out_sls_kafka" \
      org.opencontainers.image.description="Fluent Bit with an output to Alibaba Cloud Simple Log Service" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY LICENSE /licenses/out_sls_kafka/
COPY --from=build /src/out_sls_kafka.so /fluent-bit/plugins/
# The name Fluent Bit's own image has for this file, so that configurations made for it load the plugin too.
COPY deploy/container/plugins.conf /fluent-bit/etc/
COPY deploy/container/fluent-bit.yaml /fluent-bit/etc/
# Chunks that wait, and how far each file was read. Declared, so that a container with a read-only root can write it.
VOLUME ["/var/lib/fluent-bit"]
EXPOSE 2020
ENTRYPOINT ["/fluent-bit/bin/fluent-bit"]
CMD ["-c", "/fluent-bit/etc/fluent-bit.yaml"]
