# The server and the command line in one image: builds the workspace, then keeps what runs.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY . .
RUN npm ci --no-audit --no-fund && npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:20-bookworm-slim
WORKDIR /app
# From outside of the container only an address that is not loopback is reached; the server then starts only with a
# token: docker run -e NETLOOM_TOKEN=… -p 3000:3000 netloom
ENV NODE_ENV=production NETLOOM_HOST=0.0.0.0
COPY --from=build --chown=node:node /app /app
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000
CMD ["node", "apps/cli/bin/netloom.js", "serve", "--port", "3000", "--data", "/data"]
