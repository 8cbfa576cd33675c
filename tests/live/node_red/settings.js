// Node-RED without an editor: what posts to /send lets the flow post a webhook.
module.exports = {
    uiHost: "127.0.0.1",
    uiPort: Number(process.env.PORT),
    httpAdminRoot: false,
    flowFile: "flows.json",
    functionExternalModules: true,
    telemetry: { enabled: false, updateNotification: false },
    logging: { console: { level: "info", metrics: false, audit: false } },
};
