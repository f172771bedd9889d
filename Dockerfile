# vneid-proxy: one static binary in an image that holds nothing else, run by nobody (65532).
#   docker build --build-arg VERSION=$(git describe --always) -t vneid-proxy .

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev
# timetzdata: dates count in Asia/Ho_Chi_Minh, and the final image has no time zones of its own.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -tags timetzdata -ldflags "-s -w -X main.version=$VERSION" -o /out/vneid-proxy ./cmd/vneid-proxy
RUN mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/vneid-proxy /vneid-proxy
COPY --from=build --chown=65532:65532 /out/data /var/lib/vneid-proxy
USER 65532:65532
# The portal's public side, and the admin listener: metrics and health, not to be published.
EXPOSE 8080 9180
# The SQLite ledger, where that is what LEDGER_URL names.
VOLUME /var/lib/vneid-proxy
ENTRYPOINT ["/vneid-proxy"]
CMD ["serve"]
