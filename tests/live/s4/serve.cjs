// Serves the OData services of config.json by SAP's mock server: node serve.cjs FOLDER_OF_NODE_MODULES CONFIG PORT
// The mock server knows no ETags outside drafts and hands CSRF tokens out without asking for them; both are added as SAP
// Gateway has them: 403 without the token, 428 without If-Match, 412 with an old one.
const path = require("path");
const http = require("http");
const { createHash } = require("crypto");
const [modules, config, port] = process.argv.slice(2);
const { default: Mockserver } = require(path.join(modules, "node_modules/@sap-ux/fe-mockserver-core"));
const server = new Mockserver({ services: require(path.resolve(config)) });
const TOKEN = "0504-71383";

server.isReady.then(() => {
  const router = server.getRouter();
  const routed = (request, response) =>
    router(request, response, (error) => {
      response.statusCode = error ? 500 : 404;
      response.end(error ? String(error) : "");
    });
  const inner = http.createServer(routed).listen(0, "127.0.0.1");
  const row = (url) =>
    new Promise((done) =>
      http.get({ port: inner.address().port, path: url, headers: { accept: "application/json" } }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => {
          const body = Buffer.concat(parts);
          done([answer.statusCode, body, `W/"${createHash("sha1").update(body).digest("hex")}"`]);
        });
      }),
    );
  http
    .createServer(async (request, response) => {
      const one = /\)$/.test(request.url.split("?")[0]);
      const refuse = (status, headers = {}) => response.writeHead(status, headers).end();
      if (request.method === "GET" && one) {
        const [status, body, tag] = await row(request.url);
        return response.writeHead(status, { "content-type": "application/json", etag: tag }).end(body);
      }
      if (request.method !== "GET" && request.method !== "HEAD") {
        if (request.headers["x-csrf-token"] !== TOKEN) return refuse(403, { "x-csrf-token": "Required" });
        if (one && !request.headers["if-match"]) return refuse(428);
        if (one && request.headers["if-match"] !== (await row(request.url))[2]) return refuse(412);
      }
      return routed(request, response);
    })
    .listen(Number(port), "127.0.0.1");
});
