# syntax=docker/dockerfile:1
# Tickroom in a container: `docker build -t tickroom .`, or with all engines beside it: `docker compose up`.

FROM rust:1.95.0-slim-trixie AS chef
# The image's own toolchain, without what rust-toolchain.toml adds for development.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/* \
    && cargo install --locked cargo-chef
WORKDIR /tickroom

# What the dependencies are, whatever else changes.
FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

# The dependencies by themselves, a layer that stays while they do; then the server.
FROM chef AS build
COPY --from=plan /tickroom/recipe.json ./
RUN cargo chef cook --release --locked --recipe-path recipe.json --bin tickroom
COPY . .
RUN cargo build --release --locked --bin tickroom && strip target/release/tickroom

FROM debian:trixie-slim
# curl asks for the health.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data tickroom \
    && install --directory --owner tickroom --group tickroom /data
COPY --from=build /tickroom/target/release/tickroom /usr/local/bin/
COPY LICENSE /usr/share/doc/tickroom/
USER 10001
WORKDIR /data
VOLUME /data
ENV TICKROOM_SERVER__LISTEN=0.0.0.0:8080 \
    TICKROOM_STORAGE__DATA_DIR=/data
EXPOSE 8080
# Live, not ready: a container whose database is away is not to be restarted for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["curl", "--fail", "--silent", "--show-error", "http://127.0.0.1:8080/health/live"]
# It is process 1 and gets SIGTERM itself. To stop in order it may take server.shutdown_drain_ms and some seconds, so
# give it longer than the 10 s of `docker stop`: `--stop-timeout 30`.
ENTRYPOINT ["tickroom"]
CMD ["serve"]
