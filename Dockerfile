# Runs from source by type stripping; test/e2e/dockerfile.test.ts takes these steps in a clean folder, without Docker.
#
#   docker build -t headgate .
#   docker run --read-only -v headgate:/data -p 1883:1883 -p 8080:8080 headgate
#
# Nothing but /data is written. The control API stays on the container's loopback: docker exec <name> node bin/headgate.js
# why <id> reaches it; to scrape /metrics from outside, set HEADGATE_ADMIN=0.0.0.0:9090 on a network that you trust.

FROM node:26-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY bin bin
COPY src src
COPY connectors connectors
COPY functions functions
COPY config config
RUN mkdir -p /data

FROM node:26-slim
WORKDIR /app
COPY --from=build /app /app
COPY --from=build --chown=node:node /data /data
# Inside a container, listening on every interface is listening to what -p publishes and to nothing else.
ENV NODE_ENV=production \
    HEADGATE_MQTT=tcp://0.0.0.0:1883,ws://0.0.0.0:8083 \
    HEADGATE_HTTP=0.0.0.0:8080 \
    HEADGATE_ADMIN=127.0.0.1:9090 \
    HEADGATE_DATA=/data \
    NODE_COMPILE_CACHE=/data/compile-cache
USER node
VOLUME /data
EXPOSE 1883 8083 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["node", "-e", "fetch(`http://${process.env.HEADGATE_ADMIN}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "bin/headgate.js", "run", "config/headgate.yaml"]
