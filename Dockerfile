# The server and command line as one static binary in an image without anything else: no shell, no package manager,
# not root. docs/deploy.md says how it is run.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# timetzdata: schedules need time zones, and the image has no files of its own.
RUN CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags='-s -w' -o /out/flowforge ./server/cmd/flowforge \
	&& mkdir -p /out/data /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/flowforge /flowforge
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
USER 65532:65532
WORKDIR /data
VOLUME /data
# One process with SQLite needs nothing else; with PostgreSQL give FLOWFORGE_STORE=postgres://...
ENV FLOWFORGE_STORE=sqlite:/data/flow.db
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["/flowforge"]
CMD ["worker", "--listen", "0.0.0.0:9090"]
