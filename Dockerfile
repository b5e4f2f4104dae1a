# The image of pgveil: `docker build -t pgveil .`, then mount a configuration at /etc/pgveil/pgveil.yaml.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# Scripts of packages are not needed: the image brings its own Node.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY config config
COPY connectors connectors
COPY transforms transforms
COPY sinks sinks
RUN npm run build

FROM node:24-slim
WORKDIR /app
# Of glibc: without these two what was freed stays resident, in an arena for each thread (docs/decisions/0019).
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=131072
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY --from=build /build/dist dist
COPY LICENSE ./
# pgveil keeps no state of its own and writes no files: it needs no rights here.
USER node
EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8787/live').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node as process 1 gets the signals itself: no npm, no shell between.
ENTRYPOINT ["node", "--enable-source-maps", "dist/src/app/cli.js"]
CMD ["run", "-c", "/etc/pgveil/pgveil.yaml"]
