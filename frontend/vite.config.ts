// Build of the gallery's page: static files only. The operator uploads `dist/` and writes `config.json` next to it.
import { defineConfig } from "vitest/config";

// `npm run dev` talks to a running gallery (GALLERY_URL) or to `node tests/mock.mjs` on its usual port.
const backend = process.env.GALLERY_URL ?? "http://127.0.0.1:4180";

export default defineConfig({
  build: {
    target: "es2023",
    // A stylesheet or script inlined as data: would be refused by the page's own Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    proxy: {
      "/api": { target: backend, changeOrigin: true },
      "/config.json": { target: backend, changeOrigin: true },
    },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
