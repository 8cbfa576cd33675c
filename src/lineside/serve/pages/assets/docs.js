// The description of /api/v1; no validator is asked, nothing leaves this server.
SwaggerUIBundle({ url: "/api/v1/openapi.json", dom_id: "#interface", validatorUrl: null, deepLinking: true });
