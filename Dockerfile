# The operator's image: one static binary, the functions for both Lambda architectures, the site, and CA certificates.
#
# Nothing is compiled here. `make image` builds what is copied first; by hand, for both architectures of the image:
#   docker buildx build --platform linux/amd64,linux/arm64 --tag <registry>/photogallery-operator:0.1.0 --push .

FROM scratch AS operator-amd64
COPY --chmod=0755 target/x86_64-unknown-linux-musl/release/photogallery-operator /photogallery-operator

FROM scratch AS operator-arm64
COPY --chmod=0755 target/aarch64-unknown-linux-musl/release/photogallery-operator /photogallery-operator

# Only for its CA certificates, which need no architecture.
FROM --platform=$BUILDPLATFORM alpine:3.22 AS certificates

# Chosen by the platform that is built; the other architecture's binary need not exist.
FROM operator-${TARGETARCH}
COPY --from=certificates --chmod=0644 /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --chmod=0755 target/functions/x86_64 /functions/x86_64
COPY --chmod=0755 target/functions/arm64 /functions/arm64
COPY --chmod=0755 frontend/dist /site

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="PhotoGallery operator" \
      org.opencontainers.image.description="Declares serverless photo galleries on AWS as Kubernetes objects." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/photogallery-operator"]
