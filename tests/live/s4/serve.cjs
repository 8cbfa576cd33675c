// Serves the OData services of config.json by SAP's mock server: node serve.cjs FOLDER_OF_NODE_MODULES CONFIG PORT
const path = require("path");
const http = require("http");
const [modules, config, port] = process.argv.slice(2);
const { default: Mockserver } = require(path.join(modules, "node_modules/@sap-ux/fe-mockserver-core"));
const server = new Mockserver({ services: require(path.resolve(config)) });
server.isReady.then(() => {
  const router = server.getRouter();
  http
    .createServer((request, response) =>
      router(request, response, (error) => {
        response.statusCode = error ? 500 : 404;
        response.end(error ? String(error) : "");
      }),
    )
    .listen(Number(port), "127.0.0.1");
});
